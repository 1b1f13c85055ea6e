"""A run's resumable checkpoints: written whole or not at all, and known to be whole when read.

A file is what ``torch.save`` makes, then ``fst-sha256`` and the SHA-256 of all that comes before
(42 bytes, which ``torch.load`` overlooks). It is read with ``weights_only``: no code is ever run.
"""

import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from fst.errors import CheckpointError
from fst.system.files import atomic_file

MARK = b"fst-sha256"
"""What the checksum at the end of a file is known by."""

KEPT = 2
"""How many checkpoints of a run stay: one to fall back on where the newest is damaged."""

_TRAILER = len(MARK) + hashlib.sha256().digest_size
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_resumable(content: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint, whole or not at all, and waits until the disk has it.

    Args:
        content: what Lightning gives to be saved: tensors and plain values.
        path: ends in ``.ckpt``; its folder is made where it is missing.

    Raises:
        CheckpointError: the disk is full, or the like; what was at ``path`` is still there.
    """
    buffer = BytesIO()  # where torch.save writes to a full disk itself, the reason is lost
    torch.save(content, buffer)
    payload = buffer.getbuffer()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            file.write(payload)
            file.write(MARK + hashlib.sha256(payload).digest())
        _flush_folder(path.parent)
    except OSError as error:
        remedy = "make room" if error.errno in _FULL else "mend that"
        raise CheckpointError(
            f"can't write {path}: {error.strerror or error}; the checkpoints before it are whole: "
            f"{remedy}, then resume=auto"
        ) from error


def read_resumable(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Reads a checkpoint, once its checksum is found right.

    Files of older versions have no checksum of ours; there the zip archive's own are checked.

    Args:
        path: what :func:`write_resumable` wrote.
        map_location: the device to read to, or what else ``torch.load`` takes.

    Raises:
        CheckpointError: not there, damaged, or no checkpoint of a run.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror or error}") from error
    if data[-_TRAILER:].startswith(MARK):
        payload = data[:-_TRAILER]
        whole = data.endswith(hashlib.sha256(payload).digest())
    elif data.startswith(b"PK"):
        payload, whole = data, _is_whole_zip(data)
    else:
        raise CheckpointError(f"{path} is damaged or is no checkpoint of a run")
    if not whole:
        raise CheckpointError(f"{path} is damaged (its checksum does not match)")
    try:
        content = torch.load(BytesIO(payload), map_location, weights_only=True)
    except Exception as error:  # torch.load raises whatever the content makes of it
        reason = re.split(r"\. |\n", str(error))[0] or type(error).__name__
        raise CheckpointError(f"{path} is no checkpoint of a run: {reason}") from error
    if not isinstance(content, dict) or not isinstance(content.get("global_step"), int):
        raise CheckpointError(f"{path} is no checkpoint of a run: it has no global_step")
    return content


def step_of(path: Path) -> int:
    """The step at which a checkpoint was written.

    Raises:
        CheckpointError: not there, damaged, or no checkpoint of a run.
    """
    return int(read_resumable(path)["global_step"])


def by_step(folder: Path) -> list[Path]:
    """The checkpoints of a folder, damaged ones too, oldest first.

    Lightning adds ``-v1`` to a name that is taken: the later of two of the same step.
    """
    steps = {}
    for path in folder.glob("step=*.ckpt"):
        if name := re.fullmatch(r"step=(\d+)(?:-v(\d+))?", path.stem):
            steps[path] = (int(name[1]), int(name[2] or 0))
    return sorted(steps, key=steps.__getitem__)


def newest_whole(folder: Path, on_damaged: Callable[[str], None] = print) -> Path | None:
    """The newest checkpoint of a folder that can be resumed from; None where there is none.

    Args:
        folder: of ``step=<number>.ckpt``.
        on_damaged: is given a line for every newer one that had to be passed over.
    """
    damaged = []
    whole = None
    for path in reversed(by_step(folder)):
        try:
            read_resumable(path)
        except CheckpointError as error:
            damaged.append(str(error))
        else:
            whole = path
            break
    for reason in damaged:
        on_damaged(f"{reason}: going on from {whole}" if whole else reason)
    return whole


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of a run that was killed while it wrote."""
    for path in folder.glob(".fst.*.tmp"):
        path.unlink(missing_ok=True)


class ResumableIO(CheckpointIO):
    """Lightning's way to these files, and what keeps only the last two of a folder.

    ``ModelCheckpoint`` alone never removes the checkpoint that a run was resumed from, nor one that
    was saved by hand: they would add up with every interruption. So once two checkpoints are known
    to be whole, because this object wrote or read them, those of earlier steps are removed.
    """

    def __init__(self) -> None:
        self._whole: list[Path] = []  # the last two, oldest first

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Writes a checkpoint; see :func:`write_resumable`."""
        if storage_options is not None:
            raise TypeError("storage_options are for remote storage; there is none here")
        written = Path(path).resolve()
        write_resumable(checkpoint, written)
        self._remember(written)
        there = by_step(written.parent)
        if len(self._whole) == KEPT and written in there:
            for older in set(there[: there.index(written)]).difference(self._whole):
                self.remove_checkpoint(older)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Reads a checkpoint; ``weights_only`` is always on. See :func:`read_resumable`."""
        content = read_resumable(Path(path), map_location)
        self._remember(Path(path).resolve())
        return content

    def remove_checkpoint(self, path: str | Path) -> None:
        """Removes a checkpoint, if it is still there."""
        Path(path).unlink(missing_ok=True)

    def _remember(self, path: Path) -> None:
        others = [p for p in self._whole if p.parent == path.parent and p != path]
        self._whole = [*others, path][-KEPT:]


def _flush_folder(folder: Path) -> None:
    """Waits until the disk has the folder's list of names: else a power cut undoes a rename."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems can't
            raise
    finally:
        os.close(handle)


def _is_whole_zip(data: bytes) -> bool:
    """Whether it is a zip archive to its last byte, with the checksums of all its parts right."""
    try:
        return data[-22:-18] == b"PK\x05\x06" and zipfile.ZipFile(BytesIO(data)).testzip() is None
    except Exception:  # zipfile raises whatever the damage makes of it
        return False
