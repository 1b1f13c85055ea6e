"""Photos in files, painted into a folder by many workers."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TextIO

from fst.errors import in_a_line
from fst.inference.difference import comparison
from fst.inference.targets import Job, Plan, is_there, unfinished
from fst.interfaces.engine.manifest import Line, Manifest, stamp_of
from fst.interfaces.engine.pool import Lost, Pool
from fst.interfaces.engine.progress import Display
from fst.interfaces.engine.session import session
from fst.interfaces.engine.worker import Painting, Worker
from fst.system.temporaries import remove_abandoned

BATCH = 16
"""Photos that a worker is given at a time: what is repeated at most where it dies."""


def paint_pictures(
    options: argparse.Namespace, painting: Painting, planned: Plan, manifest: Manifest, out: TextIO
) -> int:
    """Paints photos in files; returns 130 where somebody interrupts it, else 0.

    Args:
        options: of ``fst stylize``.
        painting: how.
        planned: what goes where.
        manifest: of the folder of results.
        out: where to print.
    """
    jobs, done = _left(options, painting, planned, manifest)
    _say(planned, done, out)
    return _paint_all(options, painting, jobs, manifest, out) if jobs else 0


def _left(
    options: argparse.Namespace, painting: Painting, planned: Plan, manifest: Manifest
) -> tuple[list[Job], int]:
    """What is to be painted, and how much is there already.

    What the manifest knows is not opened. What else is there says itself how it was painted.
    """
    if options.overwrite:
        return unfinished(planned.jobs, overwrite=True), 0
    unknown = [
        job for job in planned.jobs
        if not (manifest.done(key_of(job, manifest), stamp_of(job.source), painting.settings)
                and is_there(job.target))
    ]  # fmt: skip
    common = None if options.no_record else painting.common
    jobs = unfinished(unknown, comparison(common, options.quality, trust=options.no_record))
    left = {job.target for job in jobs}
    manifest.note(
        [
            Line(key_of(job, manifest), stamp_of(job.source), painting.settings)
            for job in unknown if job.target not in left
        ]
    )  # fmt: skip
    return jobs, len(planned.jobs) - len(jobs)


def key_of(job: Job, manifest: Manifest) -> str:
    """The result, as the manifest calls it."""
    return job.target.relative_to(manifest.folder).as_posix()


def _say(planned: Plan, done: int, out: TextIO) -> None:
    """What is not painted, and why."""
    for line in planned.errors:
        print(f"error: {in_a_line(line)}", file=sys.stderr)
    for line in planned.warnings:
        print(f"warning: {in_a_line(line)}", file=sys.stderr)
    for line in planned.notes:
        print(in_a_line(line), file=out)
    if done:
        print(f"painted already: {done} of {len(planned.jobs)} photos", file=out, flush=True)


def _paint_all(
    options: argparse.Namespace,
    painting: Painting,
    jobs: Sequence[Job],
    manifest: Manifest,
    out: TextIO,
) -> int:
    """Hands the photos out, and notes what comes of them."""
    interrupted = ""
    with session(options) as (ray, share, place), Display(len(jobs), out) as display:
        size = options.batch or min(BATCH, math.ceil(len(jobs) / (4 * share.workers)))
        pool = Pool(
            ray, partial(Worker, options, place, painting.settings), share, "paint", display.ready
        )
        try:
            for (job, stamp), result in pool.paint(_batches(jobs, size)):
                reason = f"{job.source}: {result.reason}" if isinstance(result, Lost) else result
                failed = {} if reason is None else {str(job.source): reason}
                key = key_of(job, manifest)
                manifest.note([Line(key, stamp, painting.settings, failed, reason is None)])
                display.add(failed, int(reason is None))
        except KeyboardInterrupt:
            interrupted = (
                f"interrupted: painted {display.painted} of {len(jobs)} photos; the same command "
                f"{'begins anew' if options.overwrite else 'goes on with the rest'}"
            )
        finally:
            pool.close()
    for below in {job.target.parent for job in jobs}:
        remove_abandoned(below)
    if interrupted:
        print(in_a_line(interrupted), file=sys.stderr)
        return 130
    display.end(manifest.folder, pool.died)
    return 0


def _batches(jobs: Sequence[Job], size: int) -> Iterator[list[tuple[Job, str]]]:
    """Some photos at a time, each with its stamp of this moment."""
    for first in range(0, len(jobs), size):
        yield [(job, stamp_of(job.source)) for job in jobs[first : first + size]]
