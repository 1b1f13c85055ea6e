"""What ``fst stylize`` writes of an optimization besides the picture: clip, plot, log, state."""

import argparse
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fst.errors import FstWarning, InputError
from fst.evaluation.loss_plot import write_plot
from fst.image.picture import Picture
from fst.inference.animated import IterateClip, distance, frame_size
from fst.inference.control import Layer
from fst.inference.curve import Curve
from fst.inference.iterates import steps_of
from fst.inference.targets import Job
from fst.inference.unfinished import (
    FRAMES,
    Unfinished,
    kept_iteration,
    remove_kept,
    resume_folder,
)
from fst.interfaces.following_checks import targets_of
from fst.optimization.pixels import Iterate
from fst.system.files import scratch_folder
from fst.system.temporaries import temporary_path

Record = Mapping[str, Any] | None
_NO_RECORD: Record = None


def forget_finished(options: argparse.Namespace, done: Sequence[Job]) -> None:
    """Removes what is kept of pictures that are painted: who was killed could not do so."""
    for job in done if options.resume else ():
        remove_kept(resume_folder(job.target))


class Following:
    """Sees the iterates of a command's photos, and writes what is asked for.

    Args:
        options: of the command.
        say: is given lines on what is gone on with, and on what is written.
    """

    def __init__(self, options: argparse.Namespace, say: Callable[[str], None] = print) -> None:
        self.options, self.say = options, say
        self.targets = targets_of(options)
        self.unfinished = Unfinished(options.overwrite, say) if options.resume else None
        self._overwrite = bool(options.overwrite)
        self._curve, self._record = Curve(), _NO_RECORD
        self._clip: IterateClip | None = None
        self._job: Job | None = None
        self._every, self._last = 1, 0
        self.failed = False
        """Something could not be written."""

    def begin(self, job: Job, record: Record, layers: list[Layer]) -> list[Layer]:
        """What paints a photo, from where it was stopped if so (:meth:`Unfinished.begin`)."""
        self._curve, self._record, self._clip, self._last = Curve(), record, None, 0
        steps = sum(steps_of(layer.stylizer) for layer in layers)
        self._every = self.options.animate_every or distance(steps)
        if self.unfinished is None:
            if (kept := kept_iteration(job, record)) is not None:
                self.say(
                    f"{resume_folder(job.target)} has iteration {kept} of {steps} of this picture: "
                    "--resume goes on"
                )
            return layers
        layers, more = self.unfinished.begin(job, record, layers)
        self.unfinished.more = self._kept
        if "curve" in more:
            self._curve.restore(more["curve"])
            self._overwrite = True  # the same command's, of before it was stopped
        return layers

    def see(self, job: Job, iterate: Iterate, photo: Picture) -> None:
        """The next iterate.

        Raises:
            KeyboardInterrupt: somebody asks to stop, and its state is kept.
        """
        self._job, self._last = job, iterate.iteration
        if self.targets or self.unfinished is not None:
            self._curve.see(iterate)
        if "--animate" in self.targets:
            try:
                self._add_frame(iterate, photo)
            except OSError as error:  # the picture itself is worth more
                del self.targets["--animate"]
                said = f"--animate: no frame can be kept: {error.strerror or error}"
                warnings.warn(said, FstWarning, stacklevel=2)
        if self.unfinished is not None:
            self.unfinished.see(iterate)

    def _add_frame(self, iterate: Iterate, photo: Picture) -> None:
        if self._clip is None:
            self._clip = self._new_clip(photo)
        if iterate.last or iterate.iteration % self._every == 0:
            self._clip.add(iterate.iteration, iterate.image)

    def _new_clip(self, photo: Picture) -> IterateClip:
        size = self.options.size or max(photo.size)
        width, height = (max(1, round(side * size / max(photo.size))) for side in photo.size)
        kept = None if self.unfinished is None else self.unfinished.folder
        folder = temporary_path(scratch_folder()) if kept is None else kept / FRAMES
        folder.mkdir(exist_ok=True)
        clip = IterateClip(folder, frame_size(width, height))
        begun = None if self.unfinished is None else self.unfinished.iteration
        clip.drop_behind(-1 if begun is None else begun)
        return clip

    def _kept(self) -> dict[str, Any]:
        return {"curve": self._curve.state()}

    def finished(self, painted: bool) -> list[str]:
        """A photo is done, one way or another: writes what was asked for, also of one that failed.

        Returns:
            What could not be written, in a line each.
        """
        lines = [] if self._job is None else self._write(self._job)
        self.failed |= bool(lines)
        self._clear()
        if self.unfinished is not None:
            self.unfinished.finished(painted)
        return lines

    def interrupted(self) -> list[str]:
        """The same of a photo that is not done; what is gone on with is written later."""
        if self.unfinished is None:
            return self.finished(False)
        self._clear()
        self.unfinished.finished(False)
        return []

    def _clear(self) -> None:
        if self._clip is not None and self.unfinished is None:
            shutil.rmtree(self._clip.folder, ignore_errors=True)
        self._clip = self._job = None

    def _write(self, job: Job) -> list[str]:
        failed = []
        record = None if self._record is None else {**self._record, "iteration": self._last}
        for option, path in self.targets.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if option == "--log":
                    self._curve.write(path, self._overwrite)
                elif option == "--plot":
                    title, lines = job.source.name, self._curve.lines()
                    write_plot(path, lines, title, self._overwrite, record)
                elif self._clip is not None:
                    for line in self._clip.write(path, self._overwrite, record):
                        self.say(line)
            except (OSError, InputError) as error:
                failed.append(f"{option} {path} can't be written: {_reason(error)}")
        return failed


def _reason(error: OSError | InputError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
