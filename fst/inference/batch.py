"""Many photos, one after the other: reading, painting, writing."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from fst.choices import MAX_PIXELS
from fst.errors import FstError, InputError
from fst.image.io import load_image, save_image
from fst.image.limits import check_size
from fst.image.picture import Picture
from fst.image.record import read_record
from fst.inference.control import Control, Layer, paint
from fst.inference.difference import differences
from fst.inference.masks import read_mask
from fst.inference.optimizing import (
    OnIterate,
    OptimizingStylizer,
)
from fst.inference.stylizers import RefiningStylizer, Stylizer
from fst.inference.targets import Job
from fst.optimization.pixels import Iterate
from fst.system.checksum import checksum
from fst.system.files import free_path
from fst.system.memory import is_out_of_memory
from fst.system.signals import stop_if_asked

LARGE = 20_000_000
"""Pixels above which photos are decoded and written one at a time, to save memory."""


@dataclass(frozen=True)
class Outcome:
    """What became of one job: ``error`` is None where the picture was written."""

    job: Job
    error: str | None = None


_Record = Mapping[str, Any] | None
"""What a file says of how it was painted."""


@dataclass(frozen=True)
class _How:
    """How results are written; see :func:`run`."""

    quality: int
    overwrite: bool
    keep_location: bool


def run(
    jobs: Sequence[Job],
    layers: Sequence[Layer | Stylizer] | Stylizer,
    control: Control | None = None,
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    on_iterate: Callable[[Job, Iterate, Picture], None] | None = None,
    overwrite: bool = False,
    record: Callable[[Job, str], _Record] | None = None,
    keep_location: bool = False,
    begin: Callable[[Job, _Record, list[Layer]], list[Layer]] | None = None,
) -> Iterator[Outcome]:
    """Stylizes photo by photo; one that fails is reported, and the rest continue.

    While one photo is painted in one pass, the next one is decoded and the one before is written.
    An optimization is told of as soon as its picture is on the disk, before the next one begins.

    Args:
        jobs: from :func:`~fst.inference.targets.plan`.
        layers: styles, with their masks, which are read once; or one stylizer.
        control: size, strength and the like; None leaves all at its default.
        max_pixels: refuse larger photos and masks.
        quality: of JPEG and WebP.
        on_iterate: sees every iterate of an optimization, with its photo.
        overwrite: replace what is there.
        record: of a job and its photo's SHA-256, what the file says of how it was painted.
        keep_location: it says where the photo was taken.
        begin: asked before a photo is painted, with its record: what paints it.

    Yields:
        What became of each job, once its picture is on the disk; an error at once.
    """
    read, how = _with_masks(layers, max_pixels), _How(quality, overwrite, keep_location)
    slow = any(isinstance(one.stylizer, OptimizingStylizer | RefiningStylizer) for one in read)
    waiting: deque[tuple[Job, Future[None]]] = deque()
    with ExitStack() as stack:
        reader, writer = ThreadPoolExecutor(1, "fst-read"), ThreadPoolExecutor(1, "fst-write")
        # what is being written when somebody stops us is written to its end, what waits is not
        stack.callback(writer.shutdown, cancel_futures=True)
        stack.callback(reader.shutdown, cancel_futures=True)
        reading: Future[tuple[Picture, _Record]] | None = None
        for number, job in enumerate(jobs):
            current = reading or reader.submit(_read, job, max_pixels, record)
            reading, error, large = None, None, False
            try:
                picture, said = current.result()
                large = picture.size[0] * picture.size[1] > LARGE
                if number + 1 < len(jobs) and not large:
                    reading = reader.submit(_read, jobs[number + 1], max_pixels, record)
                check_size(job.target, *_final_size(picture, control))
                used = read if begin is None else begin(job, said, read)
                painted = paint(picture, used, control, _bind(on_iterate, job, picture))
                waiting.append((job, writer.submit(_write, job, painted, said, how)))
                del picture, painted
            except (FstError, OSError, RuntimeError, MemoryError) as problem:
                error = _said(job, problem)
            yield from () if error is None else (Outcome(job, error),)
            yield from _finished(waiting, 0 if large or slow else 2)
        yield from _finished(waiting, 0)


def _with_masks(layers: Sequence[Layer | Stylizer] | Stylizer, max_pixels: int) -> list[Layer]:
    """With their masks read, for all photos."""
    given = layers if isinstance(layers, Sequence) else [layers]
    read = [layer if isinstance(layer, Layer) else Layer(layer) for layer in given]
    return [
        Layer(layer.stylizer, read_mask(layer.mask, max_pixels))
        if isinstance(layer.mask, str | Path)
        else layer
        for layer in read
    ]


def _read(
    job: Job, max_pixels: int, record: Callable[[Job, str], _Record] | None
) -> tuple[Picture, _Record]:
    """The photo, and what is to be said of how it was painted."""
    if job.reads is None:
        digest = "" if record is None else checksum(job.source)
        photo = load_image(job.source, max_pixels, 1)
    else:
        content = job.reads.read()
        digest = hashlib.sha256(content).hexdigest()
        photo = load_image(BytesIO(content), max_pixels, 1, str(job.source))
    return photo, None if record is None else record(job, digest)


def _final_size(photo: Picture, control: Control | None) -> tuple[int, int]:
    """Width and height of what :func:`~fst.inference.control.paint` makes of a photo."""
    width, height = photo.size
    if control is None or control.size is None or control.upsample is not None:
        return width, height
    scale = control.size / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _write(job: Job, painted: Picture, said: _Record, how: _How) -> None:
    """Into its folder, which is made; where somebody was quicker, beside what is there."""

    def save(path: Path, overwrite: bool) -> None:
        save_image(path, painted, how.quality, overwrite, said, how.keep_location)

    if job.writes is not None:
        with tempfile.TemporaryDirectory(prefix="fst-") as folder:
            save(file := Path(folder, job.target.name), True)
            job.writes.write(file.read_bytes())
            job.writes.flush()
        if (lost := getattr(getattr(job.writes, "raw", None), "error", None)) is not None:
            raise lost  # fst.system.streams takes all and remembers what it could not pass on
        return
    job.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        save(job.target, how.overwrite)
    except FileExistsError as error:
        if said is not None and not differences(read_record(job.target) or {}, said):
            return  # by the same command, which runs twice
        save(beside := free_path(job.target), False)
        raise InputError(
            f"{job.target} was made by somebody else meanwhile, and left as it is: the picture of "
            f"{job.source} is {beside}"
        ) from error


def _finished(waiting: deque[tuple[Job, Future[None]]], allowed: int) -> Iterator[Outcome]:
    """Those whose picture is written; waits until no more than ``allowed`` are left."""
    stop_if_asked()
    while waiting and (len(waiting) > allowed or waiting[0][1].done()):
        job, written = waiting.popleft()
        try:
            written.result()
        except (FstError, OSError, RuntimeError, MemoryError) as problem:
            yield Outcome(job, _said(job, problem))
        else:
            yield Outcome(job)


def _said(job: Job, problem: Exception) -> str:
    """One line on a job that failed; what is a mistake of ours is raised again."""
    stop_if_asked()
    if isinstance(problem, FstError):
        return str(problem) if str(job.source) in str(problem) else f"{job.source}: {problem}"
    if isinstance(problem, OSError):
        return f"{problem.filename or job.called}: {problem.strerror or problem}"
    if isinstance(problem, RuntimeError) and not is_out_of_memory(problem):
        raise problem
    return f"{job.source}: out of memory; try a smaller --size or --memory"


def _bind(
    on_iterate: Callable[[Job, Iterate, Picture], None] | None, job: Job, photo: Picture
) -> OnIterate | None:
    if on_iterate is None:
        return None
    return lambda iterate: on_iterate(job, iterate, photo)
