import struct

import numpy as np
import pytest

from fst.inference.video.turns import Turn, read_turn

ONE = 1 << 16

MATRICES = {
    "upright": (ONE, 0, 0, ONE),
    "to the right": (0, ONE, -ONE, 0),
    "upside down": (-ONE, 0, 0, -ONE),
    "to the left": (0, -ONE, ONE, 0),
    "mirrored": (-ONE, 0, 0, ONE),
    "mirrored upside down": (ONE, 0, 0, -ONE),
    "transposed": (0, ONE, ONE, 0),
    "transposed over the other diagonal": (0, -ONE, -ONE, 0),
}


def packed(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("name", MATRICES)
def test_each_stored_point_is_shown_where_the_matrix_says(name: str) -> None:
    a, b, c, d = (one // ONE for one in MATRICES[name])
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    points = {}
    for y in range(2):
        for x in range(3):  # ISO/IEC 14496-12: (x, y) is shown at (a x + c y, b x + d y)
            points[a * x + c * y, b * x + d * y] = stored[y, x]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    turn = read_turn(packed(*MATRICES[name]))
    assert turn is not None
    shown = turn.upright(stored)
    assert shown.flags.c_contiguous
    assert turn.size(3, 2) == (shown.shape[1], shown.shape[0])
    assert shown.shape[0] * shown.shape[1] == len(points)
    for (x, y), color in points.items():
        assert (shown[y - top, x - left] == color).all()


def test_without_a_matrix_nothing_is_turned() -> None:
    assert read_turn(None) == Turn()
    assert read_turn(bytes(36)) == Turn()


def test_other_angles_are_told_apart() -> None:
    assert read_turn(packed(46341, 46341, -46341, 46341)) is None  # 45 degrees
    assert read_turn(packed(ONE, 12, -12, ONE)) == Turn()  # rounding
