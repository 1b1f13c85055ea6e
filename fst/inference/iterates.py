"""What an optimization has come to: counted, written now and then, kept when it is stopped.

Iterates are no results: they have a folder of their own beside the picture they lead to.
"""

import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from fst.assets import ITERATES
from fst.errors import FstWarning, InputError
from fst.image.io import save_image
from fst.image.picture import Picture, resize_tensor
from fst.image.record import read_record
from fst.inference.difference import NO_RECORD, differences
from fst.inference.names import LONGEST, fitting
from fst.inference.stylizers import FeedForwardStylizer, Stylizer
from fst.inference.targets import Job, is_there
from fst.optimization.pixels import Iterate
from fst.system.checksum import checksum
from fst.system.files import free_path


def iterates_folder(target: Path) -> Path:
    """Where the iterates of a picture go: ``photo-monet.jpg.iterates``."""
    return target.with_name(fitting(target.name, ITERATES))


def check_iterates(
    jobs: Sequence[Job],
    others: Sequence[Path] = (),
    overwrite: bool = False,
    differs: Callable[[Job], str | None] = lambda job: "they are there",
) -> None:
    """To be asked before the work: is there room for the iterates of all pictures?

    What an earlier time of the same command has left is no hindrance, and stays.

    Args:
        jobs: from :func:`fst.inference.targets.plan`.
        others: files that the command reads besides the photos.
        overwrite: what is in such a folder may be replaced, as long as it is not read.
        differs: of a job whose target is a file in that folder: how it differs from an iterate that
            would be written, in words; None where it is one.

    Raises:
        InputError: something else is there, and nothing was said of overwriting.
    """
    photos = [job.source for job in jobs if job.reads is None]
    read = [Path(os.path.realpath(path)) for path in (*photos, *others)]
    for job in jobs:
        if job.writes is not None:
            raise InputError("iterates need a folder beside the picture: name an --output")
        if not is_there(folder := iterates_folder(job.target)):
            continue
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: give another --output")
        if Path(os.path.realpath(folder)) in {above for path in read for above in path.parents}:
            raise InputError(f"{folder} holds one of the files to work with: name another --output")
        for path in () if overwrite else sorted(folder.iterdir()):
            if (how := differs(replace(job, target=path))) is not None:
                raise InputError(
                    f"{path} is there already, and {how}: --overwrite replaces iterates, another "
                    "--output leaves them"
                )


@dataclass(frozen=True)
class _Seen:
    job: Job
    iterate: Iterate
    photo: Picture


class Left(NamedTuple):
    """What an interrupted optimization has left: a file, the iteration, and of which photo."""

    path: Path
    iteration: int
    source: Path


class IterateFiles:
    """Writes iterates of the photos of a command.

    Args:
        every: so many iterations lie between two that are written; None writes none.
        quality: of JPEG and WebP.
        overwrite: replace what is in the folders.
        record: of a job and its photo's SHA-256, what a result says of how it was painted, to which
            the iteration is added; None writes nothing of it.
    """

    def __init__(
        self,
        every: int | None,
        quality: int = 95,
        overwrite: bool = False,
        record: Callable[[Job, str], Mapping[str, Any]] | None = None,
    ) -> None:
        self.every, self.quality, self.overwrite = every, quality, overwrite
        self.record, self._digests = record, dict[Path, str]()
        self._last: _Seen | None = None
        self._style = 1

    def see(self, job: Job, iterate: Iterate, photo: Picture) -> None:
        """The next iterate; one that is not further than the last one is of another style."""
        last = self._last
        if last is None or last.job != job:
            self._style = 1
            if self.every is not None and self.overwrite:
                self._remove_others(job)
        elif iterate.iteration <= last.iterate.iteration:
            self._style += 1
        self._last = _Seen(job, iterate, photo)
        if self.every is not None and iterate.iteration % self.every == 0:
            style = f"style{self._style}-" if self._style > 1 else ""
            name = f"{style}{iterate.iteration:05d}{job.target.suffix}"
            folder = iterates_folder(job.target)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._save(folder / name, self._last, self.overwrite)
            except (OSError, InputError) as error:  # the picture itself is worth more
                if self.differs(replace(job, target=folder / name)) is None:
                    return  # the same command has been here before
                said = (
                    f"{error.strerror} ({folder / name})" if isinstance(error, OSError) else error
                )
                warnings.warn(f"no iterate is written: {said}", FstWarning, stacklevel=2)

    def finished(self) -> None:
        """The photo is done, one way or another."""
        self._last = None

    def _remove_others(self, job: Job) -> None:
        """Iterates of an earlier painting, which would lie among the new ones.

        Only what is called as an iterate and says of itself that it is one; nothing else goes.
        """
        name = re.compile(rf"(style\d+-)?\d{{5,}}{re.escape(job.target.suffix)}")
        folder = iterates_folder(job.target)
        if folder.is_symlink():  # to somebody's own folder
            return
        with suppress(OSError):  # no folder, or it is not ours: what is there stays
            for path in folder.iterdir():
                if not name.fullmatch(path.name) or path.is_symlink() or not path.is_file():
                    continue
                if "iteration" not in (read_record(path) or {}):
                    continue
                if self.differs(replace(job, target=path)) is not None:
                    path.unlink()

    def differs(self, job: Job) -> str | None:
        """How a file at a job's target differs from its iterate, in words, if it does."""
        there, now = read_record(job.target), self._said(job)
        if there is None or now is None:
            return NO_RECORD
        return ", ".join(differences(there, now)) or None

    def hinder(self, jobs: Sequence[Job]) -> bool:
        """Whether iterates were written that the same command would refuse, having no record."""
        if self.every is None or self.record is not None:
            return False
        return any(is_there(iterates_folder(job.target)) for job in jobs)

    def save_last(self, written: Sequence[Path] = ()) -> Left | None:
        """Writes the last iterate of the photo that is not done, for who was interrupted.

        Args:
            written: pictures that are done.

        Returns:
            A file of a name that nobody has; None where nothing was begun.
        """
        last = self._last
        if last is None or last.iterate.iteration == 0 or last.job.writes is not None:
            return None
        if last.job.target in written:  # and nobody was told any more
            return None
        target, iteration = last.job.target, last.iterate.iteration
        # where one of that name is there, a number is added
        name = fitting(
            target.stem, f".interrupted-{iteration:05d}{target.suffix}", LONGEST - len("-1000")
        )
        path = free_path(target.with_name(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._save(path, last, False)
        return Left(path, iteration, last.job.source)

    def _save(self, path: Path, seen: _Seen, overwrite: bool) -> None:
        said = self._said(seen.job)
        record = None if said is None else {**said, "iteration": seen.iterate.iteration}
        save_image(path, _picture(seen), self.quality, overwrite=overwrite, record=record)

    def _said(self, job: Job) -> Mapping[str, Any] | None:
        """What a result of the job would say."""
        if self.record is None:
            return None
        if job.source not in self._digests:
            try:
                self._digests = {job.source: "" if job.reads else checksum(job.source)}
            except OSError:  # it is gone; what was painted of it is there
                self._digests = {job.source: ""}
        return self.record(job, self._digests[job.source])


def _picture(seen: _Seen) -> Picture:
    """With what the photo has besides colors, at the iterate's size."""
    rgb, alpha = seen.iterate.image.clamp(0, 1).cpu(), seen.photo.alpha
    size = (rgb.shape[2], rgb.shape[3])
    return replace(seen.photo, rgb=rgb, alpha=None if alpha is None else resize_tensor(alpha, size))


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
