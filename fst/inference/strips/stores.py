"""Where the rows of a feature map are kept: in memory or on the disk."""

import os
import tempfile

import torch
from torch import Tensor

from fst.errors import InputError
from fst.system.files import scratch_folder
from fst.system.memory import on_large_pages


class Store:
    """Rows of a feature map, padded on all sides; in memory."""

    def __init__(
        self, channels: int, height: int, width: int, pad: int, dtype: torch.dtype, device: object
    ) -> None:
        self.height, self.width, self.pad, self.channels = height, width, pad, channels
        self.dtype = dtype
        self.allocate((height + 2 * pad, width + 2 * pad, channels), torch.device(str(device)))

    def allocate(self, shape: tuple[int, int, int], device: torch.device) -> None:
        """Makes room for ``(rows, columns, channels)``."""
        self.rows = on_large_pages(torch.empty(shape, dtype=self.dtype, device=device))

    def read(self, first: int, last: int) -> Tensor:
        """Rows ``[first, last)`` with their padding, ``(1, C, h, W + 2 pad)``.

        What changes it in its place calls :meth:`put` with it.
        """
        return self.rows[None, first + self.pad : last + self.pad].permute(0, 3, 1, 2)

    def place(self, first: int, last: int) -> Tensor | None:
        """Where rows ``[first, last)`` lie, without padding, ``(1, C, h, W)``; None: on a disk."""
        p = self.pad
        return self.rows[None, p + first : p + last, p : p + self.width].permute(0, 3, 1, 2)

    def write(self, first: int, rows: Tensor) -> None:
        """Rows without padding, from ``first`` on."""
        place = self.place(first, first + rows.shape[2])
        assert place is not None
        place.copy_(rows)

    def put(self, first: int, rows: Tensor) -> None:
        """Padded rows as :meth:`read` gives them, changed: back to their place."""
        target = self.rows[first + self.pad : first + self.pad + rows.shape[2]]
        source = rows[0].permute(1, 2, 0)
        if source.data_ptr() != target.data_ptr():
            target.copy_(source)

    def seal(self, padding: str) -> None:
        """Fills the padding, once all rows are written."""
        p, h, w = self.pad, self.height, self.width
        for i in range(p):
            for place, length in ((p - 1 - i, w), (p + w + i, w)):
                source = p + outside(place - p, length, padding)
                self.rows[p : p + h, place] = self.rows[p : p + h, source]
        for i in range(p):
            for place in (p - 1 - i, p + h + i):
                self.rows[place] = self.rows[p + outside(place - p, h, padding)]


class DiskStore(Store):
    """The same in a temporary file without a name, for what does not fit into memory.

    The file lies in :func:`~fst.system.files.scratch_folder`, which is on a disk where it can be,
    and is gone with the store, or with the process, however that ends.
    """

    def allocate(self, shape: tuple[int, int, int], device: torch.device) -> None:
        """Makes the file; it vanishes with the store."""
        self.device, self.row = device, shape[1:]
        self.row_bytes = shape[1] * shape[2] * self.dtype.itemsize
        self.folder = scratch_folder()
        self.file = tempfile.TemporaryFile(prefix="fst.", dir=self.folder)
        self.file.truncate(shape[0] * self.row_bytes)

    def __del__(self) -> None:
        if hasattr(self, "file"):
            self.file.close()

    def _get(self, place: int, count: int) -> Tensor:
        data = bytearray(count * self.row_bytes)
        if os.preadv(self.file.fileno(), [data], place * self.row_bytes) != len(data):
            raise InputError("the temporary folder's disk lost what was written to it")
        return torch.frombuffer(data, dtype=self.dtype).view(count, *self.row)

    def _set(self, place: int, rows: Tensor) -> None:
        data = rows.contiguous().cpu().view(torch.uint8).numpy().data.cast("B")
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self.file.fileno(), data[done:], place * self.row_bytes + done)
        except OSError as error:  # the file has no name: else it is taken for the picture's
            raise InputError(
                f"can't write to the temporary folder {self.folder}: {error.strerror}; "
                "set TMPDIR to one with more space, or give more --memory"
            ) from error

    def read(self, first: int, last: int) -> Tensor:
        """As :meth:`Store.read`, a copy."""
        rows = self._get(first + self.pad, last - first).to(self.device)
        return rows[None].permute(0, 3, 1, 2)

    def place(self, first: int, last: int) -> Tensor | None:
        """As :meth:`Store.place`: nowhere."""
        return None

    def write(self, first: int, rows: Tensor) -> None:
        """As :meth:`Store.write`; the columns of the padding are filled here."""
        p = self.pad
        padded = rows.new_empty((rows.shape[2], *self.row))
        padded[:, p : p + self.width] = rows[0].permute(1, 2, 0)
        self._set(first + p, padded)

    def put(self, first: int, rows: Tensor) -> None:
        """As :meth:`Store.put`."""
        self._set(first + self.pad, rows[0].permute(1, 2, 0))

    def seal(self, padding: str) -> None:
        """As :meth:`Store.seal`."""
        p, h, w = self.pad, self.height, self.width
        if not p:
            return
        for start in range(0, h, 64):
            rows = self._get(p + start, min(64, h - start))
            for place in (*range(p), *range(p + w, w + 2 * p)):
                rows[:, place] = rows[:, p + outside(place - p, w, padding)]
            self._set(p + start, rows)
        for place in (*range(p), *range(p + h, h + 2 * p)):
            self._set(place, self._get(p + outside(place - p, h, padding), 1))


def outside(place: int, length: int, padding: str) -> int:
    """The row or column inside of ``[0, length)`` that padding puts at ``place``."""
    if padding == "circular":
        return place % length
    if padding == "replicate":
        return min(max(place, 0), length - 1)
    place = abs(place)
    return place if place < length else 2 * (length - 1) - place
