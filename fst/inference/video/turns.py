"""How the frames of a clip are turned and mirrored until they are upright.

Phones record as the sensor lies and write down how to turn it: a matrix of 3 x 3 numbers, of which
the first two rows and columns say where the right and the lower direction of the stored frame point
on the screen.

Source: ISO/IEC 14496-12, 8.3.2.3 (the matrix of a track header).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Turn:
    """What is done to a stored frame: the axes are swapped, then each may be reversed.

    Attributes:
        swapped: rows become columns.
        down: the rows are reversed afterwards.
        right: the columns are reversed afterwards.
    """

    swapped: bool = False
    down: bool = False
    right: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright frame."""
        return (height, width) if self.swapped else (width, height)

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An upright frame ``(H, W, 3)``, contiguous, of a stored one."""
        if self.swapped:
            pixels = pixels.swapaxes(0, 1)
        pixels = pixels[:: -1 if self.down else 1, :: -1 if self.right else 1]
        return np.ascontiguousarray(pixels)


def read_turn(matrix: bytes | None) -> Turn | None:
    """How a display matrix turns frames.

    Args:
        matrix: nine 32-bit integers as FFmpeg gives them, or None where there is none.

    Returns:
        None where it turns by an angle that is no multiple of 90 degrees.
    """
    if matrix is None:
        return Turn()
    return _of_numbers(struct.unpack("=9i", matrix[:36]))


def _of_numbers(numbers: Sequence[int]) -> Turn | None:
    a, b, _, c, d = numbers[:5]
    # a stored point (x, y) is shown at (a x + c y, b x + d y)
    large = max(abs(a), abs(b), abs(c), abs(d))
    a, b, c, d = (round(one / large * 64) if large else 0 for one in (a, b, c, d))
    if b == c == 0 and a and d:
        return Turn(swapped=False, down=d < 0, right=a < 0)
    if a == d == 0 and b and c:
        return Turn(swapped=True, down=b < 0, right=c < 0)
    return None if large else Turn()
