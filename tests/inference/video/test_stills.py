"""Segments of pictures: what is read is what was written."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.inference.video.frames import Frame
from fst.inference.video.stills import TIMES, read_stills, shown_until, write_stills


def frame(number: int, duration: Fraction | None = None, alpha: int | None = None) -> Frame:
    pixels = np.asarray(make_photo(seed=number))
    seen = None if alpha is None else np.full(pixels.shape[:2], alpha, np.uint8)
    return Frame(pixels, number, Fraction(number * 1001, 30_000), duration, seen)


def test_stills_are_what_was_written(tmp_path: Path) -> None:
    write_stills(tmp_path / "0", [frame(0), frame(1, Fraction(1, 7), 99)])
    write_stills(tmp_path / "1", iter([frame(2)]))
    stills = read_stills([tmp_path / "0", tmp_path / "1"])
    assert [still.number for still in stills] == [0, 1, 2]
    assert [still.time for still in stills] == [0, Fraction(1001, 30_000), Fraction(1001, 15_000)]
    assert [still.duration for still in stills] == [None, Fraction(1, 7), None]
    for still in stills:
        with Image.open(still.file) as opened:
            pixels = np.asarray(opened)
        assert np.array_equal(pixels[..., :3], np.asarray(make_photo(seed=still.number)))
        assert pixels.shape[2] == (4 if still.number == 1 else 3)


def test_the_end_is_said_or_as_far_as_the_others_are(tmp_path: Path) -> None:
    write_stills(tmp_path / "0", [frame(0), frame(1), frame(2)])
    stills = read_stills([tmp_path / "0"])
    assert shown_until(stills) == 3 * Fraction(1001, 30_000)
    assert shown_until(stills[:1]) == Fraction(1, 25)
    write_stills(tmp_path / "1", [frame(0), frame(1, Fraction(5))])
    assert shown_until(read_stills([tmp_path / "1"])) == Fraction(1001, 30_000) + 5


def test_a_segment_that_is_not_whole_is_one_line(tmp_path: Path) -> None:
    write_stills(tmp_path / "0", [frame(0)])
    for content in ("", "[]", '{"stills": [{}]}', '{"stills": [3]}'):
        (tmp_path / "0" / TIMES).write_text(content)
        with pytest.raises(InputError, match="no whole segment"):
            read_stills([tmp_path / "0"])
    with pytest.raises(InputError, match="no frame"):
        read_stills([])
