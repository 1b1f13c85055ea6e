"""Whether the rows of a PNG are all there: PIL leaves black what is not, and says nothing."""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fst.errors import InputError

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Color type -> numbers of a pixel."""

PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
"""Of an interlaced PNG: the first column and row of each, and the steps to the next ones."""

PIECE = 1 << 20
"""Bytes that are looked at together."""


def check_rows(file: str | Path | IO[bytes], name: str) -> None:
    """That a PNG's data give all of its pixels; of an animation, those of its first picture.

    The data are unpacked once more for that, and not kept.

    Args:
        file: a path or an open binary file, of a PNG that PIL could decode.
        name: what to call it in messages.

    Raises:
        InputError: they end too early.

    Source:
        PNG Specification (Third Edition), sections 7.2 and 8.
    """
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            check_rows(opened, name)
        return
    place = file.tell()
    try:
        file.seek(16)
        expected = row_bytes(file.read(13))
        found = _unpacked(file, expected)
    finally:
        file.seek(place)
    if found < expected:
        raise InputError(
            f"{name} can't be decoded: its data end too early, with {found} bytes of rows of "
            f"{expected}"
        )


def row_bytes(header: bytes) -> int:
    """Bytes of all rows of a PNG, each with a byte that tells its filter.

    Args:
        header: what its IHDR holds, 13 bytes.
    """
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * CHANNELS[color]
    total = 0
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        columns = max(0, -(-(width - left) // across))
        rows = max(0, -(-(height - top) // down))
        total += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return total


def _unpacked(file: IO[bytes], enough: int) -> int:
    """How many bytes the data of a PNG come to, as far as they can be unpacked; no more is done."""
    unpacking, total = zlib.decompressobj(), 0
    for piece in _data(file):
        try:
            while piece and total < enough:
                total += len(unpacking.decompress(piece, PIECE))
                piece = unpacking.unconsumed_tail
        except zlib.error:  # PIL has not found fault with it: behind the last row, or a checksum
            break
        if unpacking.eof or total >= enough:
            break
    return total


def _data(file: IO[bytes]) -> Iterator[bytes]:
    """What the IDAT chunks of a PNG hold, in pieces."""
    file.seek(8)
    while len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            return
        if kind != b"IDAT":
            file.seek(length + 4, os.SEEK_CUR)
            continue
        while length > 0 and (piece := file.read(min(length, PIECE))):
            length -= len(piece)
            yield piece
        file.seek(4, os.SEEK_CUR)
