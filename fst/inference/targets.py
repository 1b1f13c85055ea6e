"""Which file goes where, and that nothing is replaced that was not meant to be."""

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fst.errors import InputError
from fst.image.record import read_record
from fst.inference.names import destination, named
from fst.inference.photos import Photo, gather
from fst.inference.streams import Streams, is_stdout
from fst.system.files import check_writable, identity, ignores_case, nearest_folder
from fst.system.outputs import is_write_protected


@dataclass(frozen=True)
class Job:
    """One photo and where its painted picture goes.

    Attributes:
        source: the photo, or what to call it.
        target: the result, or a name that tells its format.
        reads: read instead of the source: stdin.
        writes: written to instead of the target: stdout.
    """

    source: Path
    target: Path
    reads: IO[bytes] | None = None
    writes: IO[bytes] | None = None

    @property
    def called(self) -> str:
        """The target, in messages."""
        return str(self.target) if self.writes is None else "stdout"


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
    streams: Streams | None = None,
    by_name: bool = False,
) -> Plan:
    """Pairs photos with the files to write; folders are walked, their structure kept.

    Results are called as :func:`~fst.inference.names.named` says. A picture in a folder that says
    of itself that it is one is no photo.

    Nothing is made or written here; folders that are missing are made with their first picture.

    Args:
        inputs: photos and folders of photos; ``"-"`` is stdin.
        output: one photo: a file name, a folder, or ``"-"`` for stdout. Several photos or a folder:
            a folder. What ends in a slash is a folder. None: beside a single photo.
        style_name: for those names.
        others: files that the command reads besides (masks, paintings): no result replaces them.
        streams: what is read and written where ``"-"`` is given.
        by_name: results may say nothing of themselves: a picture in a folder that is called as
            another's result is taken for one.

    Raises:
        InputError: a photo that isn't there, an empty folder, an output that can't be written, or
            that would be one of the files that are read.
    """
    streams = streams or Streams()
    if "" in inputs or output == "":
        raise InputError("a photo or --output has an empty name")
    paths = [Path(path) for path in inputs if path != "-"]
    single = len(inputs) == 1 and not any(path.is_dir() for path in paths)
    stdout = is_stdout(inputs, output)
    if stdout and not single:
        raise InputError("stdout takes one picture: name a folder for several (--output)")
    file, folder = (
        (Path(f"stdout{streams.suffix}"), None) if stdout else destination(output, single)
    )
    found = gather(paths, folder)
    if len(paths) < len(inputs):
        found.photos.append(Photo(Path("stdin"), Path("stdin"), reads=streams.stdin))
    targets = named(found.photos, style_name, file, folder)
    results = _results(found.photos, targets.values() if by_name else ())
    if results:
        one = f"{results[0].path}{', …' if len(results) > 1 else ''}"
        found.notes.append(f"passed over, being results of before: {len(results)} ({one})")
    writes, painted = streams.stdout if stdout else None, set(results)
    jobs = [
        Job(photo.path, targets[photo], photo.reads, writes)
        for photo in found.photos
        if photo not in painted
    ]
    if not jobs:
        only = f", only results of before ({len(results)}): give them by name" if results else ""
        raise InputError(found.errors[0] if found.errors else f"there are no photos to paint{only}")
    check_targets(jobs, others)
    return Plan(jobs, single, found.notes, found.warnings, found.errors)


def _results(photos: Sequence[Photo], targets: Iterable[Path]) -> list[Photo]:
    """What was met in a folder and was painted: it says so, or it is called like a target."""
    places = {_place(target) for target in targets}
    return [
        photo
        for photo in photos
        if photo.walked and (_place(photo.path) in places or read_record(photo.path) is not None)
    ]


def _place(path: Path) -> Path:
    """Where a file lies, whatever links lead there; a link to a file is a file of its own."""
    return Path(os.path.realpath(path.parent), path.name)


def check_targets(jobs: Sequence[Job], others: Sequence[Path]) -> None:
    """No two in one place, none in a file's that is read, and all where a file can be made.

    Args:
        jobs: what is painted, and where it goes.
        others: files that the command reads besides the sources.

    Raises:
        InputError: names the two files, or the place.
    """
    read = {identity(path) for path in (*(j.source for j in jobs if j.reads is None), *others)}
    seen: dict[str, Path] = {}
    folders: dict[Path, Path] = {}
    for job in (job for job in jobs if job.writes is None):
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
        if not is_there(job.target):
            continue
        if job.target.is_dir():
            raise InputError(f"{job.target} is a folder, expected a file name")
        if identity(job.target) in read:
            raise InputError(
                f"{job.target} would be replaced by a result, and is one of the files to work "
                "with: give another --output"
            )


def is_there(path: Path) -> bool:
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
    differs: Callable[[Job], str | None] = lambda job: "",
    overwrite: bool = False,
) -> list[Job]:
    """Those that are to be painted: nothing is at their target, or it may be replaced.

    Args:
        jobs: from :func:`plan`.
        differs: asked of those whose target is there: how does it differ from the picture that
            would be painted? None, where it is that very picture: what is there is whole (see
            :func:`fst.system.files.atomic_file`).
        overwrite: all are to be painted, whatever is there.

    Raises:
        InputError: something else is there, and nothing was said of overwriting; or it can't be
            replaced.
    """
    there = [job for job in jobs if job.writes is None and is_there(job.target)]
    if overwrite:
        for job in there:
            _check_replaceable(job.target)
        return list(jobs)
    asked = {job: differs(job) for job in there}
    if taken := [job for job, reason in asked.items() if reason is not None]:
        reason = f" ({asked[taken[0]]})" if asked[taken[0]] else ""
        more = f", and {len(taken) - 1} more results are" if len(taken) > 1 else ""
        raise InputError(
            f"{taken[0].target} is there already{reason}{more}: --overwrite replaces what is "
            "there, another --output leaves it"
        )
    return [job for job in jobs if job not in asked]


def _check_replaceable(path: Path) -> None:
    """A file that one may write to, or a link, which is replaced itself."""
    if path.is_symlink():
        return
    if not path.is_file():
        raise InputError(f"{path} is no file: give another --output")
    if is_write_protected(path):
        raise InputError(f"{path} is write-protected: give another --output")
