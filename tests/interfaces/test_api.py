"""Fst.load("monet") paints what other programs have: PIL pictures, arrays, tensors."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from support import make_photo
from torch import Tensor

import fst
from fst.errors import CheckpointError, InputError
from fst.image.picture import from_pil, to_pil
from fst.interfaces.api import LoadedStyle
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint

DESCRIPTION = {
    "net": {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}},
    "style": {"name": "mine"},
}


@pytest.fixture
def style(tmp_path: Path) -> LoadedStyle:
    torch.manual_seed(0)
    trained = TrainedStyle(JohnsonNet(width=4, residual_blocks=1), DESCRIPTION)
    save_checkpoint(tmp_path / "mine.safetensors", trained)
    return fst.load("mine", checkpoints=tmp_path, device="cpu", precision="fp32")


def test_every_kind_of_picture_is_painted_alike(style: LoadedStyle) -> None:
    photo = make_photo(40, 30)
    painted = style(photo)
    assert isinstance(painted, Image.Image)
    assert painted.size == (40, 30)
    array = np.asarray(photo)
    assert np.array_equal(style(array), np.asarray(painted))
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    assert torch.equal(style(tensor), torch.from_numpy(np.array(painted)).permute(2, 0, 1))
    floats = style(from_pil(photo).rgb)
    assert floats.shape == (1, 3, 30, 40)
    assert to_pil(floats).tobytes() == painted.tobytes()
    assert style(array.astype(np.float32) / 255).dtype == np.float32


def test_a_batch_is_its_pictures(style: LoadedStyle) -> None:
    photos = torch.rand((3, 3, 20, 24), generator=torch.Generator().manual_seed(1))
    together = style(photos)
    for photo, painted in zip(photos, together, strict=True):
        assert torch.equal(style(photo), painted)


def test_options_are_those_of_the_command_line(style: LoadedStyle, tmp_path: Path) -> None:
    photo = from_pil(make_photo(64, 48)).rgb
    assert torch.equal(style(photo, strength=0), photo)
    full = style(photo)
    half = style(photo, strength=0.5)
    torch.testing.assert_close(half, (photo + full) / 2, rtol=0, atol=1e-6)
    assert style(photo, size=32).shape == (1, 3, 24, 32)
    assert style(photo, size=32, upsample="guided").shape == photo.shape
    assert not torch.equal(style(photo, preserve_color="lab"), full)
    assert not torch.equal(style(photo, seamless=True), full)
    Image.new("L", (64, 48), 0).save(tmp_path / "black.png")
    with pytest.warns(UserWarning, match="no white"):
        assert torch.equal(style(photo, mask=tmp_path / "black.png"), photo)


def mirrored_tile(side: int) -> Tensor:
    """A picture of ``side`` pixels whose left and right, top and bottom borders are the same."""
    half = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(7))
    return (half + half.flip(2) + half.flip(3) + half.flip(2, 3)) / 4


@pytest.mark.parametrize("side", [32, 33])
def test_what_is_loaded_circular_tiles_at_every_size(
    style: LoadedStyle, tmp_path: Path, side: int
) -> None:
    """A photo that is four times the same one comes back as such: 66 is no multiple of 4."""
    photo = mirrored_tile(side).repeat(1, 1, 2, 2)
    tiling = fst.load("mine", checkpoints=tmp_path, device="cpu", precision="fp32", circular=True)
    painted = tiling(photo)
    assert painted.std() > 0.01
    for shift in ((side, 0), (0, side)):
        torch.testing.assert_close(painted.roll(shift, (2, 3)), painted, rtol=0, atol=1e-4)
    assert torch.equal(painted, style(photo, seamless=True))
    assert torch.equal(tiling(photo, seamless=False), style(photo))


def test_alpha_is_kept(style: LoadedStyle) -> None:
    photo = make_photo(32, 24).convert("RGBA")
    photo.putalpha(77)
    painted = style(photo)
    assert painted.mode == "RGBA"
    assert set(painted.getchannel("A").tobytes()) == {77}


def test_a_phones_photo_is_turned_upright_and_keeps_its_profile(style: LoadedStyle) -> None:
    photo = make_photo(40, 30)
    photo.getexif()[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo.info["icc_profile"] = profile
    painted = style(photo)
    assert painted.size == (30, 40)
    assert painted.info["icc_profile"] == profile


def test_a_mask_can_be_a_picture(style: LoadedStyle) -> None:
    photo = make_photo(40, 30)
    mask = Image.new("L", (40, 30), 0)
    mask.paste(255, (0, 0, 20, 30))
    assert style(photo, mask=mask).getpixel((39, 15)) == photo.getpixel((39, 15))


@pytest.mark.parametrize(
    ("wrong", "got", "allowed"),
    [
        (torch.zeros(0, 3, 32, 32), "(0, 3, 32, 32)", "(3, H, W)"),
        (np.zeros((0, 20, 3), np.uint8), "(0, 20, 3)", "without pixels"),
        (np.zeros((20, 20, 3), object), "object", "uint8 or float"),
        (np.zeros((20, 20), np.uint8), "(20, 20)", "(H, W, 3)"),
        (np.zeros((20, 20, 4), np.uint8), "(20, 20, 4)", "(H, W, 3)"),
        (np.full((20, 20, 3), 255.0), "float", "[0, 1]"),
        (np.full((20, 20, 3), np.nan), "float", "[0, 1]"),
        (np.zeros((20, 20, 3), np.int64), "int64", "uint8 or float"),
        (torch.zeros(20, 20, 3), "(20, 20, 3)", "(3, H, W)"),
        (torch.zeros(1, 1, 3, 20, 20), "(1, 1, 3, 20, 20)", "(3, H, W)"),
        ("photo.jpg", "str", "PIL picture, array or tensor"),
    ],
)
def test_other_things_are_refused(style: LoadedStyle, wrong: Any, got: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        style(wrong)
    message = str(caught.value)
    assert got in message
    assert allowed in message
    assert "\n" not in message


def test_a_style_that_is_optimized_does_not_tile(style: LoadedStyle) -> None:
    optimizing: Any = LoadedStyle(style.stylizer, None)
    with pytest.raises(InputError, match="to tile"):
        optimizing(make_photo(), seamless=True)


def test_a_style_without_checkpoint_can_be_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="train one"):
        fst.load("the_scream", checkpoints=tmp_path, device="cpu", method="feedforward")


def test_importing_fst_does_not_import_torch() -> None:
    code = "import fst, sys; print('torch' in sys.modules, callable(fst.load))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="paint_it"):
        fst.paint_it  # noqa: B018


def test_what_comes_back_can_be_changed(style: LoadedStyle) -> None:
    painted: Tensor = style(torch.rand(1, 3, 20, 20))
    before = painted.clone()
    painted.mul_(0.5)  # refused of what was made in inference mode
    torch.testing.assert_close(painted, before / 2)
