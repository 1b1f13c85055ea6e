"""fst.inference.record: every setting of the pixels is in it, once, and nobody's folders."""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo

from fst.choices import MARGIN
from fst.errors import FstWarning
from fst.inference.control import Control, Layer
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.inference.record import (
    painted_with,
    record_of,
)
from fst.inference.stylizers import make_stylizer
from fst.inference.targets import Job
from fst.nets import make_net
from fst.styles.catalog import find_style
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system.checksum import checksum

LOSS: dict[str, Any] = {
    "weights": "random",
    "content_layers": {"relu2_2": 1.0},
    "style_layers": {"relu1_1": 1.0, "relu2_1": 3.0},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of a name that nobody has to know, with two styles, a painting and a mask."""
    private = tmp_path / "Private Folder"
    (private / "checkpoints").mkdir(parents=True)
    monkeypatch.chdir(private)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    for seed, name in enumerate(("one", "two")):
        write_style(name, seed)
    make_photo(seed=7).save("painting.png")
    make_photo(seed=8).convert("L").save("mask.png")


def write_style(name: str, seed: int, file: str | None = None) -> Path:
    torch.manual_seed(seed)
    arguments = {"width": 4, "residual_blocks": 1}
    net = make_net("johnson", arguments)
    style = {"name": name, "image": "painting.png", "size": 48}
    layers = {name: LOSS[name] for name in ("content_layers", "style_layers")}
    terms = {"content_weight": 1.0, "style_weight": 5.0, "tv_weight": 0.5}
    network = {"architecture": "vgg19", "weights": "random", "sha256": "0", "pooling": "max"}
    loss = {**terms, **layers, "normalization": "relative", "loss_network": network}
    described = {"net": {"name": "johnson", "arguments": arguments}, "style": style, "loss": loss}
    path = Path(file or f"checkpoints/{name}.safetensors")
    save_checkpoint(path, TrainedStyle(net, described))
    return path


def record(
    style: str = "one",
    method: str = "auto",
    control: Control | None = None,
    of_pass: PassOptions | None = None,
    masks: tuple[Path, ...] = (),
    **pixels: Any,
) -> dict[str, Any]:
    """The part of a record that all photos have in common."""
    found, options = find_style(style), PixelOptions(**pixels)
    of_pass = of_pass or PassOptions(backend="eager")
    layers = [Layer(make_stylizer(found, method, of_pass, options))]
    made = painted_with([found], layers, control or Control(), masks, options.style_size)
    assert made is not None
    return made


def optimized(**pixels: Any) -> dict[str, Any]:
    """Of an optimization."""
    options = {**LOSS, "style_size": 32, **pixels}
    return record("./painting.png", "optimize", None, PassOptions(), **options)


def test_a_result_of_one_pass_is_described() -> None:
    found = record_of(record(), Job(Path("a/b/Urlaub.jpg"), Path("c/d.jpg")), "f" * 64, 90)
    digest = find_style("one").net().digest
    assert found["photo"] == {"name": "Urlaub.jpg", "sha256": "f" * 64}
    (style,) = found["styles"]
    assert style == {
        "name": "one",
        "method": "feedforward",
        "weights_sha256": digest,
        "precision": "fp32",
        "margin": MARGIN,
    }
    assert found["settings"] == {"strength": 1.0, "quality": 90}
    assert found["computed"] == {"device": "cpu", "backend": "eager"}


def test_only_where_it_decides_the_pixels_is_the_quality_told() -> None:
    common = record()
    for name, told in (("a.png", False), ("a.TIF", False), ("a.JPEG", True), ("a.webp", True)):
        found = record_of(common, Job(Path("a.jpg"), Path(name)), "", 95)
        assert ("quality" in found["settings"]) == told
    assert "quality" not in common["settings"]


@pytest.mark.parametrize(
    ("typed", "default"),
    [
        ({"control": Control(1, None, None, None)}, {}),
        ({"of_pass": PassOptions(backend="eager", margin=MARGIN, dtype=torch.float32)}, {}),
        ({"of_pass": PassOptions(backend="eager", memory=10**9)}, {}),
        ({"style": "checkpoints/one.safetensors"}, {}),
        ({"style": "one=0.5,two=0.5"}, {"style": "two=1,one=1"}),
    ],
)
@pytest.mark.filterwarnings("ignore:the shares")
def test_what_is_typed_and_is_the_default_is_the_same(
    typed: dict[str, Any], default: dict[str, Any]
) -> None:
    assert record(**typed)["settings"] == record(**default)["settings"]
    first, second = (record(**options)["styles"][0] for options in (typed, default))
    assert {**first, "name": ""} == {**second, "name": ""}


@pytest.mark.parametrize(
    "changed",
    [
        {"style": "two"},
        {"style": "one=0.5,two=0.5"},
        {"control": Control(0.5)},
        {"control": Control(preserve_color="luma")},
        {"control": Control(size=32)},
        {"control": Control(size=32, upsample="guided")},
        {"control": Control(size=32, upsample="bicubic")},
        {"control": Control(seamless=True)},
        {"of_pass": PassOptions(backend="eager", margin=0)},
        {"of_pass": PassOptions(backend="eager", dtype=torch.bfloat16)},
        {"masks": (Path("mask.png"),)},
        {"masks": (Path("painting.png"),)},
        {"masks": (Path("mask.png"),), "control": Control(feather=0.1)},
    ],
)
def test_a_setting_that_changes_pixels_changes_the_record(changed: dict[str, Any]) -> None:
    with_mask = record(masks=(Path("mask.png"),))
    assert record(**changed) != record()
    assert record(**changed) == record(**changed)
    assert (record(**changed) == with_mask) == (changed == {"masks": (Path("mask.png"),)})


def test_a_feather_without_a_mask_changes_nothing() -> None:
    assert record(control=Control(feather=0.5)) == record()


def test_an_optimization_is_described_with_its_defaults() -> None:
    (style,) = optimized(style_size=None)["styles"]
    painting = hashlib.sha256(Path("painting.png").read_bytes()).hexdigest()
    assert style["painting"] == {"name": "painting.png", "sha256": painting}
    assert (style["method"], style["precision"], style["style_size"]) == ("optimize", "fp32", 512)
    searched = {name: style[name] for name in ("iterations", "optimizer", "learning_rate", "init")}
    assert searched == {
        "iterations": 500, "optimizer": "lbfgs", "learning_rate": 1.0, "init": "photo",
    }  # fmt: skip
    assert style["loss"]["style_layers"] == {"relu1_1": 0.25, "relu2_1": 0.75}
    assert style["loss"]["loss_network"]["weights"] == "random"


@pytest.mark.parametrize(
    "typed",
    [
        {"iterations": 500, "optimizer": "lbfgs", "init": "photo", "style_size": 32},
        {"learning_rate": 1.0, "clamp": False, "preset": "gatys", "pooling": "max"},
        {"content_weight": 1, "style_weight": 6.0, "tv_weight": 0.5, "normalization": "relative"},
        {"style_layers": {"relu2_1": 9, "relu1_1": 3}, "statistic": "gram"},
    ],
)
def test_the_defaults_of_an_optimization_can_be_typed(typed: dict[str, Any]) -> None:
    assert optimized(**typed) == optimized()


@pytest.mark.parametrize(
    "changed",
    [
        {"iterations": 499},
        {"optimizer": "adam"},
        {"optimizer": "adam", "learning_rate": 0.5},
        {"optimizer": "adam", "clamp": True},
        {"init": "noise"},
        {"init": "noise", "seed": 1},
        {"init": "blend"},
        {"style_size": 64},
        {"style_weight": 7},
        {"pooling": "avg"},
        {"style_layers": {"relu1_1": 1.0}},
        {"content_layers": {"relu1_2": 1.0}},
        {"normalization": "course"},
        {"statistic": "moments"},
        {"statistic": "patches"},
        {"statistic": "patches", "patch_size": 5},
        {"statistic": "patches", "patch_stride": 1},
    ],
)
def test_every_option_of_an_optimization_changes_the_record(changed: dict[str, Any]) -> None:
    found = optimized(**changed)
    assert found != optimized()
    assert found == optimized(**changed)


def test_a_seed_counts_where_there_is_noise() -> None:
    assert "seed" not in optimized()["styles"][0]
    assert optimized(init="noise")["styles"][0]["seed"] == 0
    assert optimized(init="noise", seed=0) == optimized(init="noise")


def test_a_refined_picture_is_described() -> None:
    found = find_style("one")
    options = PixelOptions(weights="random")
    stylizer = make_stylizer(found, "auto", PassOptions(backend="eager"), options, refine=3)
    made = painted_with([found], [Layer(stylizer)], Control())
    assert made is not None
    (style,) = made["styles"]
    assert (style["method"], style["margin"], style["style_size"]) == ("refine", 0, 48)
    assert style["refine"]["iterations"] == 3
    assert style["weights_sha256"] == found.net().digest
    assert style["painting"]["name"] == "painting.png"


def test_the_order_of_styles_with_masks_is_all_the_same() -> None:
    styles = [find_style("one"), find_style("two")]
    layers = [Layer(make_stylizer(style, "auto", PassOptions(backend="eager"))) for style in styles]
    masks = [Path("mask.png"), Path("painting.png")]
    there = painted_with(styles, layers, Control(), masks)
    assert there == painted_with(styles[::-1], layers[::-1], Control(), masks[::-1])
    assert there != painted_with(styles, layers, Control(), masks[::-1])


def test_no_folder_is_told(tmp_path: Path) -> None:
    here = tmp_path / "Private Folder"
    checkpoints = here / "checkpoints"
    found = [
        record(str(checkpoints / "one.safetensors"), masks=(here / "mask.png",)),
        record(f"{checkpoints / 'one.safetensors'}=0.5,{checkpoints / 'two.safetensors'}=0.5"),
        record(str(here / "painting.png"), "optimize", None, PassOptions(), **LOSS),
    ]
    for common in found:
        job = Job(here / "a.jpg", here / "b.jpg")
        written = json.dumps(record_of(common, job, checksum(here / "mask.png"), 95))
        assert "Private" not in written
        assert str(tmp_path.name) not in written
        assert not any("/" in value for value in _leaves(json.loads(written)))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for one in (*value, *value.values()) for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [str(value)]


def test_a_painting_that_is_not_here_is_told_by_what_stands_in() -> None:
    found = find_style("monet")
    assert found.image is not None
    options = PixelOptions(**{**LOSS, "style_size": 64})
    with pytest.warns(UserWarning, match="stands in"):
        stylizer = make_stylizer(found, "optimize", PassOptions(), options)
    made = painted_with([found], [Layer(stylizer)], Control(), style_size=64)
    assert made is not None
    (style,) = made["styles"]
    assert style["painting"] == {"name": found.image, "portrait": True}


def test_a_file_here_of_a_shipped_paintings_name_is_not_what_was_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``monet`` means the painting among the assets, whatever is called so in this folder."""
    found = find_style("monet")
    assert found.image is not None
    (tmp_path / "assets" / "styles").mkdir(parents=True)
    make_photo(seed=3).save(tmp_path / "assets" / "styles" / found.image)
    make_photo(seed=4).save(found.image)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    options = PixelOptions(**{**LOSS, "style_size": 64})
    with warnings.catch_warnings():  # of both files
        warnings.simplefilter("ignore", FstWarning)
        stylizer = make_stylizer(found, "optimize", PassOptions(), options)
    made = painted_with([found], [Layer(stylizer)], Control(), style_size=64)
    assert made is not None
    sha256 = checksum(tmp_path / "assets" / "styles" / found.image)
    assert made["styles"][0]["painting"] == {"name": found.image, "sha256": sha256}


def test_a_record_is_of_plain_values() -> None:
    for common in (record(), optimized(), record("one=0.5,two=0.5")):
        assert json.loads(json.dumps(common)) == common


def test_the_pictures_mask_is_told_by_its_file() -> None:
    (style,) = record(masks=(Path("mask.png"),))["styles"]
    expected = hashlib.sha256(Path("mask.png").read_bytes()).hexdigest()
    assert style["mask"] == {"name": "mask.png", "sha256": expected}
