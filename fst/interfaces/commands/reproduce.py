"""Trains a finished style again and compares the two: ``fst reproduce monet``.

The recipe is read from the checkpoint. Both nets are judged by the loss that the style was trained
for, on photos that neither has seen.
"""

import argparse
import shlex
import statistics
import sys

from fst import assets
from fst.evaluation.compare import judge
from fst.image.io import load_image
from fst.image.picture import resize
from fst.styles.catalog import load_style
from fst.styles.objective import load_objective
from fst.styles.reproduce import EXACT, quoted, training_arguments
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.system.process import run_python


def main(options: argparse.Namespace) -> int:
    """Trains, judges both, prints; 1 where the same recipe came out otherwise."""
    shipped = load_style(options.style)
    photos = assets.list_images(options.photos or assets.find("photos", "eval"))
    arguments = [
        *training_arguments(shipped.description, options.steps),
        f"trainer.device={options.device}",
    ]
    training = shipped.description["training"]
    init, digest = training.get("init"), training.get("init_sha256")
    if init and digest and load_style(init).digest != digest:
        print(f"{init} is another net here than the one the style began with")
    if options.train_photos:
        arguments.append(f"data.path={quoted(str(options.train_photos))}")
    if options.weights:
        arguments.append(f"loss.weights={quoted(options.weights)}")
    keep_freed_memory()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    _, loss = load_objective(shipped, device, dtype, weights=options.weights)
    if loss.vgg.sha256 != shipped.description["loss"]["loss_network"]["sha256"]:
        print(f"other weights judge here than those the style was trained with: {loss.vgg.source}")
    print("$ fst train", shlex.join(arguments), flush=True)
    # of its own, so that nothing else is resumed
    steps = options.steps or training["steps"]
    runs = options.runs or options.output / f"runs_of_{steps}"
    places = [f"checkpoints={quoted(str(options.output))}", f"runs={quoted(str(runs))}"]
    command = ["-m", "fst", "train", *arguments, *places, "overwrite=true", "resume=auto"]
    if status := run_python(command):
        return status
    again = load_style(str(options.output / f"{shipped.name}.safetensors"), device=device)
    tensors = [resize(load_image(photo), options.size).rgb.to(device) for photo in photos]
    objectives = []
    for net in (shipped.net.to(device), again.net):
        terms = judge(net, loss, tensors, dtype)
        objectives.append(statistics.mean(float(term.total) for term in terms))
    before, after = objectives
    change = after / before - 1
    print(f"mean objective on {len(photos)} photos at {options.size} px: shipped {before:.4f}, "
          f"reproduced {after:.4f} ({change:+.1%})")  # fmt: skip
    if options.steps not in (None, training["steps"]):
        return 0  # another number of steps is another result
    if abs(change) > EXACT:
        print(f"that is not within {EXACT:.0%}", file=sys.stderr)
        return 1
    return 0
