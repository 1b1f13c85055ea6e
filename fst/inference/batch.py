"""Many photos: which file goes where, and stylizing one after the other."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fst import assets
from fst.choices import MAX_PIXELS
from fst.errors import FstError, InputError
from fst.image.io import FORMATS, check_output, load_image, save_image
from fst.image.picture import Picture
from fst.inference.control import Control, Layer, paint
from fst.inference.masks import read_mask
from fst.inference.stylizers import (
    OnIterate,
    OptimizingStylizer,
    RefiningStylizer,
    Stylizer,
)
from fst.optimization.pixels import Iterate
from fst.system.files import check_writable
from fst.system.memory import is_out_of_memory

LARGE = 20_000_000
"""Pixels above which photos are decoded and written one at a time, to save memory."""


@dataclass(frozen=True)
class Job:
    """One photo and where its painted picture goes."""

    source: Path
    target: Path


def plan(inputs: Sequence[Path], output: Path | None, style_name: str) -> list[Job]:
    """Pairs photos with the files to write; folders are walked, their structure kept.

    Args:
        inputs: photos and folders of photos.
        output: one photo: a file name, or a folder. Several photos or a folder: a folder, which is
            made. None: beside a single photo, as ``<photo>-<style>.<suffix>``. A kind of picture
            that is not written becomes a PNG: ``a.gif`` is painted as ``a.png``, and as
            ``a.gif.png`` where another photo is ``a.png``.
        style_name: for that name.

    Raises:
        InputError: a photo that isn't there, an empty folder, an output that can't be written.
    """
    pairs = _pairs(inputs, output)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    if output is None and not single:
        raise InputError("name a folder for the results of a folder or of several photos: --output")
    if not single and output and output.suffix.lower() in FORMATS and not output.is_dir():
        raise InputError(f"{output} can't hold several pictures: name a folder")
    jobs, names = [], _png_names([name for _, name in pairs])
    file = output if single and output and output.suffix and not output.is_dir() else None
    if file is not None and file.suffix.lower() not in FORMATS:
        raise InputError(f"can't write {file.name!r}: give one of {', '.join(FORMATS)}")
    for photo, name in pairs:
        suffix = name.suffix if name.suffix.lower() in FORMATS else ".png"
        if file is not None:
            target = file
        elif output is None:
            target = photo.with_name(f"{photo.stem}-{style_name}{suffix}")
        else:
            target = output / names.get(name, name)
        jobs.append(Job(photo, target))
    _check_targets(jobs)
    return [Job(job.source, check_output(job.target)) for job in jobs]


def _pairs(inputs: Sequence[Path], output: Path | None) -> list[tuple[Path, Path]]:
    """Every photo, and its name below the output folder."""
    pairs: list[tuple[Path, Path]] = []
    for path in inputs:
        if path.is_dir():
            found = assets.list_images(path)
            if output is not None and output.resolve() != path.resolve():  # results of before
                within = output.resolve()
                found = [photo for photo in found if within not in photo.resolve().parents]
            if not found:
                raise InputError(f"{path} holds no photos besides those in {output}")
            pairs += [(photo, photo.relative_to(path)) for photo in found]
        elif path.exists():
            pairs.append((path, Path(path.name)))
        else:
            raise InputError(f"{path}: no such file")
    return pairs


def _png_names(names: Sequence[Path]) -> dict[Path, Path]:
    """Of every photo of a kind that is not written: its name as a PNG.

    Its own suffix stays before ``.png`` where another photo would have that name.
    """
    plain = {
        name: name if name.suffix.lower() in FORMATS else name.with_suffix(".png") for name in names
    }
    count = Counter(plain.values())
    return {
        name: png if count[png] == 1 else name.with_name(f"{name.name}.png")
        for name, png in plain.items()
        if png != name
    }


def _check_targets(jobs: Sequence[Job]) -> None:
    """No two in one place, none in a photo's; makes the folders."""
    seen: dict[Path, Path] = {}
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if (other := seen.get(job.target)) is not None:
            raise InputError(
                f"{other} and {job.source} would both be written to {job.target}: "
                "paint them one by one, each with an --output of its own"
            )
        seen[job.target] = job.source
        if job.target.resolve() in sources:
            raise InputError(f"{job.target} would be replaced by a result: give another --output")
    for folder in sorted({job.target.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make the folder {folder}: {error.strerror}") from error
        check_writable(folder)


def unfinished(jobs: Sequence[Job]) -> list[Job]:
    """Those whose picture is not there yet; what is there is whole (see ``atomic_file``)."""
    return [job for job in jobs if not job.target.exists()]


@dataclass(frozen=True)
class Outcome:
    """What became of one job: ``error`` is None where the picture was written."""

    job: Job
    error: str | None = None


def run(
    jobs: Sequence[Job],
    layers: Sequence[Layer | Stylizer] | Stylizer,
    control: Control | None = None,
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    on_iterate: Callable[[Job, Iterate], None] | None = None,
) -> Iterator[Outcome]:
    """Stylizes photo by photo; one that fails is reported, and the rest continue.

    While one photo is painted in one pass, the next one is decoded and the one before is written.
    An optimization is told of as soon as its picture is on the disk, before the next one begins.

    Args:
        jobs: from :func:`plan`.
        layers: styles, with their masks, which are read once; or one stylizer.
        control: size, strength and the like; None leaves all at its default.
        max_pixels: refuse larger photos and masks.
        quality: of JPEG and WebP.
        on_iterate: sees every iterate of an optimization.

    Yields:
        What became of each job, once its picture is on the disk; an error at once, before the
        pictures that are still being written.
    """
    painted_with = layers if isinstance(layers, Sequence) else [layers]
    read = [_with_mask(layer, max_pixels) for layer in painted_with]
    slow = OptimizingStylizer | RefiningStylizer
    allowed = 0 if any(isinstance(layer.stylizer, slow) for layer in read) else 2
    waiting: deque[tuple[Job, Future[None]]] = deque()
    with ExitStack() as stack:
        reader = ThreadPoolExecutor(1, "fst-read")
        writer = ThreadPoolExecutor(1, "fst-write")
        # what is being written when somebody stops us is written to its end, what waits is not
        stack.callback(writer.shutdown, cancel_futures=True)
        stack.callback(reader.shutdown, cancel_futures=True)
        reading: Future[Picture] | None = None
        for number, job in enumerate(jobs):
            current = reading or reader.submit(load_image, job.source, max_pixels, 1)
            reading, error, large = None, None, False
            try:
                picture = current.result()
                large = picture.size[0] * picture.size[1] > LARGE
                if number + 1 < len(jobs) and not large:
                    reading = reader.submit(load_image, jobs[number + 1].source, max_pixels, 1)
                watch = None if on_iterate is None else _bind(on_iterate, job)
                painted = paint(picture, read, control, watch)
                waiting.append((job, writer.submit(save_image, job.target, painted, quality)))
                del picture, painted
            except (FstError, OSError, RuntimeError, MemoryError) as problem:
                error = _said(job, problem)
            if error is not None:
                yield Outcome(job, error)
            yield from _finished(waiting, 0 if large else allowed)
        yield from _finished(waiting, 0)


def _with_mask(layer: Layer | Stylizer, max_pixels: int) -> Layer:
    """With its mask read, for all photos."""
    if not isinstance(layer, Layer):
        return Layer(layer)
    if not isinstance(layer.mask, str | Path):
        return layer
    return Layer(layer.stylizer, read_mask(layer.mask, max_pixels))


def _finished(waiting: deque[tuple[Job, Future[None]]], allowed: int) -> Iterator[Outcome]:
    """Those whose picture is written; waits until no more than ``allowed`` are left."""
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
    if isinstance(problem, FstError):
        return str(problem) if str(job.source) in str(problem) else f"{job.source}: {problem}"
    if isinstance(problem, OSError):
        return f"{problem.filename or job.target}: {problem.strerror or problem}"
    if isinstance(problem, RuntimeError) and not is_out_of_memory(problem):
        raise problem
    return f"{job.source}: out of memory; try a smaller --size or --memory"


def _bind(on_iterate: Callable[[Job, Iterate], None], job: Job) -> OnIterate:
    return lambda iterate: on_iterate(job, iterate)
