"""fst.styles.catalog: one value for whatever style was asked for, and its checkpoint read once."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo

from fst.errors import CheckpointError, FstWarning, InputError
from fst.nets import make_net
from fst.styles import catalog
from fst.styles.catalog import find_style, load_style
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with no assets but the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two trained styles, ``one`` and ``two``."""
    made = tmp_path / "trained"
    made.mkdir()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
        about = {"name": name, "image": f"{name}.png", "size": 48, "style_weight": 3.0}
        trained = TrainedStyle(make_net(**net), {"net": net, "style": about})
        save_checkpoint(made / f"{name}.safetensors", trained)
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The checkpoints that were read."""
    seen: list[Path] = []
    load: Callable[..., TrainedStyle] = catalog.load_checkpoint

    def counted(path: Path, *others: Any) -> TrainedStyle:
        seen.append(path)
        return load(path, *others)

    monkeypatch.setattr(catalog, "load_checkpoint", counted)
    return seen


def test_a_trained_style_by_name(folder: Path, reads: list[Path]) -> None:
    style = find_style("one", folder)
    assert (style.name, style.image, style.size) == ("one", "one.png", 48)
    assert style.weights == {"style_weight": 3.0}
    assert style.trained is not None
    assert style.net() is style.trained
    assert style.description == style.trained.description
    assert reads == [folder / "one.safetensors"]


def test_a_checkpoints_path_is_read_once_and_says_its_name(folder: Path, reads: list[Path]) -> None:
    path = (folder / "one.safetensors").rename(folder / "backup.safetensors")
    assert find_style(str(path)).name == "one"
    assert reads == [path]


def test_every_net_of_a_blend_is_read_once(folder: Path, reads: list[Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style = find_style("one=0.25,two=0.75", folder)
    assert (style.name, style.image, dict(style.shares)) == (
        "one-two", None, {"one": 0.25, "two": 0.75},
    )  # fmt: skip
    assert sorted(reads) == [folder / "one.safetensors", folder / "two.safetensors"]
    one, two = (load_style(name, folder).net.state_dict() for name in ("one", "two"))
    for key, value in style.net().net.state_dict().items():
        torch.testing.assert_close(value, 0.25 * one[key] + 0.75 * two[key])


def test_shares_that_do_not_add_up_are_divided_with_a_warning(folder: Path) -> None:
    with pytest.warns(FstWarning, match="add up to 4") as told:
        style = find_style("one=1,two=3", folder)
    assert dict(style.shares) == {"one": 0.25, "two": 0.75}
    assert len(told) == 1


def test_a_style_file_without_a_checkpoint(folder: Path, reads: list[Path]) -> None:
    style = find_style("monet", folder)
    assert style.trained is None
    assert (style.name, style.image) == ("monet", "monet_woman_with_a_parasol.jpg")
    assert style.about["title"]
    assert style.description == {}
    assert reads == []
    with pytest.raises(CheckpointError, match=f"'monet' in {folder}"):
        style.net()


def test_a_painting_is_a_style_of_its_name(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "My Cat.jpg"
    make_photo().save(path)
    style = find_style(str(path), folder)
    assert (style.name, style.image, style.size, style.weights) == ("My Cat", str(path), 512, {})
    with pytest.raises(CheckpointError, match=r"is a painting.*style="):
        style.net()


def test_a_checkpoint_comes_before_a_style_file_and_that_before_a_painting(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paintings = tmp_path / "assets" / "styles"
    paintings.mkdir(parents=True)
    for name in ("monet", "sea"):
        make_photo().save(paintings / f"{name}.png")
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    assert find_style("sea", folder).image == "sea"
    assert find_style("monet", folder).image == "monet_woman_with_a_parasol.jpg"  # the style file's
    (folder / "one.safetensors").rename(folder / "monet.safetensors")
    assert find_style("monet", folder).image == "one.png"  # the checkpoint's


@pytest.mark.parametrize("find", [find_style, load_style])
def test_a_folder_of_checkpoints_that_is_not_there_is_an_error(
    tmp_path: Path, find: Callable[..., object]
) -> None:
    """Else a typing error means minutes of optimization."""
    for style in ("monet", "one=0.5,two=0.5", str(tmp_path / "x.safetensors")):
        with pytest.raises(InputError, match="nowhere"):
            find(style, tmp_path / "nowhere")


@pytest.mark.parametrize("typed", ["monett", "Monet", "the-scream", "The Scream", "great wave"])
def test_a_name_that_is_nearly_right_is_suggested(typed: str) -> None:
    with pytest.raises(InputError) as caught:
        find_style(typed)
    meant = {"m": "monet", "t": "the_scream", "g": "great_wave"}[typed[0].lower()]
    assert f"did you mean {meant}?" in str(caught.value)


def test_a_painting_that_is_missing_is_a_missing_file() -> None:
    with pytest.raises(InputError, match=r"'nope\.jpg'.*no such file") as caught:
        find_style("nope.jpg")
    assert "did you mean" not in str(caught.value)


def test_a_picture_of_that_name_here_is_suggested() -> None:
    make_photo().save("my.png")
    with pytest.raises(InputError, match=r"did you mean my\.png"):
        find_style("my")


def test_a_name_is_a_name_and_a_path_a_path() -> None:
    make_photo().save("monet_woman_with_a_parasol.jpg")
    assert (
        find_style("monet").image == "monet_woman_with_a_parasol.jpg"
    )  # the shipped one, of that name
    with pytest.warns(FstWarning, match="this folder"):
        assert (
            find_style("monet_woman_with_a_parasol.jpg").image == "./monet_woman_with_a_parasol.jpg"
        )
