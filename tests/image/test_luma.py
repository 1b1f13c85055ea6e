"""fst.image.luma: as Pillow makes a picture gray."""

import numpy as np
import torch
from support import make_photo

from fst.image.luma import luma


def test_it_is_the_gray_of_pillow() -> None:
    photo = make_photo(20, 14, seed=3)
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None] / 255
    gray = np.asarray(photo.convert("L"), float)  # ITU-R 601-2, it says
    found = luma(torch.cat([pixels, 1 - pixels]))
    assert found.shape == (2, 1, *gray.shape)
    assert np.abs(255 * found[0, 0].numpy() - gray).max() < 1
    np.testing.assert_allclose(found[1], 1 - found[0], atol=1e-6)
