"""Paints clips: ``fst video clip.mp4 --style monet``."""

import argparse
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from fst.choices import FEATHER
from fst.errors import FstError, InputError, in_a_line
from fst.inference.control import Control, Layer
from fst.inference.masks import read_mask
from fst.inference.record import painted_with
from fst.inference.targets import Job, Plan
from fst.inference.video.clips import Way, comparison, forget, paint_file
from fst.inference.video.parts import kept_frames
from fst.inference.video.piece import Piece
from fst.inference.video.sinks import Encoding
from fst.inference.video.sources import open_source
from fst.inference.video.targets import (
    NOT_REPLACED,
    is_of_frames,
    place_of,
    plan_clips,
    unfinished_clips,
)
from fst.interfaces.chosen_styles import files_of, find_styles, make_stylizers, say_how
from fst.interfaces.video_progress import Display
from fst.styles.style import Style
from fst.system.device import pick_device
from fst.system.memory import free_memory, is_out_of_memory, keep_freed_memory
from fst.system.packages import need
from fst.system.signals import asked, stop_if_asked
from fst.version import __version__

LEAST, OF_PIXEL = 700_000_000, 400
"""Bytes of a pass on a CPU, where nothing is said: the least, and of each pixel. It is then painted
in the fastest way, which is the same whatever is free, and the whole program has less than 1.5 GB
for a 1080p clip."""

SMALL = 1_500_000
"""Pixels of frames up to which freed memory is kept, which saves time: of larger ones it would be a
quarter of a gigabyte, and passes take so long that it is little."""


def main(options: argparse.Namespace) -> int:
    """Paints, says what comes of it; the exit status tells whether any clip failed."""
    try:
        jobs, way = prepared(options)
    except (KeyboardInterrupt, Exception) as problem:
        # C code in which the request to stop arrives may make another error of it
        if not isinstance(problem, KeyboardInterrupt) and asked() is None:
            raise
        print("interrupted: nothing was painted yet", file=sys.stderr)
        return 130
    return paint_all(jobs, way)


def prepared(options: argparse.Namespace) -> tuple[list[Job], Way]:
    """What is painted, and how; says what is not."""
    need("av", "video", "fst video")
    control = Control(
        options.strength, options.preserve_color, options.size, options.upsample,
        FEATHER if options.feather is None else options.feather,
    )  # fmt: skip
    if options.feather is not None and not options.mask:
        raise InputError("feather (--feather) is of no use without mask (--mask)")
    styles = find_styles(options)
    name = "-".join(style.name for style in styles)
    others = [*options.mask, *(path for style in styles for path in files_of(style))]
    planned = plan_clips(options.clips, options.output, name, others)
    way = the_way(options, styles, control, [job.source for job in planned.jobs])
    # without a record only names tell what of many clips was painted
    trust = options.no_record and not planned.single
    jobs = unfinished_clips(planned.jobs, comparison(way, trust), options.overwrite)
    say(planned, jobs)
    for job in planned.jobs:
        if job not in jobs:
            forget(job, way)
    if jobs:
        say_how(options, styles, [layer.stylizer for layer in way.layers])
    return jobs, way


def the_way(
    options: argparse.Namespace, styles: Sequence[Style], control: Control, clips: Sequence[Path]
) -> Way:
    """How the clips are painted."""
    pixels = largest(clips, options, control)
    if pixels <= SMALL:
        keep_freed_memory()
    if options.memory is None and pick_device(options.device).type == "cpu":
        free = free_memory(pick_device("cpu")) * 3 // 4
        options.memory = max(LEAST, min(OF_PIXEL * pixels, free))
    masks = [read_mask(path, options.max_pixels) for path in options.mask]
    stylizers = make_stylizers(options, styles)
    layers = [Layer(made, mask) for made, mask in zip_longest(stylizers, masks)]
    common = painted_with(
        styles, layers, control, options.mask, options.style_size, program=f"fst {__version__}"
    )
    if common is None:
        raise InputError("so many settings are too many for a clip")
    encoding = Encoding(options.crf, options.codec)
    return Way(
        layers, control, common, options.stable, encoding,
        Piece(options.start, options.seconds), options.rate, options.max_pixels,
        not options.no_record, options.overwrite,
    )  # fmt: skip


def largest(clips: Sequence[Path], options: argparse.Namespace, control: Control) -> int:
    """The pixels of the largest frames that are painted."""
    pixels = 0
    for clip in clips:
        try:
            about = open_source(clip, options.max_pixels, options.rate).about
        except (FstError, OSError):  # is told when it is its turn
            continue
        scale = 1.0 if control.size is None else control.size / max(about.width, about.height)
        pixels = max(pixels, round(about.width * about.height * scale**2))
    return pixels


def say(planned: Plan, jobs: Sequence[Job]) -> None:
    """What is not painted, and why, in a line each."""
    for line in planned.notes:
        print(in_a_line(line))
    left = {job.target for job in jobs}
    done = [job for job in planned.jobs if job.target not in left]
    for job in done if len(done) == 1 else [one for one in done if is_of_frames(one.target)]:
        anew = NOT_REPLACED if is_of_frames(job.target) else "--overwrite paints it anew"
        place = place_of(job.target)
        print(in_a_line(f"{place} was painted with these settings already ({anew})"))
    files = sum(not is_of_frames(job.target) for job in done)
    if files and len(done) > 1:
        many = "1 clip was" if files == 1 else f"{files} clips were"
        print(f"{many} painted with these settings already (--overwrite paints anew)")


def paint_all(jobs: Sequence[Job], way: Way) -> int:
    """Paints the clips one by one; one that fails is told, and the rest continue."""
    failed = 0
    for job in jobs:
        with Display(job) as display:
            try:
                progress = paint_file(job, way, display.show)
            except KeyboardInterrupt:
                display.close()
                print(in_a_line(f"interrupted: {kept(display)}"), file=sys.stderr)
                return 130
            except (FstError, OSError, RuntimeError, MemoryError) as problem:
                stop_if_asked()
                line = said(job, problem, display)
                display.close()
                failed += 1
                print(f"error: {in_a_line(line)}", file=sys.stderr)
                continue
        for line in progress.lines:
            # most name the clip themselves
            name = "" if job.source.name in line else f"{job.source.name}: "
            print(in_a_line(f"{name}{line}"))
        print(in_a_line(f"wrote {progress.target}"))
    return 1 if failed else 0


def kept(display: Display) -> str:
    """What is there of a clip that is not finished, and how it goes on."""
    progress = display.progress
    frames = 0 if progress is None or progress.parts is None else kept_frames(progress.parts)
    if progress is None or not progress.frames:
        return f"nothing was painted of {display.job.source} yet"
    if not frames:
        return f"nothing is kept of {display.job.source}, as no segment was whole yet"
    of = f" of {progress.total}" if progress.total else ""
    return (
        f"{frames}{of} frames of {display.job.source} are kept in {progress.parts}: the same "
        "command goes on there"
    )


def said(job: Job, problem: Exception, display: Display) -> str:
    """One line on a clip that failed; what is a mistake of ours is raised again."""
    if isinstance(problem, FstError):
        return str(problem) if str(job.source) in str(problem) else f"{job.source}: {problem}"
    if isinstance(problem, OSError):
        where = problem.filename or job.target
        return f"{where}: {problem.strerror or problem}; {kept(display)}"
    if isinstance(problem, RuntimeError) and not is_out_of_memory(problem):
        raise problem
    return f"{job.source}: out of memory; try a smaller --size or --memory"
