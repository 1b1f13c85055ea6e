"""fst.image.limits: what a format cannot hold is known before the work, and is what PIL refuses."""

from pathlib import Path

import pytest
import torch

from fst.errors import InputError
from fst.image.io import save_image
from fst.image.limits import check_size


@pytest.mark.parametrize(
    ("name", "size", "others"),
    [
        ("a.webp", (16384, 20), ("PNG", "JPEG", "TIFF")),
        ("a.WEBP", (20, 16384), ("PNG", "JPEG", "TIFF")),
        ("a.jpg", (65501, 20), ("PNG", "TIFF")),
        ("a.jpeg", (20, 66000), ("PNG", "TIFF")),
        ("a.webp", (70000, 20), ("PNG", "TIFF")),
        ("a.tif", (40000, 40000), ("PNG", "JPEG")),
    ],
)
def test_a_picture_too_large_for_its_format_names_those_that_hold_it(
    name: str, size: tuple[int, int], others: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        check_size(Path("out", name), *size)
    said = str(caught.value)
    assert all(fact in said for fact in (f"out/{name}", f"{size[0]}x{size[1]}", *others))
    assert "--size" in said
    missing = {"PNG", "JPEG", "WEBP", "TIFF"} - set(others)
    assert not any(f" {kind}," in said.partition("it can be")[2] for kind in missing)


@pytest.mark.parametrize(("name", "side"), [("a.webp", 16383), ("a.jpg", 65500)])
def test_the_largest_that_is_allowed_is_written(name: str, side: int, tmp_path: Path) -> None:
    """And one pixel more is what the format's library refuses."""
    check_size(name, side, 2)
    save_image(tmp_path / name, torch.zeros(1, 3, 2, side))
    with pytest.raises(InputError):
        check_size(name, side + 1, 2)
    with pytest.raises(InputError, match="can't hold"):
        save_image(tmp_path / name, torch.zeros(1, 3, 2, side + 1))


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_other_formats_hold_more(name: str) -> None:
    check_size(name, 100_000, 5000)
