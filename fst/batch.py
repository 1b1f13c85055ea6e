"""Many photos: which file goes where, and stylizing one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fst import assets
from fst.errors import FstError, InputError
from fst.image import (
    FORMATS,
    MAX_PIXELS,
    MIN_SIDE,
    check_output,
    check_writable,
    load_image,
    resize,
    save_image,
)
from fst.optimize import Iterate
from fst.stylize import OnIterate, Stylizer


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
            made. None: beside a single photo, as ``<photo>-<style>.<suffix>``.
        style_name: for that name.

    Raises:
        InputError: a photo that isn't there, an empty folder, an output that can't be written.
    """
    pairs: list[tuple[Path, Path]] = []  # photo, and its name below the output folder
    for path in inputs:
        if path.is_dir():
            pairs += [(photo, photo.relative_to(path)) for photo in assets.list_images(path)]
        elif path.exists():
            pairs.append((path, Path(path.name)))
        else:
            raise InputError(f"{path}: no such file")
    single = len(inputs) == 1 and not inputs[0].is_dir()
    if output is None and not single:
        raise InputError("name a folder for the results of a folder or of several photos: --output")
    jobs = []
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
            target = output / name.with_suffix(suffix)
        jobs.append(Job(photo, target))
    seen: set[Path] = set()
    sources = {photo.resolve() for photo, _ in pairs}
    for job in jobs:
        if job.target in seen:
            raise InputError(f"two photos would be written to {job.target}: name other folders")
        seen.add(job.target)
        if job.target.resolve() in sources:
            raise InputError(f"{job.target} would be replaced by a result: give another --output")
    for folder in sorted({job.target.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make the folder {folder}: {error.strerror}") from error
        check_writable(folder)
    return [Job(job.source, check_output(job.target)) for job in jobs]


@dataclass(frozen=True)
class Outcome:
    """What became of one job: ``error`` is None where the picture was written."""

    job: Job
    error: str | None = None


def run(
    jobs: Sequence[Job],
    stylizer: Stylizer,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    on_iterate: Callable[[Job, Iterate], None] | None = None,
) -> Iterator[Outcome]:
    """Stylizes photo by photo; one that fails is reported, and the rest continue.

    Args:
        jobs: from :func:`plan`.
        stylizer: from :func:`make_stylizer`.
        size: work and write at this long side, in pixels; None keeps the photo's.
        max_pixels: refuse larger photos.
        quality: of JPEG and WebP.
        on_iterate: sees every iterate of an optimization.
    """
    for job in jobs:
        try:
            picture = load_image(job.source, max_pixels)
            if size is not None:
                picture = resize(picture, size)
                if min(picture.size) < MIN_SIDE:
                    raise InputError(
                        f"at a size of {size} it is too small, {MIN_SIDE} is the least"
                    )
            watch = None if on_iterate is None else _bind(on_iterate, job)
            painted = replace(picture, rgb=stylizer(picture.rgb, watch))
            save_image(job.target, painted, quality)
        except FstError as error:
            named = str(error) if str(job.source) in str(error) else f"{job.source}: {error}"
            yield Outcome(job, named)
        except OSError as error:
            yield Outcome(job, f"{job.target}: {error.strerror or error}")
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error).lower():
                raise
            yield Outcome(job, f"{job.source}: out of memory; try a smaller --size")
        else:
            yield Outcome(job)


def _bind(on_iterate: Callable[[Job, Iterate], None], job: Job) -> OnIterate:
    return lambda iterate: on_iterate(job, iterate)
