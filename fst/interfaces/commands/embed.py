"""Puts a slim network into the package: ``fst embed slim.safetensors``.

Measures how well it agrees with VGG-19 on photos and paintings that it never saw, and writes it
with these figures to fst/embedded/. The checksum that it prints belongs into
fst/loss_networks/weights.py.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import pooch
import torch
from rich.progress import track
from safetensors import safe_open

from fst import assets
from fst.errors import InputError
from fst.image.io import load_image
from fst.image.picture import resize
from fst.loss_networks.vgg import VGG19
from fst.loss_networks.weights import EMBEDDED
from fst.research.distillation.agreement import agreement, make_cases, verdict_on
from fst.research.distillation.slim import CONVOLUTIONS, RELUS, SLIM, random_slim, write_slim
from fst.system.device import pick_device, pick_precision
from fst.system.files import write_json
from fst.system.memory import keep_freed_memory


def undistilled(path: Path) -> None:
    """An untrained network of the same shape, in the plain metric: for comparison."""
    state = random_slim()
    for conv, relu in zip(CONVOLUTIONS, RELUS, strict=True):
        eye = torch.eye(SLIM.channels[int(conv[4]) - 1])
        state |= {f"metric.{conv}": eye, f"metric.{relu}": eye}
    write_slim(path, state, {})


def measure_agreement(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The agreement with VGG-19 of the given network, and of an undistilled one."""
    photos = assets.list_images(assets.find("photos", options.photos))[: options.limit]
    dtype = pick_precision("auto", pick_device("cpu"))
    found = [resize(load_image(path), options.size).rgb for path in photos]
    paintings = [
        resize(load_image(assets.find("styles", name)), 512).rgb for name in options.paintings
    ]
    teacher = VGG19(RELUS, dtype=dtype)
    with tempfile.TemporaryDirectory() as folder:
        random = Path(folder) / "random.safetensors"
        undistilled(random)
        others = {"slim": str(options.network), "undistilled": str(random)}
        networks = {name: VGG19(RELUS, path) for name, path in others.items()}
    cases = list(
        track(
            make_cases(found, paintings, {"VGG-19": "auto", "slim": str(options.network)}, dtype),
            "optimizing",
            len(found) * len(paintings) * 7,
        )
    )
    theirs = [verdict_on(teacher, case) for case in track(cases, "VGG-19")]
    return {
        name: agreement(
            [(c, t, verdict_on(network, c)) for c, t in zip(cases, theirs, strict=True)]
        )
        for name, network in networks.items()
    }


def main(options: argparse.Namespace) -> int:
    """Measures, writes."""
    with safe_open(options.network, framework="pt") as file:
        about = json.loads((file.metadata() or {}).get("fst", "null"))
        if about is None:
            raise InputError(
                f"{options.network} does not say how it was made: take one from fst distill"
            )
        state = {key: file.get_tensor(key).float() for key in file.keys()}
    keep_freed_memory()
    folder = options.folder or EMBEDDED
    folder.mkdir(parents=True, exist_ok=True)
    figures = measure_agreement(options)
    if options.report:
        write_json(options.report, figures)
    about["agreement"] = {
        "on": f"up to {options.limit} photos of {options.photos}, {options.size} px; "
        f"{', '.join(options.paintings)}; fst.research.distillation.agreement",
        **figures["slim"],
    }
    network = folder / SLIM.file
    write_slim(network, state, about)
    digest = pooch.file_hash(str(network))
    print(f"{network}: {network.stat().st_size / 1e6:.2f} MB, {digest}")
    for name, by_term in figures.items():
        for term, f in by_term.items():
            print(f"{name} {term}: cosine {f['cosine']['all']:.3f}, correlation "
                  f"{f['correlation']:.3f}, relative error {f['relative_error']:.3f}")  # fmt: skip
    return 0
