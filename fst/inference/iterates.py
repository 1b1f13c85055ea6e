"""What an optimization has come to: counted, written now and then, kept when it is stopped.

Iterates are no results: they have a folder of their own beside the picture they lead to.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fst.assets import ITERATES
from fst.errors import FstWarning, InputError
from fst.image.io import save_image
from fst.image.picture import Picture, resize_tensor
from fst.inference.targets import Job, is_there
from fst.optimization.pixels import Iterate
from fst.system.files import free_path


def iterates_folder(target: Path) -> Path:
    """Where the iterates of a picture go: ``photo-monet.jpg.iterates``."""
    return target.with_name(f"{target.name}{ITERATES}")


def check_iterates(jobs: Sequence[Job], inputs: Sequence[Path], overwrite: bool = False) -> None:
    """To be asked before the work: is there room for the iterates of all pictures?

    Args:
        jobs: from :func:`fst.inference.targets.plan`.
        inputs: files that the command reads.
        overwrite: what is in such a folder may be replaced, as long as it is no input.

    Raises:
        InputError: something is there, and nothing was said of overwriting.
    """
    read = [Path(os.path.realpath(path)) for path in inputs]
    for job in jobs:
        if job.writes is not None:
            raise InputError("iterates need a folder beside the picture: name an --output")
        if not is_there(folder := iterates_folder(job.target)):
            continue
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: give another --output")
        if not overwrite and any(folder.iterdir()):
            raise InputError(
                f"{folder} holds iterates already: --overwrite replaces them, another --output "
                "leaves them"
            )
        if any(Path(os.path.realpath(folder)) in path.parents for path in read):
            raise InputError(f"{folder} holds one of the files to work with: name another --output")


@dataclass(frozen=True)
class _Seen:
    job: Job
    iterate: Iterate
    photo: Picture


class IterateFiles:
    """Writes iterates of the photos of a command.

    Args:
        every: so many iterations lie between two that are written; None writes none.
        quality: of JPEG and WebP.
        overwrite: replace what is in the folders.
        record: of a job and an iteration, what the file says of how it was painted; None is
            nothing.
    """

    def __init__(
        self,
        every: int | None,
        quality: int = 95,
        overwrite: bool = False,
        record: Callable[[Job, int], Mapping[str, Any] | None] = lambda job, iteration: None,
    ) -> None:
        self.every, self.quality, self.overwrite = every, quality, overwrite
        self.record = record
        self._last: _Seen | None = None
        self._style = 1

    def see(self, job: Job, iterate: Iterate, photo: Picture) -> None:
        """The next iterate; one that is not further than the last one is of another style."""
        last = self._last
        if last is None or last.job != job:
            self._style = 1
        elif iterate.iteration <= last.iterate.iteration:
            self._style += 1
        self._last = _Seen(job, iterate, photo)
        if self.every is not None and iterate.iteration % self.every == 0:
            style = f"style{self._style}-" if self._style > 1 else ""
            name = f"{style}{iterate.iteration:05d}{job.target.suffix}"
            folder = iterates_folder(job.target)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                save_image(
                    folder / name, _picture(self._last), self.quality, self.overwrite,
                    self.record(job, iterate.iteration),
                )  # fmt: skip
            except (OSError, InputError) as error:  # the picture itself is worth more
                said = (
                    f"{error.strerror} ({folder / name})" if isinstance(error, OSError) else error
                )
                warnings.warn(f"no iterate is written: {said}", FstWarning, stacklevel=2)

    def finished(self) -> None:
        """The photo is done, one way or another."""
        self._last = None

    def save_last(self, written: Sequence[Path] = ()) -> tuple[Path, int] | None:
        """Writes the last iterate of the photo that is not done, for who was interrupted.

        Args:
            written: pictures that are done.

        Returns:
            The file, of a name that nobody has, and the iteration; None where nothing was begun.
        """
        last = self._last
        if last is None or last.iterate.iteration == 0 or last.job.writes is not None:
            return None
        if last.job.target in written:  # and nobody was told any more
            return None
        target, iteration = last.job.target, last.iterate.iteration
        name = f"{target.stem}.interrupted-{iteration:05d}{target.suffix}"
        path = free_path(target.with_name(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        record = self.record(last.job, iteration)
        save_image(path, _picture(last), self.quality, overwrite=False, record=record)
        return path, iteration


def _picture(seen: _Seen) -> Picture:
    """With what the photo has besides colors, at the iterate's size."""
    rgb, alpha = seen.iterate.image.clamp(0, 1).cpu(), seen.photo.alpha
    size = (rgb.shape[2], rgb.shape[3])
    return replace(seen.photo, rgb=rgb, alpha=None if alpha is None else resize_tensor(alpha, size))


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
