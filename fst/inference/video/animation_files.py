"""Painted frames as an animated GIF, PNG or WebP, written one after the other.

PIL writes animations, too, but gathers all frames of a GIF or a PNG in memory first, and puts
frames that are alike into one. Here it encodes each picture, and what is around is written as the
standards say; memory stays the same however long the animation is.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata

from fst.image.record import KEYWORD
from fst.inference.video.animation_headers import WEBP_ALPHA, WEBP_FLAGS

SAMPLES, SIDE = 24, 160
"""Frames that a GIF's colors are chosen from, and the pixels of their longer sides."""

COLORS, NEAREST = 255, 3
"""Of a GIF, besides the transparent one; and how often they are moved to the mean of what is near
(k-means)."""

SEEN = 128
"""An alpha from here on is opaque in a GIF, which knows no other."""

_KEPT, _CLEARED = 1, 2
_PNG = b"\x89PNG\r\n\x1a\n"


def write_gif(
    target: Path, files: Sequence[Path], delays: Sequence[Fraction], plays: int, comment: str
) -> None:
    """Writes a GIF: one table of colors for all frames, without dithering.

    A table for each frame, or dithering, would follow a picture a little better, and flicker: what
    is the same in two frames would be of other colors. In a painting there is little that is smooth
    enough to show steps.

    Args:
        target: of the file.
        files: of the frames: PNGs of mode RGB or RGBA, all of a size.
        delays: of the frames, in seconds: whole hundredths.
        plays: how often it is played; 0 is without end.
        comment: a text for those who look into the file; may be empty.

    Source:
        CompuServe 1990, "Graphics Interchange Format, version 89a".
    """
    table = _colors(files)
    clear = _has_alpha(files)
    before: Image.Image | None = None
    with target.open("wb") as out:
        for file, delay in zip(files, delays, strict=True):
            with Image.open(file, formats=("PNG",)) as opened:
                picture = _in_colors(opened, table)
            if before is None:
                out.write(_gif_head(picture, plays, comment))
            box = (0, 0, *picture.size)
            if before is not None and not clear:
                box = ImageChops.difference(picture, before).getbbox() or (0, 0, 1, 1)
            # after a part that is transparent what was there before must not be seen through it
            how: dict[str, Any] = {"disposal": _CLEARED if clear else _KEPT}
            if clear:
                how["transparency"] = COLORS
            part = picture.crop(box)
            # in milliseconds, of which PIL makes hundredths by cutting off
            pieces = getdata(part, box[:2], duration=round(delay * 100) * 10, **how)
            out.writelines(pieces)
            before = picture
        out.write(b";")


def write_apng(
    target: Path, files: Sequence[Path], delays: Sequence[Fraction], plays: int, record: str
) -> None:
    """Writes an animated PNG, without loss; of each frame what differs from the one before.

    Args:
        target: of the file.
        files: of the frames: PNGs of mode RGB or RGBA, all of a size.
        delays: of the frames, in seconds.
        plays: how often it is played; 0 is without end.
        record: the JSON of a record (:mod:`fst.image.record`); may be empty.

    Source:
        W3C 2025, "Portable Network Graphics (third edition)", section 11.3.6.
    """
    mode = "RGBA" if _has_alpha(files) else "RGB"
    number = 0
    before: Image.Image | None = None
    with target.open("wb") as out:
        for file, delay in zip(files, delays, strict=True):
            with Image.open(file, formats=("PNG",)) as opened:
                picture = opened.convert(mode)
            box = (0, 0, *picture.size)
            if before is not None:
                differs = ImageChops.difference(picture, before)
                box = differs.getbbox(alpha_only=False) or (0, 0, 1, 1)
            part = BytesIO()
            picture.crop(box).save(part, "PNG")
            chunks = list(_chunks(part.getvalue()))
            if before is None:
                out.write(_PNG + b"".join(_chunk(*one) for one in chunks if one[0] == b"IHDR"))
                out.write(_chunk(b"acTL", struct.pack(">II", len(files), plays)))
                if record:
                    out.write(_chunk(b"tEXt", KEYWORD.encode() + b"\0" + record.encode("ascii")))
            left, top, right, bottom = box
            ratio = as_ratio(delay)
            control = struct.pack(
                ">IIIIIHHBB", number, right - left, bottom - top, left, top, *ratio, 0, 0
            )
            out.write(_chunk(b"fcTL", control))
            number += 1
            for kind, content in chunks:
                if kind == b"IDAT" and before is None:
                    out.write(_chunk(kind, content))
                elif kind == b"IDAT":
                    out.write(_chunk(b"fdAT", struct.pack(">I", number) + content))
                    number += 1
            before = picture
        out.write(_chunk(b"IEND", b""))


