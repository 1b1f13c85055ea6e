"""fst.research.benchmarks.sheets: pictures lie in their rows and columns, none over another."""

import numpy as np
import torch
from PIL import Image

from fst.research.benchmarks.sheets import labeled_sheet, thumbnail


def test_thumbnails_keep_their_proportions_and_are_never_enlarged() -> None:
    assert thumbnail(torch.rand(1, 3, 40, 80), 20).size == (20, 10)
    assert thumbnail(torch.rand(1, 3, 12, 8), 20).size == (8, 12)


def test_every_picture_is_whole_on_the_sheet() -> None:
    colors = ("red", "green", "blue", "purple")
    sizes = ((30, 20), (10, 50), (25, 25), (40, 8))
    made = [Image.new("RGB", size, color) for size, color in zip(sizes, colors, strict=True)]
    sheet = np.asarray(labeled_sheet(["", ""], [("", made[:2]), ("", made[2:])]))
    for picture, (wide, tall) in zip(made, sizes, strict=True):
        rows, columns = np.nonzero((sheet == picture.getpixel((0, 0))).all(2))
        assert len(rows) == wide * tall
        assert np.ptp(columns) + 1 == wide
        assert np.ptp(rows) + 1 == tall


def test_words_leave_marks_above_the_pictures() -> None:
    picture = Image.new("RGB", (60, 30), "red")
    bare = np.asarray(labeled_sheet([""], [("", [picture])]))
    named = np.asarray(labeled_sheet(["ours"], [("", [picture])]))
    rowed = np.asarray(labeled_sheet([""], [("Kiss", [picture])]))
    assert bare.shape == named.shape == rowed.shape
    top = np.nonzero((bare == (255, 0, 0)).all(2))[0].min()
    for marked in (named, rowed):
        changed = np.nonzero((marked != bare).any(2))[0]
        assert 0 < len(changed)
        assert changed.max() < top
