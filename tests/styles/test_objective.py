"""The painting that a loss knows: itself, or what comes with fst in its place."""

import hashlib
from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import AssetError, FstWarning
from fst.image.io import load_image
from fst.image.picture import resize
from fst.styles import catalog
from fst.styles.objective import checksum_of, style_target
from fst.styles.portraits import PORTRAITS


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
