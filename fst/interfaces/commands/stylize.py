"""Stylizes photos: ``fst stylize photo.jpg --style monet``."""

import argparse
import sys
import time
import warnings
from typing import Any

from rich.progress import Progress

from fst.choices import (
    FEATHER,
)
from fst.errors import FstWarning, InputError
from fst.image.io import load_image, save_image
from fst.inference.batch import Job, plan, run, unfinished
from fst.inference.control import Control, Layer
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer
from fst.optimization.pixels import Iterate
from fst.styles.catalog import style_name
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory

OF_THE_LOSS = ("content_weight", "style_weight", "tv_weight", "pooling", "weights")
OF_THE_OPTIMIZATION = ("iterations", "optimizer", "learning_rate", "init", "seed")


def styles(options: argparse.Namespace) -> list[str]:
    """What is painted; as many as there are masks, or one.

    Raises:
        InputError: no style, both a style and a blend, or not a mask for every style.
    """
    if bool(options.style) == bool(options.blend):
        raise InputError("name a --style or a --blend")
    if options.blend and "=" not in options.blend:
        raise InputError(f"a blend looks like monet=0.7,starry_night=0.3, not {options.blend!r}")
    names: list[str] = options.style or [options.blend]
    if len(options.mask) not in ({1, 0} if len(names) == 1 else {len(names)}):
        raise InputError(f"{len(names)} styles and {len(options.mask)} masks: give each its own")
    return names


def given(options: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the options that were given."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def stylizers(options: argparse.Namespace) -> list[Stylizer]:
    """One for every style; says so where one is going to take a while."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    made = []
    for style in styles(options):
        made.append(
            make_stylizer(
                style, options.method, device, dtype, options.checkpoints, options.style_size,
                options.preset, given(options, OF_THE_LOSS), given(options, OF_THE_OPTIMIZATION),
                options.refine, options.memory, options.seamless, options.backend, options.margin,
            )
        )  # fmt: skip
        if isinstance(made[-1], FeedForwardStylizer) and made[-1].backend != "eager":
            print(f"backend: {made[-1].backend}")
        if not hasattr(made[-1], "fast") and not isinstance(made[-1], FeedForwardStylizer):
            if options.method == "auto":
                print(f"no checkpoint for {style!r}: optimizing the pixels, which takes a while")
    return made


def main(options: argparse.Namespace) -> int:
    """Paints, says what comes of it; the exit status tells whether any photo failed."""
    began = time.time()
    keep_freed_memory()
    warnings.simplefilter("always", FstWarning)
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    for mask in options.mask:
        load_image(mask, options.max_pixels, 1)  # before the work
    control = Control(
        options.strength, options.preserve_color, options.size, options.upsample,
        FEATHER if options.feather is None else options.feather, options.seamless,
    )  # fmt: skip
    if options.feather is not None and not options.mask:
        print("warning: without a --mask there is nothing to --feather", file=sys.stderr)
    name = "-".join(style_name(style, options.checkpoints) for style in styles(options))
    planned = plan(options.photos, options.output, name)
    jobs = planned if options.overwrite or len(planned) == 1 else unfinished(planned)
    if there := len(planned) - len(jobs):
        print(f"{there} pictures were there already, whatever they were painted with "
              "(--overwrite paints them anew)")  # fmt: skip
    made = stylizers(options)
    layers = [
        Layer(stylizer, mask) for stylizer, mask in zip(made, options.mask or [None], strict=True)
    ]
    fast = all(isinstance(stylizer, FeedForwardStylizer) for stylizer in made)
    others = ("style_size", "save_every")
    if fast and (ignored := given(options, OF_THE_LOSS + OF_THE_OPTIMIZATION + others)):
        names = ", ".join("--" + option.replace("_", "-") for option in ignored)
        print(f"warning: one pass does without {names}", file=sys.stderr)
    steps = max(
        1 if isinstance(stylizer, FeedForwardStylizer) else stylizer.settings.get("iterations", 500)
        for stylizer in made
    )
    done = failed = 0
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("stylizing", total=len(jobs) * steps)

        def on_iterate(job: Job, iterate: Iterate) -> None:
            objective = float(iterate.terms.total)
            at = done * steps + iterate.iteration
            bar.update(task, completed=at, description=f"{job.source.name}: {objective:.3f}")
            last = iterate.iteration == steps
            if last or (not bar.console.is_terminal and iterate.iteration % 50 == 0):
                where = f"iteration {iterate.iteration}/{steps}"
                print(f"{job.source.name}: {where}, objective {objective:.3f}", flush=True)
            if options.save_every and iterate.iteration % options.save_every == 0:
                named = f"{job.target.stem}_{iterate.iteration:05d}{job.target.suffix}"
                save_image(job.target.with_name(named), iterate.image.cpu())

        try:
            for outcome in run(
                jobs, layers, control, options.max_pixels, options.quality, on_iterate
            ):
                done += 1
                bar.update(task, completed=done * steps)
                if outcome.error is not None:
                    failed += 1
                    print(f"error: {outcome.error}", file=sys.stderr)
        except KeyboardInterrupt:
            whole = [job.target for job in jobs if job.target.exists()]
            written = sum(path.stat().st_mtime >= began for path in whole)
            print(f"interrupted: wrote {written} of {len(jobs)} pictures; the same command goes on",
                  file=sys.stderr)  # fmt: skip
            return 130
    where = jobs[0].target if len(jobs) == 1 else options.output
    print(f"wrote {len(jobs) - failed} of {len(jobs)} pictures: {where}")
    return 1 if failed else 0
