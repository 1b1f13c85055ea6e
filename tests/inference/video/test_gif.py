"""Parts of GIFs, put together by hand as the standard and browsers say."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import getdata

from fst.errors import InputError
from fst.inference.video.gif import composed, read_layout

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
COLORS = bytes([*RED, *GREEN, *BLUE, 9, 9, 9])


def head(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF1, 0, 0) + COLORS


def part(number: int, box: tuple[int, int, int, int], **how: int) -> bytes:
    """A part of one color, at left, top, width, height."""
    left, top, width, height = box
    picture = Image.new("P", (width, height), number)
    return b"".join(getdata(picture, (left, top), **{"duration": 100, **how}))


def write(path: Path, *pieces: bytes) -> Path:
    path.write_bytes(b"".join([head(4, 4), *pieces, b";"]))
    return path


def frames(path: Path) -> list[np.ndarray]:
    found = list(composed(path, read_layout(path)))
    assert all(one is not None for one in found)
    return [one for one in found if one is not None]


def color(picture: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(picture[y, x].tolist())


def test_what_the_first_part_leaves_free_is_transparent(tmp_path: Path) -> None:
    (first, second) = frames(
        write(tmp_path / "a.gif", part(0, (1, 1, 2, 2)), part(1, (0, 0, 1, 1)))
    )
    assert color(first, 0, 0) == (0, 0, 0, 0)
    assert color(first, 1, 1) == (*RED, 255)
    assert (color(second, 0, 0), color(second, 1, 1)) == ((*GREEN, 255), (*RED, 255))


def test_a_part_is_cleared_kept_or_taken_back(tmp_path: Path) -> None:
    pieces = [
        part(0, (0, 0, 4, 4), disposal=1),
        part(1, (0, 0, 2, 2), disposal=3),
        part(2, (2, 2, 2, 2), disposal=2),
        part(1, (0, 2, 1, 1)),  # says nothing of it: it stays, whatever was said before
        part(2, (1, 3, 1, 1)),
    ]
    shown = frames(write(tmp_path / "a.gif", *pieces))
    corners = [[color(one, x, y) for x, y in ((0, 0), (3, 3), (0, 2), (1, 3))] for one in shown]
    red, green, blue, none = (*RED, 255), (*GREEN, 255), (*BLUE, 255), (0, 0, 0, 0)
    assert corners == [
        [red, red, red, red],
        [green, red, red, red],
        [red, blue, red, red],
        [red, none, green, red],
        [red, none, green, blue],
    ]


def test_a_transparent_color_shows_what_is_there(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 3)
    picture.paste(1, (0, 0, 1, 1))
    over = b"".join(getdata(picture, duration=100, transparency=3))
    (_, second) = frames(write(tmp_path / "a.gif", part(0, (0, 0, 4, 4)), over))
    assert (color(second, 0, 0), color(second, 3, 3)) == ((*GREEN, 255), (*RED, 255))


def test_a_part_beyond_the_picture_is_cut_off(tmp_path: Path) -> None:
    (_, second) = frames(write(tmp_path / "a.gif", part(0, (0, 0, 4, 4)), part(1, (3, 3, 9, 9))))
    assert second.shape == (4, 4, 4)
    assert (color(second, 3, 3), color(second, 2, 2)) == ((*GREEN, 255), (*RED, 255))


def test_a_first_part_that_is_larger_enlarges_the_picture(tmp_path: Path) -> None:
    (first,) = frames(write(tmp_path / "a.gif", part(0, (0, 0, 6, 5))))
    assert first.shape == (5, 6, 4)


def test_a_damaged_part_is_none_and_the_rest_goes_on(tmp_path: Path) -> None:
    pieces = [part(0, (0, 0, 4, 4)), part(1, (0, 0, 4, 4)), part(2, (0, 0, 1, 1))]
    path = write(tmp_path / "a.gif", *pieces)
    layout = read_layout(path)
    content = bytearray(path.read_bytes())
    second = layout.parts[1]
    bits = second.place + 1
    content[bits] = 200  # no code has so many
    path.write_bytes(content)
    first, damaged, third = composed(path, read_layout(path))
    assert damaged is None
    assert first is not None
    assert third is not None
    assert (color(third, 0, 0), color(third, 3, 3)) == ((*BLUE, 255), (*RED, 255))


def test_a_cut_off_gif_keeps_its_whole_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gif", part(0, (0, 0, 4, 4)), part(1, (0, 0, 4, 4)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    layout = read_layout(path)
    assert (len(layout.parts), layout.cut_off) == (1, True)
    path.write_bytes(whole[:-1])  # without the end mark alone
    layout = read_layout(path)
    assert (len(layout.parts), layout.cut_off) == (2, False)
    path.write_bytes(whole[:9])
    with pytest.raises(InputError, match="cut off"):
        read_layout(path)


@pytest.mark.parametrize(("loops", "plays"), [(None, 1), (0, 0), (3, 4)])
def test_how_often_it_is_played(tmp_path: Path, loops: int | None, plays: int) -> None:
    again = b""
    if loops is not None:
        again = b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loops) + b"\0"
    path = write(tmp_path / "a.gif", b"!\xfe\x02hi\0", again, part(0, (0, 0, 4, 4)))
    assert read_layout(path).plays == plays
