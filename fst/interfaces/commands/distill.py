"""Teaches the slim loss network: ``fst distill --output slim.safetensors``.

Needs VGG-19, photos and paintings. Stopped, it goes on where it was: see ``--state``.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich.progress import Progress
from torch import Tensor

from fst import assets
from fst.data.sources import decode, open_folder, shrink
from fst.errors import InputError
from fst.evaluation.photos import find_photos
from fst.image.io import load_image
from fst.image.picture import resize
from fst.loss_networks.sources import WEIGHTS
from fst.loss_networks.vgg import VGG19
from fst.research.distillation.settings import DistillationSettings
from fst.research.distillation.slim import RELUS, SLIM, write_slim
from fst.research.distillation.teach import Distillation, read_state
from fst.styles.trained import load_checkpoint
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file


def painter(path: str) -> Callable[[Tensor], Tensor]:
    """A trained net, without gradients."""
    return torch.no_grad()(load_checkpoint(Path(path)).net)


def main(options: argparse.Namespace) -> int:
    """Teaches, writes."""
    check_file("--output", options.output, options.overwrite, ".safetensors")
    check_file("--state", options.state, overwrite=True)
    if options.state.exists():
        read_state(options.state)  # or else a line, now
    find_photos(options.photos)
    names = ("feature_steps", "gradient_steps", "seed")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    recipe = replace(DistillationSettings(), **given)
    painted = [painter(path) for path in options.painted]
    paintings = [
        resize(load_image(assets.find("styles", name)), 640).rgb[0] for name in options.paintings
    ]
    teacher = load_teacher(options)
    keep_freed_memory()
    photos = read_photos(options.photos, recipe.size)
    distillation = Distillation(teacher, photos, paintings, painted, recipe)
    if options.state.exists():
        distillation.load(options.state)
        print(f"going on from {options.state}: {distillation.done}")
    teach(distillation, options.state)
    data = f"{len(photos)} photos; paintings: {', '.join(options.paintings)}"
    write_slim(options.output, distillation.finished(), description(teacher, data, recipe))
    print(f"wrote {options.output}  (train with it: loss.weights={options.output})")
    return 0


def load_teacher(options: argparse.Namespace) -> VGG19:
    """VGG-19, up to the slim network's last layer.

    Raises:
        InputError: another network, or random weights.
    """
    dtype = pick_precision(options.precision, pick_device("cpu"))
    if options.weights in ("slim", "random"):
        raise InputError(f"the teacher is VGG-19, not {options.weights!r}")
    teacher = VGG19(RELUS, options.weights, dtype=dtype)
    if teacher.architecture == SLIM.architecture:
        raise InputError(f"the teacher is VGG-19, not {options.weights!r}")
    return teacher


def read_photos(folder: str, size: int) -> list[Tensor]:
    """The photos, ``(3, H, W)`` uint8, a little larger than what is cropped from them.

    Raises:
        InputError: none is large enough.
    """
    short_side = round(1.375 * size)
    records = [record["image"] for record in open_folder(folder)]
    photos = [shrink(decode(record, short_side), short_side) for record in records]
    photos = [photo for photo in photos if min(photo.shape[1:]) >= size]
    if len(photos) < len(records):
        print(f"{len(records) - len(photos)} photos are smaller than {size} px: left out")
    if not photos:
        raise InputError(f"{folder}: no photo of at least {size} px")
    return photos


def teach(distillation: Distillation, state: Path) -> None:
    """All stages, with a bar or lines; every 20 steps what a stopped run goes on from is kept."""
    with Progress(transient=True) as bar:
        task = bar.add_task("")
        for step in distillation.run():
            figures = ", ".join(f"{name} {value:.3f}" for name, value in step.figures.items())
            line = f"{step.stage} {step.step}/{step.steps}: {figures}"
            bar.update(task, total=step.steps, completed=step.step, description=line)
            if step.step % 20 == 0 or step.step == step.steps:
                distillation.save(state)
                if not bar.console.is_terminal:
                    print(line, flush=True)


def description(teacher: VGG19, data: str, recipe: DistillationSettings) -> dict[str, Any]:
    """What the network's file says of itself."""
    source = WEIGHTS.get(teacher.source)
    return {
        "teacher": {
            **teacher.describe(),
            "license": source.license if source else "unknown",
            "citation": source.citation if source else "unknown",
        },
        "license": source.license if source else "that of the teacher",
        "attribution": f"distilled from: {source.citation if source else teacher.source}; "
        "changed: fewer channels, taught anew",
        "data": data,
        "recipe": asdict(recipe),
    }
