"""Trains a net that trainings begin with: ``fst reptile --output base.safetensors``.

Stopped, it goes on where it was: see ``--state``.
"""

import argparse
from datetime import datetime
from importlib.metadata import version
from typing import Any

import torch
from rich.progress import Progress

from fst.data.crops import CropAndFlip
from fst.data.loader import TrainingCrops
from fst.data.photo_list import PhotoList
from fst.data.sources import open_folder
from fst.errors import InputError
from fst.losses.perceptual import PerceptualLoss
from fst.nets.conditional import ConditionalNet
from fst.research.reptile import Reptile, ReptileSettings, read_state
from fst.styles.catalog import load_style
from fst.styles.names import check_name
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file
from fst.training.many.paintings import LEAST, Painting, find_paintings
from fst.training.recipe import Recipe
from fst.version import __version__

MIN_SCALE = 0.5
"""The smallest share of a photo's area that a crop shows, as in a training."""


def main(options: argparse.Namespace) -> int:
    """Trains, writes."""
    check_file("--output", options.output, options.overwrite, ".safetensors")
    check_name(options.output.stem)
    check_file("--state", options.state, overwrite=True)
    if options.state.exists():
        read_state(options.state)  # or else a line, now
    settings = settings_of(options)
    began_with = load_style(options.init)
    if isinstance(began_with.net, ConditionalNet):
        raise InputError(f"--init {options.init} is a net of many styles: give one of a single one")
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    keep_freed_memory()
    crop = CropAndFlip(options.size, MIN_SCALE, options.seed)
    photos = TrainingCrops(PhotoList(open_folder(options.photos), options.seed), crop, 1)
    paintings = read_paintings(options.paintings, settings.style_size)
    first = paintings[0].open(settings.style_size)
    loss = PerceptualLoss(first, weights=options.weights, dtype=dtype).to(device)
    net = began_with.net.to(device)
    reptile = Reptile(net, loss, paintings, photos, settings, dtype)
    if options.state.exists():
        reptile.load(options.state)
        print(f"going on from {options.state}: {reptile.done} of {settings.rounds} rounds are done")
    follow(reptile, options)
    save_checkpoint(options.output, finished(reptile, began_with, options))
    print(f"wrote {options.output}  (begin a training with it: init={options.output})")
    return 0


def read_paintings(folder: str, size: int) -> list[Painting]:
    """The paintings of a folder, or of one below ``FST_ASSETS``, to be seen at a size.

    Raises:
        InputError: no folder, or fewer than two paintings in it.
    """
    try:
        return find_paintings(folder, smallest=max(LEAST, size))
    except InputError as error:  # which speaks of a training's settings
        raise InputError(f"--paintings {folder}: {error}") from error


def settings_of(options: argparse.Namespace) -> ReptileSettings:
    """How it is trained, as the command line says.

    Raises:
        InputError: a value out of its range.
    """
    recipe = Recipe(
        learning_rate=options.learning_rate,
        warmup_steps=min(20, options.steps // 5),
        seed=options.seed,
    )
    return ReptileSettings(options.rounds, options.steps, options.way, recipe, options.style_size)


def follow(reptile: Reptile, options: argparse.Namespace) -> None:
    """All rounds that are left, with a bar or lines; where it stands is kept after each."""
    rounds = reptile.settings.rounds
    with Progress(transient=True) as bar:
        task = bar.add_task("", total=rounds, completed=reptile.done)
        for done in reptile.run():
            line = f"{done.number}/{rounds}: {done.first:.3f} -> {done.last:.3f}  {done.painting}"
            bar.update(task, completed=done.number, description=line)
            reptile.save(options.state)
            if not bar.console.is_terminal:
                print(line, flush=True)


def finished(
    reptile: Reptile, began_with: TrainedStyle, options: argparse.Namespace
) -> TrainedStyle:
    """The net, with what is told of it: it is of no style."""
    settings = reptile.settings
    about: dict[str, Any] = {
        "net": began_with.description["net"],
        "style": {"name": options.output.stem, "title": "A net to begin a training with"},
        "data": {"source": "folder", "name": str(options.photos), "size": options.size,
                 "batch_size": reptile.photos.batch_size},
        "recipe": settings.recipe.as_dict(),
        "training": {
            "method": f"Reptile: {settings.rounds} rounds of {settings.steps} steps over "
            f"{len(reptile.paintings)} paintings",
            "judge": reptile.loss.vgg.architecture,
            "way": settings.way,
            "init": began_with.name,
            "date": datetime.now().date().isoformat(),
        },
        "versions": {"fst": __version__, "torch": version("torch")},
    }  # fmt: skip
    net = reptile.net.to(torch.device("cpu")).eval().requires_grad_(False)
    return TrainedStyle(net, about)
