"""The painting that a loss knows: itself, or what comes with fst in its place."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support import make_photo
from torchvision_vgg import random_state

from fst.errors import AssetError, FstWarning, InputError
from fst.image.io import load_image
from fst.image.picture import resize
from fst.losses.perceptual import PerceptualLoss
from fst.styles import catalog
from fst.styles.objective import checksum_of, load_objective, network_of, style_target
from fst.styles.portraits import PORTRAITS
from fst.styles.trained import TrainedStyle


@pytest.fixture(autouse=True)
def empty_folder(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No assets, no network, nothing here."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


@pytest.mark.parametrize("size", [256, 300, 512])
def test_a_portrait_stands_in_and_is_said(size: int) -> None:
    with pytest.warns(FstWarning, match=r"parasol\.jpg.*portrait") as said:
        found = style_target("monet_woman_with_a_parasol.jpg", size)
    assert len(said) == 1
    assert torch.equal(found, resize(load_image(PORTRAITS / "monet.jpg"), size).rgb)


@pytest.mark.parametrize("style", catalog.style_names())
def test_every_shipped_style_can_be_trained_without_its_painting(style: str) -> None:
    image = catalog.read_style(style)["image"]
    assert checksum_of(image) is None
    with pytest.warns(FstWarning, match=image):
        found = style_target(image, 256)
    assert max(found.shape[2:]) == 256


def test_a_portrait_has_other_patches_and_stands_in_for_none(
    recwarn: pytest.WarningsRecorder,
) -> None:
    with pytest.raises(AssetError, match=r"parasol\.jpg.*other patches: give the painting"):
        style_target("monet_woman_with_a_parasol.jpg", 256, statistic="patches")
    with pytest.raises(AssetError, match="nowhere"):  # which has no portrait either
        style_target("nowhere.jpg", 256, statistic="patches")
    assert not recwarn.list
    with pytest.warns(FstWarning, match="portrait"):
        style_target("monet_woman_with_a_parasol.jpg", 256, statistic="moments")


def test_a_painting_that_is_there_is_used_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "assets" / "styles" / "monet_woman_with_a_parasol.jpg"
    file.parent.mkdir(parents=True)
    make_photo(60, 30, seed=2).save(file)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    assert (
        checksum_of("monet_woman_with_a_parasol.jpg")
        == hashlib.sha256(file.read_bytes()).hexdigest()
    )
    expected = resize(load_image(file), 48).rgb
    assert torch.equal(style_target("monet_woman_with_a_parasol.jpg", 48), expected)
    with pytest.warns(FstWarning, match="portrait"):
        assert not torch.equal(
            style_target("monet_woman_with_a_parasol.jpg", 48, stand_in=True), expected
        )


def test_a_file_called_as_a_shipped_painting_is_not_taken_for_it() -> None:
    make_photo(60, 30, seed=2).save("monet_woman_with_a_parasol.jpg")
    assert checksum_of("monet_woman_with_a_parasol.jpg") is None
    with pytest.warns(FstWarning) as said:
        found = style_target("monet_woman_with_a_parasol.jpg", 256)
    assert torch.equal(found, resize(load_image(PORTRAITS / "monet.jpg"), 256).rgb)
    assert any("./monet_woman_with_a_parasol.jpg" in str(warning.message) for warning in said)
    own = style_target("./monet_woman_with_a_parasol.jpg", 48)
    assert torch.equal(own, resize(load_image("monet_woman_with_a_parasol.jpg"), 48).rgb)


@pytest.mark.parametrize(
    "image", ["paintings/monet_woman_with_a_parasol.jpg", "/nowhere/monet_woman_with_a_parasol.jpg"]
)
def test_a_painting_of_the_users_own_is_never_replaced(image: str) -> None:
    with pytest.raises(AssetError, match="monet"):
        style_target(image, 512)


def test_what_is_nowhere_is_told_with_what_there_is() -> None:
    with pytest.raises(AssetError) as caught:
        style_target("lake.jpg", 512)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in ("lake.jpg", "FST_ASSETS", "cache"))


def test_a_style_that_vgg16_judged_is_judged_by_it_again(tmp_path: Path) -> None:
    make_photo(48, 40).save(tmp_path / "mine.png")
    painting = style_target(str(tmp_path / "mine.png"), 32)
    state = random_state(9, network="vgg16")  # up to relu2_2
    weights = tmp_path / "sixteen.safetensors"
    save_file(state, weights)
    layers = {"content_layers": "relu2_2", "style_layers": "relu1_2=1,relu2_2=3"}
    loss = PerceptualLoss(painting, weights=str(weights), network="vgg16", **layers)
    about = {"image": str(tmp_path / "mine.png"), "size": 32, "name": "mine"}
    net = torch.nn.Identity()
    style = TrainedStyle(net, {"style": about, "loss": loss.describe()})  # type: ignore[arg-type]
    _, again = load_objective(style, torch.device("cpu"), weights=str(weights))
    assert again.describe() == loss.describe()
    assert network_of(style.description) == "vgg16"
    with pytest.raises(InputError, match="caffe are not VGG-16's"):
        load_objective(style, torch.device("cpu"), weights="caffe")
    _, alike = load_objective(style, torch.device("cpu"), weights="random", own_network=False)
    assert alike.vgg.architecture == "vgg19"
    _, by_slim = load_objective(style, torch.device("cpu"), weights="slim")
    assert by_slim.describe()["loss_network"]["weights"] == "slim"
