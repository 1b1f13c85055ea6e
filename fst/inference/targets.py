"""Which file goes where, and that nothing is replaced that was not meant to be."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fst.errors import InputError
from fst.image.io import FORMATS
from fst.inference.photos import Photo, gather
from fst.system.files import check_writable, identity, ignores_case, nearest_folder


@dataclass(frozen=True)
class Job:
    """One photo and where its painted picture goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """What is to be painted, and lines on what is not.

    Attributes:
        jobs: the photos and their targets.
        single: one photo was given, not several and not a folder.
        notes: what was passed over, and why.
        warnings: pictures that can't be read for want of a package.
        errors: folders that can't be read, links that lead nowhere.
    """

    jobs: list[Job]
    single: bool = False
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def plan(
    inputs: Sequence[str | Path],
    output: str | Path | None,
    style_name: str,
    others: Sequence[Path] = (),
) -> Plan:
    """Pairs photos with the files to write; folders are walked, their structure kept.

    Results are called ``<photo>-<style>.<suffix>``. A kind of picture that is not written becomes a
    PNG: ``a.gif`` is painted as ``a-monet.png``, and as ``a.gif-monet.png`` where another photo is
    ``a.png``. A picture in a folder that is called as another's result is no photo.

    Nothing is made or written here; folders that are missing are made with their first picture.

    Args:
        inputs: photos and folders of photos.
        output: one photo: a file name, or a folder. Several photos or a folder: a folder. What ends
            in a slash is a folder. None: beside a single photo.
        style_name: for those names.
        others: files that the command reads besides (masks, paintings): no result replaces them.

    Raises:
        InputError: a photo that isn't there, an empty folder, an output that can't be written, or
            that would be one of the files that are read.
    """
    paths = [Path(path) for path in inputs]
    single = len(paths) == 1 and not paths[0].is_dir()
    file, folder = _destination(output, single)
    found = gather(paths, folder)
    named = _named(found.photos, re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", style_name), file, folder)
    # what is called like a result of another photo is one, of an earlier time
    places = {_place(target) for target in named.values()}
    results = {p: None for p in found.photos if p.walked and _place(p.path) in places}
    if results:
        one = f"{next(iter(results)).path}{', …' if len(results) > 1 else ''}"
        found.notes.append(f"passed over, being results of before: {len(results)} ({one})")
    jobs = [Job(photo.path, named[photo]) for photo in found.photos if photo not in results]
    if not jobs:
        raise InputError(found.errors[0] if found.errors else "there are no photos to paint")
    _check_targets(jobs, others)
    return Plan(jobs, single, found.notes, found.warnings, found.errors)


def _destination(output: str | Path | None, single: bool) -> tuple[Path | None, Path | None]:
    """The file to write, or else the folder; neither is beside the photo."""
    if output is None:
        if single:
            return None, None
        raise InputError("name a folder for the results of a folder or of several photos: --output")
    path = Path(output)
    slash = str(output).endswith(("/", os.sep))
    if slash or path.is_dir() or not (path.suffix if single else path.suffix.lower() in FORMATS):
        return None, path
    if not single:
        raise InputError(f"{path} can't hold several pictures: name a folder")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"can't write {path.name!r}: give one of {', '.join(FORMATS)}")
    return path, None


def _named(
    photos: Sequence[Photo], style: str, file: Path | None, folder: Path | None
) -> dict[Photo, Path]:
    """Of every photo, where its result goes.

    A photo of a kind that is not written keeps its suffix before the style where another photo
    would have that name.
    """
    if file is not None:
        return {photo: file for photo in photos}
    stems = {
        photo: (photo.name if folder else photo.path).with_name(f"{photo.path.stem}-{style}")
        for photo in photos
    }
    plain = {
        photo: stem.with_name(f"{stem.name}{_suffix(photo.path)}") for photo, stem in stems.items()
    }
    count = Counter(plain.values())
    names = {}
    for photo, name in plain.items():
        if count[name] > 1 and photo.path.suffix.lower() not in FORMATS:
            name = name.with_name(f"{photo.path.name}-{style}.png")
        names[photo] = folder / name if folder else name
    return names


def _suffix(photo: Path) -> str:
    return photo.suffix if photo.suffix.lower() in FORMATS else ".png"


def _place(path: Path) -> Path:
    """Where a file lies, whatever links lead there; a link to a file is a file of its own."""
    return Path(os.path.realpath(path.parent), path.name)


def _check_targets(jobs: Sequence[Job], others: Sequence[Path]) -> None:
    """No two in one place, none in a file's that is read, and all where a file can be made."""
    read = {identity(path) for path in (*(job.source for job in jobs), *others)}
    seen: dict[str, Path] = {}
    folders: dict[Path, Path] = {}
    for job in jobs:
        folder = folders.get(job.target.parent)
        if folder is None:
            folder = folders[job.target.parent] = nearest_folder(job.target)
            check_writable(folder)
        place = str(_place(job.target))
        if ignores_case(folder):
            place = unicodedata.normalize("NFC", place).casefold()
        if (other := seen.get(place)) is not None:
            raise InputError(
                f"{other} and {job.source} would both be written to {job.target}: "
                "paint them one by one, each with an --output of its own"
            )
        seen[place] = job.source
        if not _is_there(job.target):
            continue
        if job.target.is_dir():
            raise InputError(f"{job.target} is a folder, expected a file name")
        if identity(job.target) in read:
            raise InputError(
                f"{job.target} would be replaced by a result, and is one of the files to work "
                "with: give another --output"
            )


def _is_there(path: Path) -> bool:
    """Whether anything has that name, be it a link that leads nowhere.

    Raises:
        InputError: no file can have it, or it can't be told.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror}") from error
    return True


def unfinished(
    jobs: Sequence[Job],
    is_done: Callable[[Job], bool] = lambda job: False,
    overwrite: bool = False,
) -> list[Job]:
    """Those that are to be painted: nothing is at their target, or it may be replaced.

    Args:
        jobs: from :func:`plan`.
        is_done: asked of those whose target is there: is it the very picture that would be painted?
            What is there is whole (see :func:`fst.system.files.atomic_file`).
        overwrite: all are to be painted, whatever is there.

    Raises:
        InputError: something else is there, and nothing was said of overwriting; or it can't be
            replaced.
    """
    there = [job for job in jobs if _is_there(job.target)]
    if overwrite:
        for job in there:
            _check_replaceable(job.target)
        return list(jobs)
    done = {job for job in there if is_done(job)}
    if taken := [job.target for job in there if job not in done]:
        more = f" and {len(taken) - 1} more results are" if len(taken) > 1 else " is"
        raise InputError(
            f"{taken[0]}{more} there already: --overwrite replaces what is there, another --output "
            "leaves it"
        )
    return [job for job in jobs if job not in done]


def _check_replaceable(path: Path) -> None:
    """A file that one may write to, or a link, which is replaced itself."""
    if path.is_symlink():
        return
    if not path.is_file():
        raise InputError(f"{path} is no file: give another --output")
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} is write-protected: give another --output")
