"""fst.image.blank: against NumPy's deviation."""

import numpy as np
import pytest
import torch

from fst.image.blank import is_blank


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_photo_is_blank_where_no_channel_deviates_by_a_hundredth(dtype: torch.dtype) -> None:
    white = np.ones((3, 40, 50))
    one_dot, line, faint, stripes = (white.copy() for _ in range(4))
    one_dot[:, 20, 20] = 0
    line[:, 20:22, 5:45] = 0
    faint[:, :20] = 1 - 2 / 255
    stripes[2, ::2] = 1 - 6 / 255  # in one channel alone
    photos = np.stack([white, 0 * white, 0.3 * white, one_dot, line, faint, stripes])
    expected = [all(float(np.std(c)) < 0.01 for c in photo) for photo in photos]
    assert expected == [True, True, True, False, False, True, False]
    assert is_blank(torch.from_numpy(photos).to(dtype)).tolist() == expected
