"""Optimizations that were stopped, and go on: what is kept of them beside their results.

Beside ``photo-monet.jpg`` lies, until that is painted, the folder ``photo-monet.jpg.resume``. In it
is ``state.pt``: what ``torch.save`` makes of all that a later iteration depends on, and the SHA-256
of that. It is read with ``weights_only``: no code is ever run.
"""

import hashlib
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from fst.assets import RESUME
from fst.errors import FstWarning, InputError
from fst.inference.control import Layer
from fst.inference.difference import differences
from fst.inference.names import fitting
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.stylizers import RefiningStylizer
from fst.inference.targets import Job
from fst.optimization.pixels import Iterate
from fst.system.files import atomic_file
from fst.system.locks import held
from fst.system.signals import asked
from fst.system.temporaries import remove_abandoned

STATE, LOCK, FRAMES = "state.pt", "job.lock", "frames"
"""What is in such a folder."""

EVERY = 30.0
"""Seconds between two states, at least."""

SHARE = 20
"""So many times as long as writing a state takes, none is written."""

FORMAT = 1
"""Of the file."""


def resume_folder(target: Path) -> Path:
    """Where the state of a picture's optimization is: ``photo-monet.jpg.resume``."""
    return target.with_name(fitting(target.name, RESUME))


def write_state(path: Path, content: Mapping[str, Any]) -> None:
    """Writes tensors and plain values, whole or not at all.

    Raises:
        OSError: the disk is full, and the like; what was there is still there.
    """
    buffer = BytesIO()
    torch.save(dict(content), buffer)
    payload = buffer.getbuffer()
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(payload)
        file.write(hashlib.sha256(payload).digest())


def read_state(path: Path) -> dict[str, Any] | None:
    """What :func:`write_state` wrote; None where there is nothing.

    Raises:
        InputError: damaged, or another file.
    """
    damaged = f"{path} is damaged: --overwrite begins anew"
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    length = hashlib.sha256().digest_size
    if hashlib.sha256(data[:-length]).digest() != data[-length:]:
        raise InputError(damaged)
    try:
        content: Any = torch.load(BytesIO(data[:-length]), "cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever the content makes of it
        raise InputError(damaged) from error
    known = isinstance(content, dict) and content.get("format") == FORMAT
    if not known or not {"record", "iteration", "state", "more"} <= content.keys():
        raise InputError(damaged)
    return dict(content)


def kept_iteration(job: Job, record: Mapping[str, Any] | None) -> int | None:
    """The iteration from which a picture could be gone on with; None where nothing fits it.

    Args:
        job: the photo and its target.
        record: of the result.
    """
    if record is None or job.writes is not None:
        return None
    try:
        kept = read_state(resume_folder(job.target) / STATE)
    except InputError:
        return None
    if kept is None or differences(kept["record"], record):
        return None
    return int(kept["iteration"])


class Unfinished:
    """Keeps the states of a command's photos, one after the other, and goes on from them.

    Args:
        overwrite: a state of other settings, or a damaged one, is replaced.
        say: is given a line on what is gone on with.
    """

    def __init__(self, overwrite: bool = False, say: Callable[[str], None] = print) -> None:
        self.overwrite, self.say = overwrite, say
        self.more: Callable[[], Mapping[str, Any]] = dict
        """What else is to be kept, in plain values."""
        self._record: Mapping[str, Any] = {}
        self._next = 0.0
        self._stack = ExitStack()
        self.folder: Path | None = None
        self.iteration: int | None = None
        """The last one whose state was kept of the photo that is painted."""

    def begin(
        self, job: Job, record: Mapping[str, Any] | None, layers: list[Layer]
    ) -> tuple[list[Layer], Mapping[str, Any]]:
        """What paints a photo from where it was stopped, and what else was kept then.

        Args:
            job: the photo and its target.
            record: of the result.
            layers: what paints it from the start; one.

        Raises:
            InputError: a damaged state, one of other settings, or another process paints it.
            OSError: the folder can't be made.
        """
        if record is None:
            raise InputError("--resume compares records, and these settings are too many for one")
        folder = resume_folder(job.target)
        folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(held(folder / LOCK, f"{job.target} is being painted already"))
        self.folder, self._record, self.iteration = folder, record, None
        self._next = time.monotonic() + EVERY
        kept = self._kept(folder / STATE, record)
        if kept is None:
            return layers, {}
        (layer,) = layers
        assert isinstance(layer.stylizer, OptimizingStylizer | RefiningStylizer)
        self.iteration = int(kept["iteration"])
        self.say(f"{job.source}: goes on behind iteration {self.iteration}")
        stylizer = replace(layer.stylizer, state=kept["state"])
        return [replace(layer, stylizer=stylizer)], kept["more"]

    def _kept(self, path: Path, record: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            kept = read_state(path)
            if kept is not None and (other := differences(kept["record"], record)):
                raise InputError(
                    f"{path.parent} is of other settings ({', '.join(other)}): --overwrite begins "
                    "anew, another --output leaves it"
                )
        except InputError:
            if not self.overwrite:
                self._stack.close()
                raise
            return None
        return kept

    def see(self, iterate: Iterate) -> None:
        """The next iterate: keeps its state where it is time, or somebody asks to stop.

        Raises:
            KeyboardInterrupt: somebody does.
        """
        stop = asked()
        if iterate.state is not None and (stop is not None or time.monotonic() >= self._next):
            began = time.monotonic()
            try:
                self._keep(iterate.iteration, iterate.state())
            except OSError as error:  # the picture itself is worth more
                said = f"the state of the optimization can't be kept: {error.strerror or error}"
                warnings.warn(said, FstWarning, stacklevel=2)
            took = time.monotonic() - began
            self._next = began + took + max(EVERY, SHARE * took)
        if stop is not None:
            raise KeyboardInterrupt(stop)

    def _keep(self, iteration: int, state: Mapping[str, Any]) -> None:
        assert self.folder is not None
        content = {
            "format": FORMAT,
            "record": dict(self._record),
            "iteration": iteration,
            "state": state,
            "more": dict(self.more()),
        }
        write_state(self.folder / STATE, content)
        self.iteration = iteration

    def where(self) -> str:
        """From where it would be gone on, in words; empty where nothing is kept."""
        return "" if self.iteration is None else f" behind iteration {self.iteration}"

    def finished(self, painted: bool) -> None:
        """The photo is done: what was kept is removed where it is painted."""
        self._stack.close()
        if self.folder is None:
            return
        if painted or not (self.folder / STATE).exists():
            remove_kept(self.folder)
        self.folder = None


def remove_kept(folder: Path) -> None:
    """Removes what is ours in such a folder, and the folder if nothing else is in it."""
    for place in (folder, folder / FRAMES):  # what was being written when it was killed
        remove_abandoned(place)
    with suppress(OSError):
        for file in (folder / STATE, folder / LOCK, *(folder / FRAMES).glob("*.png")):
            file.unlink(missing_ok=True)
        if (folder / FRAMES).is_dir():
            (folder / FRAMES).rmdir()
        folder.rmdir()
