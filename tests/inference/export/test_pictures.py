"""fst.inference.export.pictures: what is calibrated on, and what is proved with."""

from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import InputError
from fst.inference.export.pictures import (
    MOST,
    SIDE,
    calibrating,
    photos_to_calibrate,
    photos_to_prove,
)
from fst.inference.flat import fullness


def test_photos_of_any_size_are_photos() -> None:
    photos = photos_to_prove(2, 70, 130)
    assert photos.shape == (2, 3, 70, 130)
    assert not torch.equal(photos[0], photos[1])
    # as a decoder gives them, and nothing that is painted in another way
    torch.testing.assert_close(photos.mul(255), photos.mul(255).round(), rtol=0, atol=1e-4)
    assert all(fullness(photos_to_prove(2, h, w)[i : i + 1]) == 1
               for h, w in ((256, 256), (384, 512), (704, 1000)) for i in range(2))  # fmt: skip


def test_what_is_calibrated_on_is_not_what_is_proved_with() -> None:
    known = photos_to_prove(2, SIDE, SIDE)
    for photo in photos_to_calibrate(()):
        assert photo.shape == (1, 3, SIDE, SIDE)
        assert all(float((photo[0] - one).abs().mean()) > 0.05 for one in known)


def test_photos_of_a_folder(tmp_path: Path) -> None:
    for number in range(3):
        make_photo(64, 48, number).save(tmp_path / f"{number}.png")
    paths = calibrating([tmp_path])
    assert len(paths) == 3
    assert [photo.shape for photo in photos_to_calibrate(paths)] == [(1, 3, SIDE, SIDE)] * 3


def test_of_very_many_some_are_taken_evenly(tmp_path: Path) -> None:
    for number in range(2 * MOST + 1):
        (tmp_path / f"{number:03}.png").write_bytes(b"x%d" % number)
    paths = calibrating([tmp_path])
    assert MOST // 2 <= len(paths) <= MOST
    assert [paths[0].stem, paths[1].stem] == ["000", "003"]


def test_a_folder_without_photos_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        calibrating([tmp_path])
    with pytest.raises(InputError, match="nowhere"):
        calibrating([tmp_path / "nowhere"])
