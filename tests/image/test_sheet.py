"""fst.image.sheet: rows of previews, and pictures beside each other."""

from itertools import pairwise

import torch
from torch import Tensor

from fst.image.sheet import inset_sheet, spread


def test_rows_are_chosen_at_equal_ratios() -> None:
    steps = sorted({2**k for k in range(16)} | set(range(500, 40_001, 500)))
    chosen = spread(steps, 12)
    assert (chosen[0], chosen[-1], len(set(chosen))) == (1, 40_000, 12)
    assert set(chosen) <= set(steps)
    ratios = [later / earlier for earlier, later in pairwise(chosen)]
    assert max(ratios) / min(ratios) <= 4  # 40,000^(1/11) = 2.6 each, from a grid of about 2
    assert spread([3, 5, 8], 12) == [3, 5, 8]
    assert len(spread([0, *range(5, 30)], 12)) == 12


def flat(value: float, height: int, width: int) -> Tensor:
    return torch.full((1, 3, height, width), value)


def test_every_picture_keeps_its_size_and_has_its_photo_in_the_corner() -> None:
    pairs = [(flat(0.2 * i, 40, 60), flat(1 - 0.2 * i, 40, 60)) for i in range(3)]
    sheet = inset_sheet(pairs)
    assert sheet.shape == (1, 3, 2 * 40 + 8, 2 * 60 + 8)
    for i, (row, column) in enumerate([(0, 0), (0, 1), (1, 0)]):
        cell = sheet[0, :, 48 * row : 48 * row + 40, 68 * column : 68 * column + 60]
        painted, photo = pairs[i]
        torch.testing.assert_close(cell[:, :26], painted[0, :, :26], rtol=0, atol=0.003)
        torch.testing.assert_close(cell[:, :, 19:], painted[0, :, :, 19:], rtol=0, atol=0.003)
        # a quarter of the photo, in a white frame of 2 pixels
        torch.testing.assert_close(
            cell[:, 28:38, 2:17], photo[0, :, 28:38, 2:17], rtol=0, atol=0.003
        )
        assert cell[:, 26:28, :19].eq(1).all()
        assert cell[:, 26:, 17:19].eq(1).all()
    assert sheet[0, :, 48:, 68:].eq(1).all()  # where no fourth one is
    assert sheet[0, :, 40:48].eq(1).all()


def test_pictures_of_several_shapes_are_centered_in_their_row() -> None:
    wide, tall = flat(0.0, 20, 60), flat(0.0, 40, 30)
    sheet = inset_sheet([(wide, wide), (tall, tall)])
    assert sheet.shape == (1, 3, 40, 128)
    assert sheet[0, :, :10, :60].eq(1).all()
    assert sheet[0, :, 10:20, :60].eq(0).all()
    assert sheet[0, :, :20, 68 + 15 : 68 + 45].eq(0).all()
    assert sheet[0, :, :, 68 + 45 :].eq(1).all()
