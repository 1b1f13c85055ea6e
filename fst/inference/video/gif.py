"""GIFs as viewers show them: every frame composed of the parts that the file has.

PIL composes, too, but not as browsers do: what lies around a first frame that is smaller than the
picture becomes a color, what is cleared becomes the background's color where it should be
transparent, and a frame that says nothing of clearing takes over what the one before said. So it
decodes the parts here, each as a picture of its own, and no more.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fst.errors import InputError
from fst.image.decoding import calm_pil
from fst.image.picture import _DECODER_ERRORS

CLEAR, BACK = 2, 3
"""How a part is disposed of: its place becomes transparent, or what it was before."""

_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_TABLE = 0x80


@dataclass(frozen=True)
class Part:
    """What a frame adds to the picture.

    Attributes:
        left: of its place in the picture, in pixels, and so are ``top``, ``width``, ``height``.
        delay: until the next frame, in hundredths of a second, as the file says.
        disposal: :data:`CLEAR`, :data:`BACK`, or anything else: it stays.
        clear: the transparent color's number, or None.
        place: of its data in the file, in bytes: the flags, a table of colors, the pixels.
        length: of its data, in bytes.
    """

    left: int
    top: int
    width: int
    height: int
    delay: int
    disposal: int
    clear: int | None
    place: int
    length: int


@dataclass
class Layout:
    """What a GIF consists of.

    Attributes:
        width: of the picture, in pixels, and so is ``height``.
        flags: of the table of colors.
        colors: the table, if there is one for all parts.
        plays: how often it is played; 0 is without end.
        parts: those that are in the file as a whole.
        cut_off: the file ends within a part.
    """

    width: int
    height: int
    flags: int
    colors: bytes
    plays: int = 1
    parts: list[Part] = field(default_factory=list)
    cut_off: bool = False


def read_layout(path: Path) -> Layout:
    """What a GIF consists of; no pixel is decoded.

    Raises:
        InputError: it ends within its head.
        OSError: it can't be read.

    Source:
        CompuServe 1990, "Graphics Interchange Format, version 89a".
    """
    with path.open("rb") as file:
        try:
            _, width, height, flags, _ = struct.unpack("<6sHHB2s", _read(file, 13))
            layout = Layout(width, height, flags & 0x87, _table(file, flags))
        except EOFError as error:
            raise InputError(f"{path} can't be decoded: it is cut off") from error
        try:
            _read_parts(file, layout)
        except EOFError:
            layout.cut_off = True
    if layout.parts:  # as browsers do where the head knows less of the size than the first part
        first = layout.parts[0]
        layout.width = max(layout.width, first.left + first.width)
        layout.height = max(layout.height, first.top + first.height)
    return layout


def composed(path: Path, layout: Layout) -> Iterator[NDArray[np.uint8] | None]:
    """Every frame as it is shown, ``(H, W, 4)``; None is one that is damaged.

    Args:
        path: of the GIF.
        layout: what :func:`read_layout` found in it.
    """
    canvas = np.zeros((layout.height, layout.width, 4), np.uint8)
    with path.open("rb") as file:
        for part in layout.parts:
            try:
                picture = _decoded(file, layout, part)
            except _DECODER_ERRORS:
                yield None
                continue
            rows = slice(part.top, part.top + part.height)
            columns = slice(part.left, part.left + part.width)
            place = canvas[rows, columns]  # what lies beyond the picture is cut off
            before = place.copy()
            picture = picture[: place.shape[0], : place.shape[1]]
            np.copyto(place, picture, where=picture[..., 3:] > 0)
            yield canvas.copy()
            if part.disposal == CLEAR:
                place[:] = 0
            elif part.disposal == BACK:
                place[:] = before


def _decoded(file: IO[bytes], layout: Layout, part: Part) -> NDArray[np.uint8]:
    """A part as a picture of its own: ``(H, W, 4)``."""
    file.seek(part.place)
    control = struct.pack("<BBBBHBB", _EXTENSION, _CONTROL, 4, part.clear is not None, 0,
                          part.clear or 0, 0)  # fmt: skip
    head = struct.pack("<6sHHB2x", b"GIF89a", part.width, part.height, layout.flags)
    place = struct.pack("<BHHHH", _IMAGE, 0, 0, part.width, part.height)
    alone = [head, layout.colors, control, place, file.read(part.length), bytes([_END])]
    with calm_pil(), Image.open(BytesIO(b"".join(alone)), formats=("GIF",)) as image:
        return np.asarray(image.convert("RGBA"))


def _read_parts(file: IO[bytes], layout: Layout) -> None:
    """Adds the parts, up to the end mark, or what no GIF has.

    Raises:
        EOFError: the file is cut off.
    """
    delay, disposal, clear = 0, 0, None
    while (kind := file.read(1)) and kind[0] in (_EXTENSION, _IMAGE):
        if kind[0] == _EXTENSION:
            label = _read(file, 1)[0]
            blocks = _blocks(file)
            if label == _CONTROL and blocks and len(blocks[0]) >= 4:
                flags, delay, index = struct.unpack("<BHB", blocks[0][:4])
                disposal, clear = (flags >> 2) & 7, index if flags & 1 else None
            elif label == _APPLICATION and blocks[:1] in ([b"NETSCAPE2.0"], [b"ANIMEXTS1.0"]):
                loops = [block for block in blocks[1:] if len(block) >= 3 and block[0] == 1]
                if loops:
                    (again,) = struct.unpack("<H", loops[0][1:3])
                    layout.plays = again + 1 if again else 0
            continue
        left, top, width, height = struct.unpack("<HHHH", _read(file, 8))
        place = file.tell()
        _table(file, _read(file, 1)[0])
        _read(file, 1)  # bits of a code
        _blocks(file)
        length = file.tell() - place
        if width and height:
            layout.parts.append(
                Part(left, top, width, height, delay, disposal, clear, place, length)
            )
        delay, disposal, clear = 0, 0, None


def _table(file: IO[bytes], flags: int) -> bytes:
    """A table of colors, if the flags say that there is one."""
    return _read(file, 3 << ((flags & 7) + 1)) if flags & _TABLE else b""


def _blocks(file: IO[bytes]) -> list[bytes]:
    """The blocks up to an empty one."""
    found = []
    while length := _read(file, 1)[0]:
        found.append(_read(file, length))
    return found


def _read(file: IO[bytes], length: int) -> bytes:
    found = file.read(length)
    if len(found) < length:
        raise EOFError
    return found
