"""Trains a finished style again and compares the two: ``fst reproduce monet``.

The recipe is read from the checkpoint. Both nets are judged by the loss that the style was trained
for, on photos that neither has seen.
"""

import argparse
import os
import shlex
import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from fst import assets
from fst.errors import FstError, InputError
from fst.evaluation.judge import judge
from fst.evaluation.photos import count, find_photos, read_photos
from fst.styles.catalog import load_style
from fst.styles.objective import load_objective
from fst.styles.predicted import ANY, find_any
from fst.styles.reproduce import EXACT, quoted, recipe_of, training_arguments
from fst.styles.trained import TrainedStyle, load_checkpoint
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file, check_folder
from fst.system.process import run_python
from fst.training.recipe import Recipe


def digest_of(init: str) -> str | None:
    """Of the weights that a training begins with here; None where there are none."""
    if init == ANY:
        found = find_any()
        return None if found is None else load_checkpoint(found).digest
    return load_style(init).digest


def main(options: argparse.Namespace) -> int:
    """Trains, judges both, prints; 1 where the same recipe came out otherwise."""
    shipped = load_style(options.style)
    check_output(options, shipped)
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    photos = find_photos(options.photos or "eval")
    training_arguments(shipped.description)  # or else a line: it doesn't tell enough
    precision = precision_of(shipped.description, options.precision, dtype)
    arguments = [
        *training_arguments(shipped.description, options.steps, precision),
        f"trainer.device={options.device}",
    ]
    training = shipped.description["training"]
    init, digest = training.get("init"), training.get("init_sha256")
    if init and digest and digest_of(init) != digest:
        print(f"{init} is another net here than the one the style began with")
    if options.train_photos:
        assets.list_images(assets.find("photos", options.train_photos))  # or else a line, now
        arguments.append(f"data.path={quoted(options.train_photos)}")
    if options.weights:
        arguments.append(f"loss.weights={quoted(options.weights)}")
    keep_freed_memory()
    _, loss = load_objective(shipped, device, dtype, weights=options.weights)
    if loss.vgg.sha256 != shipped.description["loss"]["loss_network"]["sha256"]:
        print(f"other weights judge here than those the style was trained with: {loss.vgg.source}")
    readable = read_photos(photos, options.size)
    print("$ fst train", shlex.join(arguments), flush=True)
    # of its own, so that nothing else is resumed
    steps = options.steps or training["steps"]
    runs = options.runs or options.output / f"runs_of_{steps}"
    places = [f"checkpoints={quoted(str(options.output))}", f"runs={quoted(str(runs))}"]
    command = ["-m", "fst", "train", *arguments, *places, "overwrite=true", "resume=auto"]
    if status := run_python(command):
        return status
    again = load_style(str(options.output / f"{shipped.name}.safetensors"), device=device)
    tensors = [photo.to(device) for photo in readable]
    objectives = []
    margin = shipped.description["style"].get("margin") or 0  # it is trained with that again
    for net in (shipped.net.to(device), again.net):
        terms = judge(net, loss, tensors, dtype, margin)
        objectives.append(statistics.mean(float(term.total) for term in terms))
    before, after = objectives
    change = after / before - 1
    on = f"{count(len(tensors), 'photo')} at {options.size} px"
    on += f", painted with a margin of {margin} pixels" if margin else ""
    figures = f"shipped {before:.4f}, reproduced {after:.4f} ({change:+.1%})"
    print(f"mean objective on {on}: {figures}")
    left_out = int(len(readable) < len(photos))
    if options.steps not in (None, training["steps"]):
        return left_out  # another number of steps is another result
    if abs(change) > EXACT:
        print(f"that is not within {EXACT:.0%}", file=sys.stderr)
        return 1
    return left_out


def precision_of(description: dict[str, Any], asked: str, fast: torch.dtype) -> str | None:
    """What to train in: as asked; or as the style was, unless that is slow here. None: as it was.

    Without instructions for it bf16 takes ten times as long, and the result differs by rounding.
    """
    if asked != "auto":
        return asked
    if recipe_of(description)["precision"] == "bf16" and fast == torch.float32:
        print("training in fp32, which is faster here; --precision bf16 trains as the style was")
        return "fp32"
    return None


def check_output(options: argparse.Namespace, style: TrainedStyle) -> None:
    """That the new checkpoint replaces no other: not the style itself, not one of something else.

    What an earlier run of the same command has left there is the same style, trained again.

    Raises:
        InputError: it would; or it can't be written there.
    """
    check_folder("--output", options.output)
    check_folder("--runs", options.runs or options.output)
    target = options.output / f"{style.name}.safetensors"
    if not os.path.lexists(target):
        return
    folders = [folder.resolve() for folder in assets.checkpoint_folders()]
    given = Path(options.style)
    if options.output.resolve() in folders or (given.exists() and given.samefile(target)):
        raise InputError(f"--output: {target} would be replaced: name a folder of its own")
    check_file("--output", target, options.overwrite or same_recipe(target, style, options.steps))


def same_recipe(file: Path, style: TrainedStyle, steps: int | None) -> bool:
    """Whether a checkpoint is what training a style again has given, in whatever precision."""
    try:
        found = training_arguments(_filled(load_checkpoint(file).description), precision="auto")
    except FstError:
        return False
    return found == training_arguments(_filled(style.description), steps, precision="auto")


def _filled(description: dict[str, Any]) -> dict[str, Any]:
    """With all that a recipe has now: of an earlier version's, what is missing has its default."""
    if "recipe" not in description:
        return description
    recipe = Recipe.of(description["recipe"]).as_dict()
    alike = {name: float(value) if type(value) is int else value for name, value in recipe.items()}
    return {**description, "recipe": alike}  # 0 and 0.0 are the same
