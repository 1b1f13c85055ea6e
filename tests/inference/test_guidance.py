"""fst.inference.guidance: several paintings, regions and colors, from options to the picture."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from support import make_photo

import fst
from fst.errors import AssetError, FstWarning, InputError
from fst.inference.guidance import Guidance
from fst.inference.optimizing import OptimizingStylizer
from fst.losses.guided import GuidedLoss
from fst.optimization.pixels import Iterate

SMALL = {
    "method": "optimize", "weights": "slim", "iterations": 2, "style_size": 48,
    "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1",
}  # fmt: skip
PHOTO = make_photo(48, 40, seed=7)


@pytest.fixture(autouse=True)
def place(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two paintings, and label pictures of them and of the photo."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a.png", "b.png")):
        make_photo(48, 40, seed=number).save(name)
    labels(24).save("photo_labels.png")
    labels(30).save("labels.png")
    labels(0).save("second.png")
    labels(48).save("first.png")


def labels(width: int) -> Image.Image:
    """Red to the left, blue from there on."""
    array = np.zeros((40, 48, 3), np.uint8)
    array[:, :width, 0] = array[:, width:, 2] = 255
    return Image.fromarray(array)


def painted(style: Any = "a.png", photo: Any = PHOTO, **options: Any) -> NDArray[np.float64]:
    return np.asarray(fst.load(style, **{**SMALL, **options})(photo)).astype(np.float64)


def loss_of(style: str, **options: Any) -> GuidedLoss:
    loss = fst.load(style, **{**SMALL, **options}).stylizer.loss  # type: ignore[union-attr]
    assert isinstance(loss, GuidedLoss)
    return loss


def test_several_paintings_are_painted_by_their_shares() -> None:
    far = {"iterations": 6, "content_weight": 0.0}
    a, b, both = (painted(one, **far) for one in ("a.png", "b.png", "a.png=0.5,b.png=0.5"))
    mean = np.abs(a - b).mean()
    assert np.abs(both - a).mean() < mean
    assert np.abs(both - b).mean() < mean
    assert loss_of("a.png=0.6,b.png=0.4")._shares == (0.6, 0.4)


def test_two_regions_take_the_paintings_whose_labels_have_their_color() -> None:
    loss = loss_of("a.png=0.5,b.png=0.5", labels="photo_labels.png",
                   style_labels=["first.png", "second.png"])  # fmt: skip
    guide = loss.guide
    assert guide is not None
    red, blue = guide.names.index("#ff0000"), guide.names.index("#0000ff")
    assert float(guide.picture[red, :, :24].min()) == 1
    assert float(guide.picture[red, :, 24:].max()) == 0
    assert [float(masks[red].mean()) for masks in guide.paintings] == [1, 0]
    assert [float(masks[blue].mean()) for masks in guide.paintings] == [0, 1]
    plain = painted("a.png=0.5,b.png=0.5")
    guided = painted("a.png=0.5,b.png=0.5", labels="photo_labels.png",
                     style_labels=["first.png", "second.png"])  # fmt: skip
    assert np.abs(plain - guided).max() > 1


def test_labels_may_be_pictures_and_the_photo_may_be_painted_smaller() -> None:
    files = {"labels": "photo_labels.png", "style_labels": "labels.png"}
    pictures = {"labels": labels(24), "style_labels": np.asarray(labels(30))}
    np.testing.assert_array_equal(painted(**files), painted(**pictures))
    classes = {"labels": (np.asarray(labels(24))[..., 2] > 0).astype(np.int64),
               "style_labels": (np.asarray(labels(30))[..., 2] > 0).astype(np.int32)}  # fmt: skip
    np.testing.assert_array_equal(painted(**files), painted(**classes))
    style = fst.load("a.png", **{**SMALL, **files})
    assert style(PHOTO, size=24).size == (24, 20)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": "photo_labels.png"}, "go together"),
        ({"style_labels": "labels.png"}, "go together"),
        ({"labels": "photo_labels.png", "style_labels": ["labels.png", "first.png"]},
         "1 painting and 2 style_labels"),
        ({"labels": "photo_labels.png", "style_labels": "first.png"}, "label #0000ff"),
        ({"labels": "a.png", "style_labels": "labels.png"}, "a.png is no picture of labels"),
        ({"labels": "nowhere.png", "style_labels": "labels.png"}, "nowhere.png"),
        ({"labels": 3, "style_labels": "labels.png"}, "labels must be a picture"),
        ({"labels": "photo_labels.png", "style_labels": "thin.png"}, "other proportions"),
        ({"labels": "photo_labels.png", "style_labels": "labels.png", "statistic": "patches"},
         "patches"),
        ({"luminance": True, "recolor": "eigen"}, "luminance"),
        ({"recolor": "hue"}, "recolor"),
        ({"luminance": 1}, "luminance"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_one_line_before_the_work(
    options: dict[str, Any], says: str
) -> None:
    labels(10).resize((20, 40)).save("thin.png")
    with pytest.raises(InputError) as caught:
        fst.load("a.png", **{**SMALL, **options})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_of_another_picture_than_the_photo_are_refused() -> None:
    style = fst.load("a.png", **SMALL, labels="photo_labels.png", style_labels="labels.png")
    with pytest.raises(InputError, match="48x40 has other proportions than the photo 40x40"):
        style(PHOTO.crop((0, 0, 40, 40)))


def test_labels_of_a_photo_that_is_painted_with_a_rim_go_on_in_it() -> None:
    """A photo of 48x10 is painted as 48x16: three rows more on each side, as in a mirror."""
    regions = np.zeros((10, 48), np.uint8)
    regions[2:] = 1
    its = np.zeros((40, 48), np.uint8)
    its[20:] = 1
    style = fst.load("a.png", **SMALL, labels=regions, style_labels=its)
    assert style(PHOTO.crop((0, 0, 48, 10))).size == (48, 10)
    stylizer = style.stylizer
    assert isinstance(stylizer, OptimizingStylizer)
    assert stylizer.guidance is not None
    photo = torch.zeros(1, 3, 10, 48)
    judged = stylizer.guidance.judge(stylizer.loss, photo, torch.zeros(1, 3, 16, 48))
    assert isinstance(judged, GuidedLoss)
    assert judged.guide is not None
    assert judged.guide.picture.shape[1:] == (16, 48)
    before = stylizer.loss.guide.picture  # type: ignore[union-attr]
    torch.testing.assert_close(judged.guide.picture[:, 3:13], before)
    for beyond, inside in ((2, 1), (1, 2), (0, 3)):
        torch.testing.assert_close(judged.guide.picture[:, beyond], before[:, inside])


def test_a_file_of_a_shipped_paintings_name_is_not_that_painting() -> None:
    make_photo(48, 40).save("monet_woman_with_a_parasol.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)
        with pytest.raises(AssetError, match="monet"):
            fst.load("monet", **SMALL, labels="photo_labels.png", style_labels="labels.png")


def test_no_portrait_stands_in_for_a_painting_with_labels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FstWarning)  # nothing says before that one does
        with pytest.raises(AssetError, match=r"monet.* portrait has no regions"):
            fst.load("monet", **SMALL, labels="photo_labels.png", style_labels="labels.png")


def luma(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return rgb @ np.array([0.299, 0.587, 0.114])


def test_luminance_paints_brightness_and_leaves_the_photos_colors() -> None:
    """Cb and Cr of BT.601, by hand; where a pixel is not cut off at black or white."""
    result = painted(luminance=True, iterations=4)
    photo = np.asarray(PHOTO).astype(np.float64)
    inside = ((result > 4) & (result < 251)).all(2)
    assert inside.mean() > 0.5
    for channel in (0, 2):
        chroma = [(rgb[..., channel] - luma(rgb))[inside] for rgb in (result, photo)]
        np.testing.assert_allclose(*chroma, atol=1.5)
    assert np.abs(luma(result) - luma(photo)).max() > 3


def test_the_painting_is_as_bright_as_each_photo_is() -> None:
    dark, light = (PHOTO.point(lambda v, by=by: int(v * 0.4 + by)) for by in (0, 150))
    guidance = Guidance((torch.rand(1, 3, 8, 8),), luminance=True)
    for photo in (dark, light):
        tensor = torch.from_numpy(np.asarray(photo).astype(np.float32) / 255).permute(2, 0, 1)[None]
        mean = float(guidance._in_colors(guidance.paintings[0], tensor).mean())
        assert mean == pytest.approx(luma(np.asarray(photo)).mean() / 255, abs=1e-3)


@pytest.mark.parametrize("how", ["cholesky", "eigen", "histogram"])
def test_a_recolored_painting_gives_the_photos_colors(how: str) -> None:
    blue = Image.merge("RGB", [PHOTO.getchannel(c).point(lambda v, k=k: int(k * v))
                               for c, k in (("R", 0.2), ("G", 0.3), ("B", 1.0))])  # fmt: skip
    far = {"iterations": 8, "content_weight": 0.1}
    plain, recolored = painted(photo=blue, **far), painted(photo=blue, recolor=how, **far)
    mean = np.asarray(blue).mean((0, 1))
    assert np.abs(recolored.mean((0, 1)) - mean).max() < np.abs(plain.mean((0, 1)) - mean).max()


def test_iterates_have_the_photos_colors_too_at_every_size() -> None:
    guidance = Guidance((torch.rand(1, 3, 8, 8),), luminance=True)
    photo, small = torch.rand(1, 3, 16, 16), torch.full((1, 3, 8, 8), 0.5)
    terms: Any = None
    (found,) = guidance.colored(iter([Iterate(0, small, terms)]), photo)
    assert found.image.shape == small.shape
    assert not torch.equal(found.image[:, 0], found.image[:, 2])
    assert bool((small == 0.5).all())
