"""Fst.load("monet") paints what other programs have: PIL pictures, arrays, tensors."""

import io
import subprocess
import sys
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from support import encoded, make_photo
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
    ("wrong", "got"),
    [
        (torch.zeros(0, 3, 32, 32), "(0, 3, 32, 32)"),
        (np.zeros((20, 20, 3), object), "object"),
        (np.full((20, 20, 3), 255.0), "from 255 to 255"),
        (torch.zeros(20, 20, 3), "(20, 20, 3)"),
        (torch.zeros(3, 20, 20, device="meta"), "meta"),
        (Image.new("RGB", (0, 20)), "0x20"),
        ("photo.jpg", "str; open a file first"),
        (Path("photo.jpg"), "open a file first"),
        (None, "NoneType"),
        ([[0, 1], [2, 3]], "list"),
    ],
)
def test_other_things_are_refused(style: LoadedStyle, wrong: Any, got: str) -> None:
    with pytest.raises(InputError) as caught:
        style(wrong)
    assert got in str(caught.value)
    assert "photo" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pil_picture_that_cannot_be_read_is_refused(style: LoadedStyle) -> None:
    data = encoded(make_photo(300, 300))
    half = Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(InputError, match=r"can't be read: .*truncated"):
        style(half)
    closed = make_photo()
    closed.close()
    file = io.BytesIO(data)
    unread = Image.open(file)
    file.close()
    for photo in (closed, unread):
        with pytest.raises(InputError, match=r"can't be (read|decoded): .*closed"):
            style(photo)
        with pytest.raises(InputError, match=r"mask.* can't be (read|decoded): .*closed"):
            style(make_photo(), mask=photo)


def test_arrays_are_painted_as_pil_pictures_of_them_are(style: LoadedStyle) -> None:
    gray = np.asarray(make_photo(40, 30).convert("L"))
    assert np.array_equal(style(gray), np.asarray(style(Image.fromarray(gray))))
    rgba = np.dstack([np.asarray(make_photo(40, 30)), gray])
    painted = style(rgba)
    assert np.array_equal(painted, np.asarray(style(Image.fromarray(rgba))))
    assert np.array_equal(painted[..., 3], gray)
    batch = np.stack([rgba, rgba[::-1]])
    assert np.array_equal(style(batch)[1], style(batch[1]))
    deep = style(rgba[..., :3].astype(np.uint16) * 257)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - painted[..., :3]).max() <= 0.5


def test_numbers_can_be_numpys_and_torchs(style: LoadedStyle) -> None:
    photo = np.asarray(make_photo(64, 48))
    for half in (
        np.float32(0.5),
        np.float64(0.5),
        np.array(0.5),
        torch.tensor(0.5),
        Fraction(1, 2),
    ):
        assert np.array_equal(style(photo, strength=half), style(photo, strength=0.5))
    for size in (np.int64(32), np.uint8(32), torch.tensor(32)):
        assert style(photo, size=size).shape == (24, 32, 3)
    assert np.array_equal(style(photo, seamless=np.True_), style(photo, seamless=True))
    assert np.array_equal(style(photo, strength=sum([np.float32(0.1)] * 10)), style(photo))


class Named:
    """A path of another library's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def test_paths_can_be_of_any_library(style: LoadedStyle, tmp_path: Path) -> None:
    photo = np.asarray(make_photo(40, 30))
    path = tmp_path / "mine.safetensors"
    for found in (
        fst.load(path, device="cpu", precision="fp32"),
        fst.load(Named(path), device=torch.device("cpu"), precision="fp32"),
        fst.load("mine", checkpoints=Named(tmp_path), device="cpu", precision="fp32"),
    ):
        assert np.array_equal(found(photo), style(photo))
    half = Image.new("L", (40, 30), 0)
    half.paste(255, (0, 0, 20, 30))
    half.save(tmp_path / "mask.png")
    expected = style(photo, mask=tmp_path / "mask.png")
    assert np.array_equal(style(photo, mask=Named(tmp_path / "mask.png")), expected)


def test_a_mask_can_be_an_array_or_a_tensor(style: LoadedStyle) -> None:
    photo = np.asarray(make_photo(40, 30))
    half = np.zeros((30, 40), np.uint8)
    half[:, :20] = 255
    expected = style(photo, mask=Image.fromarray(half))
    assert not np.array_equal(expected, style(photo))
    tensor = torch.from_numpy(half)
    for mask in (
        half, half > 0, half / 255, half.astype(np.uint16) * 257, half[..., None],
        np.dstack([half] * 3), tensor, tensor > 0, tensor[None] / 255, tensor[None, None] / 255,
    ):  # fmt: skip
        assert np.array_equal(style(photo, mask=mask), expected)
    for mask, named in (
        (half // 255, "1 of 255"),
        (half.astype(int), "int64"),
        (half * 1.0, "divide by 255"),
        (np.stack([half[..., None]] * 2), "one mask"),
        (True, "bool"),
        ("", "''"),
        ("a\0b", "x00"),
        ("nowhere.png", "nowhere.png"),
    ):
        with pytest.raises(InputError, match=named):
            style(photo, mask=mask)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"feather": 0.1}, "mask"),
        ({"upsample": "bicubic"}, "size"),
        ({"sizes": 32}, "size"),
        ({"strength": 1.1}, "from 0 to 1"),
        ({"strength": True}, "true"),
        ({"size": 32.0}, "32.0"),
        ({"size": 10**5000}, "1000000"),
        ({"seamless": 1}, "true or false"),
    ],
)
def test_options_that_cannot_be_or_do_nothing_are_refused(
    style: LoadedStyle, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named) as caught:
        style(make_photo(), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 5000, 3, None, b"mine"])
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InputError) as caught:
        fst.load(name, checkpoints=tmp_path, device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode", "autocast", "float64", "meta"])
def test_a_callers_modes_change_nothing(
    style: LoadedStyle, tmp_path: Path, mode: str, painting: Tensor
) -> None:
    to_pil(painting).save(tmp_path / "sea.png")
    photo = np.asarray(make_photo(40, 30))

    slow = fst.load(
        tmp_path / "sea.png", device="cpu", precision="fp32", weights="slim", iterations=2
    )
    expected = style(photo), slow(photo), style(photo)
    contexts: dict[str, Any] = {
        "no_grad": torch.no_grad,
        "inference_mode": torch.inference_mode,
        "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
        "meta": lambda: torch.device("meta"),
        "float64": nullcontext,
    }
    torch.set_default_dtype(torch.float64 if mode == "float64" else torch.float32)
    try:
        with contexts[mode]():
            again = fst.load("mine", checkpoints=tmp_path, device="cpu", precision="fp32")
            found = style(photo), slow(photo), again(photo)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(np.array_equal(*pair) for pair in zip(expected, found, strict=True))


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
