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
from safetensors import SafetensorError, safe_open

from fst import assets
from fst.errors import InputError
from fst.evaluation.photos import find_photos, read_photo
from fst.image.io import load_image
from fst.image.picture import resize
from fst.loss_networks.sources import EMBEDDED
from fst.loss_networks.vgg import VGG19
from fst.research.distillation.agreement import agreement, make_cases, verdict_on
from fst.research.distillation.slim import CONVOLUTIONS, RELUS, SLIM, random_slim, write_slim
from fst.system.device import pick_device, pick_precision
from fst.system.files import utf8_path, write_json
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file, check_folder


def undistilled(path: Path) -> None:
    """An untrained network of the same shape, in the plain metric: for comparison."""
    state = random_slim()
    for conv, relu in zip(CONVOLUTIONS, RELUS, strict=True):
        eye = torch.eye(SLIM.channels[int(conv[4]) - 1])
        state |= {f"metric.{conv}": eye, f"metric.{relu}": eye}
    write_slim(path, state, {})


def measure_agreement(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The agreement with VGG-19 of the given network, and of an undistilled one."""
    photos = find_photos(options.photos, limit=options.limit)
    dtype = pick_precision("auto", pick_device("cpu"))
    found = [read_photo(path, options.size).rgb for path in photos]
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


def read_network(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What a slim network says of itself, and its tensors.

    Raises:
        InputError: no such file, or not one of a network that says how it was made.
    """
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("fst", "null"))
            if not isinstance(about, dict):
                raise ValueError("it does not say how it was made")
            if about.get("architecture") != SLIM.architecture:
                raise ValueError("it is no slim network")
            return about, {key: file.get_tensor(key).float() for key in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error
        raise InputError(f"{path}: {reason}; take a network from fst distill") from error


def main(options: argparse.Namespace) -> int:
    """Measures, writes."""
    folder = options.folder or EMBEDDED
    network = folder / SLIM.file
    check_folder("--folder", folder)
    if folder.is_dir():
        check_file("--folder", network, options.overwrite)
    if options.report:
        check_file("--report", options.report, options.overwrite)
    about, state = read_network(options.network)
    find_photos(options.photos, limit=options.limit)  # or else a line, now
    for name in options.paintings:
        load_image(assets.find("styles", name))
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    figures = measure_agreement(options)
    if options.report:
        write_json(options.report, figures)
    about["agreement"] = {
        "on": f"up to {options.limit} photos of {options.photos}, {options.size} px; "
        f"{', '.join(options.paintings)}; fst.research.distillation.agreement",
        **figures["slim"],
    }
    write_slim(network, state, about)
    digest = pooch.file_hash(str(network))
    print(f"{network}: {network.stat().st_size / 1e6:.2f} MB, {digest}")
    for name, by_term in figures.items():
        for term, f in by_term.items():
            print(f"{name} {term}: cosine {f['cosine']['all']:.3f}, correlation "
                  f"{f['correlation']:.3f}, relative error {f['relative_error']:.3f}")  # fmt: skip
    return 0
