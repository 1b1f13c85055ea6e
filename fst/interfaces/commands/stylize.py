"""Stylizes photos: ``fst stylize photo.jpg --style monet``."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.progress import Progress

from fst.choices import FEATHER
from fst.errors import InputError, in_a_line
from fst.image.picture import Picture
from fst.inference.batch import run
from fst.inference.control import Control, Layer
from fst.inference.difference import comparison, without_record
from fst.inference.iterates import Counter, IterateFiles, check_iterates, steps_of
from fst.inference.masks import read_mask
from fst.inference.record import painted_with, record_of
from fst.inference.starts import is_file
from fst.inference.streams import Streams, open_streams
from fst.inference.targets import Job, Plan, is_there, plan, unfinished
from fst.interfaces.chosen_styles import files_of, find_styles, make_stylizers, say_how
from fst.interfaces.engine.options import check_many, check_plain
from fst.interfaces.following import Following, forget_finished
from fst.interfaces.following_checks import check_following, check_made
from fst.interfaces.iterate_lines import IterateLines
from fst.optimization.descent import Iterate
from fst.styles.style import Style
from fst.system.memory import keep_freed_memory
from fst.system.signals import deferred
from fst.version import __version__


def main(options: argparse.Namespace) -> int:
    """Paints, says what comes of it; the exit status tells whether any photo failed."""
    if options.engine == "ray":
        check_many(options)
        from fst.interfaces.engine.run import paint_many  # tables take seconds to import

        return paint_many(options)
    check_plain(options)
    streams = open_streams(options.photos, options.output, options.format)
    if streams.stdout is None:
        return stylize(options, streams)
    with redirect_stdout(sys.stderr):  # nothing but the picture
        return stylize(options, streams)


def stylize(options: argparse.Namespace, streams: Streams) -> int:
    """Paints; all that can be wrong is found before the work."""
    began = time.time()
    keep_freed_memory()
    control = Control(
        options.strength, options.preserve_color, options.size, options.upsample,
        FEATHER if options.feather is None else options.feather, options.seamless,
    )  # fmt: skip
    if options.feather is not None and not options.mask:
        raise InputError("feather (--feather) is of no use without mask (--mask)")
    styles = find_styles(options)
    others = files_read(options, styles)
    name = "-".join(style.name for style in styles)
    planned = plan(options.photos, options.output, name, others, streams, options.no_record)
    check_labels(options, planned)
    # without a record only names tell what of many photos was painted
    trust = options.no_record and not planned.single
    jobs = unfinished(planned.jobs, without_record(trust), options.overwrite)
    if options.save_every:
        check_iterates(jobs, others, options.overwrite, without_record())
    check_following(options, jobs, len(styles), others)
    masks = [read_mask(path, options.max_pixels) for path in options.mask]
    stylizers = make_stylizers(options, styles)
    layers = [Layer(made, mask) for made, mask in zip_longest(stylizers, masks)]
    common = None if options.no_record else painted_with(
        styles, layers, control, options.mask, options.style_size, options.keep_location,
        f"fst {__version__}",
    )  # fmt: skip
    differs = comparison(common, options.quality, trust)
    jobs = unfinished(planned.jobs, differs, options.overwrite)
    left = {job.target for job in jobs}
    done = [job for job in planned.jobs if job.target not in left]
    check_made(options, done)
    say(planned, done, options.no_record)
    forget_finished(options, done)
    if not jobs:
        return 1 if planned.errors else 0
    say_how(options, styles, stylizers)

    def record(job: Job, digest: str) -> dict[str, Any]:
        return record_of(common or {}, job, digest, options.quality)

    said = record if common else None
    files = IterateFiles(options.save_every, options.quality, options.overwrite, said)
    if options.save_every:
        check_iterates(jobs, others, options.overwrite, files.differs)
    following = Following(options, lambda line: print(in_a_line(line), flush=True))
    try:
        with deferred("stopping after this iteration …") if options.resume else nullcontext():
            failed = paint_all(options, jobs, layers, control, files, following, said)
    except KeyboardInterrupt:
        line = interrupted(jobs, files, began, options.overwrite, following)
        print(in_a_line(line), file=sys.stderr)
        return 130
    where = jobs[0].called if len(jobs) == 1 else options.output
    if failed < len(jobs):
        print(in_a_line(f"wrote {len(jobs) - failed} of {len(jobs)} pictures: {where}"))
    return 1 if failed or planned.errors or following.failed else 0


def files_read(options: argparse.Namespace, styles: Sequence[Style]) -> list[Path]:
    """The files besides the photos, which are never replaced: masks, labels, styles, a start."""
    labels = [*([options.labels] if options.labels else []), *(options.style_labels or [])]
    start = [Path(options.init)] if is_file(options.init) else []
    return [*options.mask, *labels, *(path for one in styles for path in files_of(one)), *start]


def check_labels(options: argparse.Namespace, planned: Plan) -> None:
    """That regions are asked for of one photo.

    Raises:
        InputError: of several.
    """
    if options.labels and not planned.single:
        raise InputError("labels (--labels) belong to one photo: give that photo alone")


def interrupted(
    jobs: Sequence[Job], files: IterateFiles, began: float, overwrite: bool, following: Following
) -> str:
    """What is there of the pictures, and how it goes on."""
    whole = [job.target for job in jobs if job.writes is None and job.target.exists()]
    written = [path for path in whole if path.stat().st_mtime >= began]
    said = f"interrupted: wrote {len(written)} of {len(jobs)} pictures"
    for line in following.interrupted():
        said += f"; {line}"
    if following.unfinished is not None:
        return f"{said}; the same command goes on{following.unfinished.where()}"
    try:
        if (left := files.save_last(written)) is not None:
            said += f"; iterate {left.iteration} of {left.source} is {left.path}"
    except (OSError, InputError) as error:
        said += f"; the last iterate can't be written: {error}"
    again = "begins anew" if overwrite or len(jobs) == 1 else "goes on with the rest"
    if not overwrite and (files.hinder(jobs) or any(map(is_there, following.targets.values()))):
        again = "with --overwrite begins anew, one with --resume could go on"
    return f"{said}; the same command {again}"


def say(planned: Plan, done: Sequence[Job], no_record: bool) -> None:
    """What is not painted, and why, in a line each."""
    for line in planned.errors:
        print(f"error: {in_a_line(line)}", file=sys.stderr)
    for line in planned.warnings:
        print(f"warning: {in_a_line(line)}", file=sys.stderr)
    for line in planned.notes:
        print(in_a_line(line))
    if not done:
        return
    what, anew = f"{len(done)} pictures were", "them"
    if len(done) == 1:
        what, anew = f"{done[0].target} was", "it"
    how = "painted with these settings already"
    if no_record:
        how = "there already, painted in whatever way: there is no record"
    print(in_a_line(f"{what} {how} (--overwrite paints {anew} anew)"))


def paint_all(
    options: argparse.Namespace,
    jobs: Sequence[Job],
    layers: Sequence[Layer],
    control: Control,
    files: IterateFiles,
    following: Following,
    record: Callable[[Job, str], dict[str, Any]] | None,
) -> int:
    """Paints the photos, with a bar and a line for each that fails; returns how many did."""
    failed = 0
    terminal = sys.stdout is not None and sys.stdout.isatty()
    with Progress(transient=True, disable=not terminal) as bar:
        counter = Counter(len(jobs), [steps_of(layer.stylizer) for layer in layers])
        lines = IterateLines(counter, bar.console.is_terminal)
        task = bar.add_task("stylizing", total=counter.total)

        def on_iterate(job: Job, iterate: Iterate, photo: Picture) -> None:
            objective, name = float(iterate.terms.total), job.source.name
            done = counter.iterate(iterate.iteration)
            bar.update(task, completed=done, description=f"{name}: {objective:.3f}")
            for line in lines.see(name, iterate, done):
                print(in_a_line(line), flush=True)
            if (grown := lines.grown(name, iterate)) is not None:
                print(f"warning: {in_a_line(grown)}", file=sys.stderr, flush=True)
            files.see(job, iterate, photo)
            following.see(job, iterate, photo)

        for outcome in run(
            jobs, layers, control, options.max_pixels, options.quality, on_iterate,
            options.overwrite, record, options.keep_location, following.begin,
        ):  # fmt: skip
            files.finished()
            lines.finished()
            for line in following.finished(outcome.error is None):
                print(f"error: {in_a_line(line)}", file=sys.stderr)
            bar.update(task, completed=counter.outcome())
            if outcome.error is not None:
                failed += 1
                print(f"error: {in_a_line(outcome.error)}", file=sys.stderr)
    return failed
