"""Stylizes photos: ``fst stylize photo.jpg --style monet``."""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import zip_longest

from rich.progress import Progress

from fst.choices import FEATHER
from fst.errors import InputError
from fst.image.io import save_image
from fst.inference.batch import Job, plan, run, unfinished
from fst.inference.control import Control, Layer
from fst.inference.masks import read_mask
from fst.inference.options import OF_PASS, OF_PIXELS, USED, PassOptions, PixelOptions, check_used
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer, way_of
from fst.optimization.pixels import Iterate
from fst.styles.catalog import find_style
from fst.styles.style import Style
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory


def main(options: argparse.Namespace) -> int:
    """Paints, says what comes of it; the exit status tells whether any photo failed."""
    began = time.time()
    keep_freed_memory()
    # all that can be wrong is found before the work
    control = Control(
        options.strength, options.preserve_color, options.size, options.upsample,
        FEATHER if options.feather is None else options.feather, options.seamless,
    )  # fmt: skip
    if options.feather is not None and not options.mask:
        raise InputError("feather (--feather) is of no use without mask (--mask)")
    masks = [read_mask(path, options.max_pixels) for path in options.mask]
    styles = find_styles(options)
    planned = plan(options.photos, options.output, "-".join(style.name for style in styles))
    jobs = planned if options.overwrite or len(planned) == 1 else unfinished(planned)
    if there := len(planned) - len(jobs):
        print(f"{there} pictures were there already, whatever they were painted with "
              "(--overwrite paints them anew)")  # fmt: skip
    stylizers = make_stylizers(options, styles)
    layers = [Layer(made, mask) for made, mask in zip_longest(stylizers, masks)]
    try:
        failed = paint_all(options, jobs, layers, control)
    except KeyboardInterrupt:
        whole = [job.target for job in jobs if job.target.exists()]
        written = sum(path.stat().st_mtime >= began for path in whole)
        print(f"interrupted: wrote {written} of {len(jobs)} pictures; the same command goes on",
              file=sys.stderr)  # fmt: skip
        return 130
    where = jobs[0].target if len(jobs) == 1 else options.output
    print(f"wrote {len(jobs) - failed} of {len(jobs)} pictures: {where}")
    return 1 if failed else 0


def find_styles(options: argparse.Namespace) -> list[Style]:
    """What is painted; as many as there are masks, or one.

    Raises:
        InputError: no style, both a style and a blend, or not a mask for every style.
    """
    if bool(options.style) == bool(options.blend):
        raise InputError(
            "--style and --blend: give one of them"
            if options.style
            else "in which style? --style NAME, or --blend; fst styles lists them"
        )
    if options.blend and "=" not in options.blend:
        raise InputError(f"a blend looks like monet=0.7,starry_night=0.3, not {options.blend!r}")
    names: list[str] = options.style or [options.blend]
    if len(options.mask) not in ({1, 0} if len(names) == 1 else {len(names)}):
        raise InputError(f"{len(names)} styles and {len(options.mask)} masks: give each its own")
    device = pick_device(options.device)
    found = {name: find_style(name, options.checkpoints, device) for name in dict.fromkeys(names)}
    return [found[name] for name in names]


def make_stylizers(options: argparse.Namespace, styles: Sequence[Style]) -> list[Stylizer]:
    """One for every style; says so where one is going to take a while.

    Raises:
        InputError: an option that none of them has a use for.
    """
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    chosen = {**vars(options), "circular": options.seamless or None}
    chosen["backend"] = None if options.backend == "auto" else options.backend
    given = [name for name in (*OF_PASS, *OF_PIXELS, "save_every") if chosen.get(name) is not None]
    ways = [way_of(style, options.method, options.refine) for style in styles]
    check_used(given, dict(ways))
    made: list[Stylizer] = []
    for style, (way, _) in zip(styles, ways, strict=True):
        used = {name: chosen[name] for name in given if name in USED[way]}
        if options.seamless:  # whatever the way: make_stylizer says why it does not tile
            used["circular"] = True
        of_pass = {name: value for name, value in used.items() if name in OF_PASS}
        of_pixels = {name: value for name, value in used.items() if name in OF_PIXELS}
        stylizer = make_stylizer(
            style, options.method, PassOptions(device, dtype, **of_pass), PixelOptions(**of_pixels),
            options.refine,
        )  # fmt: skip
        if isinstance(stylizer, FeedForwardStylizer) and stylizer.backend != "eager":
            print(f"backend: {stylizer.backend}")
        if way == "optimize" and options.method == "auto":
            print(f"no checkpoint for {style.asked!r}: optimizing the pixels, which takes a while")
        made.append(stylizer)
    return made


def paint_all(
    options: argparse.Namespace, jobs: Sequence[Job], layers: Sequence[Layer], control: Control
) -> int:
    """Paints the photos, with a bar and a line for each that fails; returns how many did."""
    failed = 0
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        counter = Counter(len(jobs), [steps_of(layer.stylizer) for layer in layers])
        task = bar.add_task("stylizing", total=counter.total)

        def on_iterate(job: Job, iterate: Iterate) -> None:
            objective, name = float(iterate.terms.total), job.source.name
            done = counter.iterate(iterate.iteration)
            bar.update(task, completed=done, description=f"{name}: {objective:.3f}")
            last = iterate.iteration == counter.steps
            if last or (not bar.console.is_terminal and iterate.iteration % 50 == 0):
                where = f"iteration {iterate.iteration}/{counter.steps}"
                print(f"{name}: {where}, objective {objective:.3f}", flush=True)
            if options.save_every and iterate.iteration % options.save_every == 0:
                named = f"{job.target.stem}_{iterate.iteration:05d}{job.target.suffix}"
                save_image(job.target.with_name(named), iterate.image.cpu())

        for outcome in run(jobs, layers, control, options.max_pixels, options.quality, on_iterate):
            bar.update(task, completed=counter.outcome())
            if outcome.error is not None:
                failed += 1
                print(f"error: {outcome.error}", file=sys.stderr)
    return failed


def steps_of(stylizer: Stylizer) -> int:
    """The iterations that it takes; one pass counts as one."""
    if isinstance(stylizer, FeedForwardStylizer):
        return 1
    return int(stylizer.settings.get("iterations", 500))


class Counter:
    """How much is done, in iterations: never less than before, and all of it at the end.

    Args:
        photos: how many.
        steps: of each style that is painted in every photo.
    """

    def __init__(self, photos: int, steps: Sequence[int]) -> None:
        self.per_photo, self.total = sum(steps), photos * sum(steps)
        self.steps = max(steps)
        self.photos = self.styles = self.last = 0

    def iterate(self, iteration: int) -> int:
        """An optimization has come so far; one that begins anew is the photo's next style."""
        if iteration < self.last:
            self.styles += self.last
        self.last = iteration
        return self.photos * self.per_photo + min(self.styles + iteration, self.per_photo)

    def outcome(self) -> int:
        """A photo is finished, one way or another."""
        self.photos, self.styles, self.last = self.photos + 1, 0, 0
        return self.photos * self.per_photo