def write_webp(
    target: Path, files: Sequence[Path], delays: Sequence[Fraction], plays: int, quality: int,
    xmp: bytes,
) -> None:  # fmt: skip
    """Writes an animated WebP.

    Args:
        target: of the file.
        files: of the frames: PNGs of mode RGB or RGBA, all of a size.
        delays: of the frames, in seconds: whole thousandths.
        plays: how often it is played; 0 is without end.
        quality: 1 to 100.
        xmp: the packet of a record (:mod:`fst.image.record`); may be empty.
    """
    milliseconds = [round(delay * 1000) for delay in delays]
    with target.open("wb+") as out:
        _Pictures(files).save(
            out, "WEBP", save_all=True, duration=milliseconds, loop=plays, quality=quality,
            **({"xmp": xmp} if xmp else {}),
        )  # fmt: skip
        out.seek(WEBP_FLAGS)
        flags = out.read(1)[0]
        if _has_alpha(files):  # libwebp looks at what it encoded, from which holes may be cut off
            out.seek(WEBP_FLAGS)
            out.write(bytes([flags | WEBP_ALPHA]))


def as_ratio(delay: Fraction) -> tuple[int, int]:
    """A delay as an animated PNG has it: two whole numbers of 16 bits, the nearest there are.

    Args:
        delay: in seconds.
    """
    exact = delay.limit_denominator(0xFFFF)
    for parts in (exact.denominator, 1000, 100, 10):
        if (count := round(delay * parts)) <= 0xFFFF:
            return count, parts
    return min(round(delay), 0xFFFF), 1


class _Pictures(Image.Image):
    """Pictures of files as the frames of one, each read when it is its turn."""

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__()
        self._files, self._kind = files, "RGBA" if _has_alpha(files) else "RGB"
        self.n_frames = len(files)
        self.seek(0)

    def seek(self, frame: int) -> None:
        with Image.open(self._files[frame], formats=("PNG",)) as opened:
            picture = opened.convert(self._kind)
        self.im, self._mode, self._size = picture.im, picture.mode, picture.size

    def tell(self) -> int:
        return 0


def _has_alpha(files: Sequence[Path]) -> bool:
    for file in files:
        with Image.open(file, formats=("PNG",)) as picture:
            if picture.mode == "RGBA":
                return True
    return False


def _colors(files: Sequence[Path]) -> Image.Image:
    """A picture whose palette fits frames from all of the animation."""
    step = max(1, -(-len(files) // SAMPLES))
    seen: list[np.ndarray[Any, Any]] = []
    for file in files[::step]:
        with Image.open(file, formats=("PNG",)) as opened:
            apart = max(1, -(-max(opened.size) // SIDE))  # rows and columns: colors that are there
            pixels = np.asarray(opened)[::apart, ::apart].reshape(-1, len(opened.getbands()))
        seen.append(pixels[:, :3] if pixels.shape[1] == 3 else pixels[pixels[:, 3] >= SEEN, :3])
    together = np.concatenate(seen)[:, None]
    if not together.size:
        together = np.zeros((1, 1, 3), np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(together))
    found = picture.quantize(COLORS, Image.Quantize.MAXCOVERAGE, NEAREST)
    # the rest of the table is the first color once more: else black would be among the nearest
    colors = bytes(found.getpalette() or [])[: 3 * COLORS]
    table = Image.new("P", (1, 1))
    table.putpalette(colors + colors[:3] * (256 - len(colors) // 3))
    return table


def _in_colors(picture: Image.Image, table: Image.Image) -> Image.Image:
    """A picture in the colors of a GIF; what is transparent has the number behind them."""
    found = picture.convert("RGB").quantize(palette=table, dither=Image.Dither.NONE)
    found = found.point([*range(COLORS), 0])  # the same color
    if picture.mode == "RGBA":
        hidden = picture.getchannel("A").point([255] * SEEN + [0] * (256 - SEEN), "1")
        found.paste(COLORS, mask=hidden)
    return found


def _gif_head(picture: Image.Image, plays: int, comment: str) -> bytes:
    """Size, colors, how often it is played, and a comment."""
    colors = bytes(picture.getpalette() or []).ljust(3 * 256, b"\0")
    head = b"GIF89a" + struct.pack("<HHBBB", *picture.size, 0xF7, 0, 0) + colors
    if plays != 1:
        again = 0 if plays == 0 else min(plays - 1, 0xFFFF)
        head += b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", again) + b"\0"
    if content := comment.encode():
        blocks = [content[i : i + 255] for i in range(0, len(content), 255)]
        head += b"!\xfe" + b"".join(bytes([len(one)]) + one for one in blocks) + b"\0"
    return head


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of what a PNG consists of."""
    place = len(_PNG)
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        yield kind, png[place + 8 : place + 8 + length]
        place += length + 12


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checked)
