import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import FstWarning, InputError
from fst.image import png_rows
from fst.image.decoding import decoded
from fst.image.png_rows import PASSES, row_bytes

PIXELS = 10**6


def png(header: tuple[int, ...], data: bytes, pieces: int = 1) -> bytes:
    """A PNG with these numbers in its header."""
    step = -(-len(data) // pieces)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *header)), (b"tEXt", b"a\0IDAT")]
    chunks += [(b"IDAT", data[i : i + step]) for i in range(0, len(data), step)]
    if header[3] == 3:
        chunks.insert(1, (b"PLTE", bytes(range(48))))
    written = [
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in [*chunks, (b"IEND", b"")]
    ]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def read(content: bytes) -> Any:
    with decoded(io.BytesIO(content), PIXELS, 1, "a.png") as (image, _, _):
        return np.asarray(image)


def by_hand(width: int, height: int, bits: int, interlaced: int) -> int:
    """Pixel by pixel, as the specification tells it."""
    total = 0
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        for _ in range(top, height, down):
            pixels = sum(1 for _ in range(left, width, across))
            total += 1 + (pixels * bits + 7) // 8 if pixels else 0
    return total


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "color", "bits"), [
    (1, 0, 1), (2, 0, 2), (4, 0, 4), (8, 0, 8), (16, 0, 16), (8, 2, 24), (16, 2, 48), (1, 3, 1),
    (4, 3, 4), (8, 3, 8), (8, 4, 16), (16, 4, 32), (8, 6, 32), (16, 6, 64),
])  # fmt: skip
def test_data_that_end_too_early_are_refused(
    depth: int, color: int, bits: int, interlaced: int
) -> None:
    for width, height in ((9, 11), (1, 5), (5, 1), (3, 2), (33, 20)):
        header = (width, height, depth, color, 0, 0, interlaced)
        whole = by_hand(width, height, bits, interlaced)
        assert row_bytes(struct.pack(">IIBBBBB", *header)) == whole
        for pieces in (1, 3):
            assert read(png(header, zlib.compress(bytes(whole)), pieces)).shape[1] == width
            read(png(header, zlib.compress(bytes(whole + 7)), pieces))  # more does no harm
            for missing in (1, whole // 2):
                short = zlib.compress(bytes(whole - max(1, missing)))
                with pytest.raises(InputError, match=r"a\.png") as error:
                    read(png(header, short, pieces))
                assert "\n" not in str(error.value)


def test_whole_pictures_of_all_kinds_are_read(tmp_path: Path) -> None:
    photo = make_photo(48, 40)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = photo.convert("I").convert(mode) if mode == "I;16" else photo.convert(mode)
        image.save(tmp_path / "a.png")
        with decoded(tmp_path / "a.png", PIXELS, 1, None) as (found, _, _):
            assert found.size == (48, 40)
    photo.save(tmp_path / "moving.png", save_all=True, append_images=[Image.new("RGB", (48, 40))])
    with pytest.warns(FstWarning, match="2 pictures"):
        moving = read((tmp_path / "moving.png").read_bytes())
    assert np.array_equal(moving, photo)


def test_what_stands_behind_the_last_row_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb: 50 MB of data come to 50 GB."""
    taken, make = list[int](), zlib.decompressobj

    class Counting:
        def __init__(self) -> None:
            self._inner = make()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def decompress(self, data: bytes, most: int) -> bytes:
            taken.append(len(found := self._inner.decompress(data, most)))
            return found

    content = png((9, 11, 8, 2, 0, 0, 0), zlib.compress(bytes(300 * png_rows.PIECE)))
    monkeypatch.setattr(png_rows.zlib, "decompressobj", Counting)
    png_rows.check_rows(io.BytesIO(content), "a.png")
    assert 0 < sum(taken) <= png_rows.PIECE
