"""Every option in every way of painting: it is used, or an error that names it. None is ignored."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support import make_photo
from torch import Tensor

import fst
from fst.errors import CheckpointError, InputError
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.inference.stylizers import (
    FeedForwardStylizer,
    RefiningStylizer,
    Stylizer,
    make_stylizer,
)
from fst.inference.ways import USED
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.styles.catalog import find_style
from fst.styles.trained import TrainedStyle, save_checkpoint

LAYERS: dict[str, Any] = {
    "content_layers": {"relu2_2": 1.0},
    "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0},
}

VALUES: dict[str, Any] = {
    "memory": 10**9, "backend": "compile", "margin": 8, "circular": True,
    "preset": "course", "iterations": 2, "optimizer": "adam", "learning_rate": 0.01,
    "init": "noise", "seed": 3, "clamp": True, "style_size": 24, "content_weight": 2.0,
    "style_weight": 3.0, "tv_weight": 0.0, "pooling": "avg", "weights": "random",
    "loss_network": "vgg16", "padding": "first",
    "content_layers": {"relu1_2": 1.0}, "style_layers": {"relu1_2": 1.0},
    "normalization": "course", "init_noise": 0.5, "average": 0.9, "tolerance": 0.01,
    "statistic": "patches", "patch_size": 5, "patch_stride": 1, "luminance": True,
    "recolor": "eigen", "labels": "labels.png", "style_labels": "labels.png",
}  # fmt: skip
"""Every option -> a value that differs from its default."""

NEEDS: dict[str, dict[str, Any]] = {
    "seed": {"init": "noise"},
    "clamp": {"optimizer": "adam"},
    "patch_size": {"statistic": "patches"},
    "patch_stride": {"statistic": "patches"},
    "labels": {"style_labels": "labels.png"},
    "style_labels": {"labels": "labels.png"},
}
"""What an option goes with."""

OF_PASS = ("memory", "backend", "margin", "circular")
WAYS = ("feedforward", "blend", "refine", "optimize")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two trained styles, ``one`` and ``two``, and their painting, ``sea.png``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    make_photo(32, 32, seed=4).save("sea.png")
    Image.linear_gradient("L").resize((32, 32)).point(lambda v: 255 * (v > 99)).save("labels.png")
    loss = PerceptualLoss(torch.rand(1, 3, 32, 32), weights="random", **LAYERS).describe()
    Path("checkpoints").mkdir()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
        style = {"name": name, "image": str(tmp_path / "sea.png"), "size": 32}
        about = {"net": net, "style": style, "loss": loss}
        trained = TrainedStyle(make_net(**net), about)
        save_checkpoint(Path("checkpoints", f"{name}.safetensors"), trained)
    return tmp_path


def make(way: str, **chosen: Any) -> Stylizer:
    """What paints in one of :data:`WAYS` with these options and, for the losses, small layers."""
    if way in ("refine", "optimize"):
        chosen.setdefault("weights", "random")
    if way == "optimize":
        chosen = {**LAYERS, "iterations": 1, **chosen}
    of_pass = {name: value for name, value in chosen.items() if name in OF_PASS}
    of_pixels = {name: value for name, value in chosen.items() if name not in OF_PASS}
    style = find_style("one=0.5,two=0.5" if way == "blend" else "one")
    return make_stylizer(
        style,
        "optimize" if way == "optimize" else "auto",
        PassOptions(**of_pass),
        PixelOptions(**of_pixels),
        2 if way == "refine" else 0,
    )


def state(stylizer: Stylizer) -> dict[str, Any]:
    """All that a stylizer goes by, as plain values."""
    if isinstance(stylizer, FeedForwardStylizer):
        names = ("memory", "backend", "margin", "circular", "strokes")
        return {name: getattr(stylizer, name) for name in names}
    grams = [gram.sum().item() for name, gram in stylizer.loss.named_buffers() if "gram" in name]
    found = {**stylizer.loss.describe(), "grams": grams, **stylizer.settings}
    if isinstance(stylizer, OptimizingStylizer) and stylizer.guidance is not None:
        found["guidance"] = dict(stylizer.guidance.said)
    return {**found, **state(stylizer.fast)} if isinstance(stylizer, RefiningStylizer) else found


def test_the_walk_knows_every_option() -> None:
    names = [field.name for kind in (PassOptions, PixelOptions) for field in fields(kind)]
    assert sorted([*VALUES, "device", "dtype"]) == sorted(names)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", VALUES)
def test_an_option_is_used_or_an_error_that_names_it(option: str, way: str) -> None:
    chosen = {**NEEDS.get(option, {}), option: VALUES[option]}
    used = USED["feedforward" if way == "blend" else way]
    if all(name in used for name in chosen):
        both = option in ("labels", "style_labels")  # neither goes without the other
        before = state(make(way, **({} if both else NEEDS.get(option, {}))))
        if option == "weights":  # random ones are all that a test has
            assert make(way).loss.vgg.source == "random"  # type: ignore[union-attr]
        else:
            assert state(make(way, **chosen)) != before
        return
    with pytest.raises(InputError) as caught:
        make(way, **chosen)
    told = str(caught.value)
    assert "\n" not in told
    assert any(name in told for name in chosen)
    assert "one" in told


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("way", "kind"),
    [("feedforward", FeedForwardStylizer), ("blend", FeedForwardStylizer),
     ("refine", RefiningStylizer), ("optimize", OptimizingStylizer)],
)  # fmt: skip
def test_without_options_every_way_paints(way: str, kind: type) -> None:
    stylizer = make(way)
    assert isinstance(stylizer, kind)
    photo = torch.rand(1, 3, 20, 24)
    assert stylizer(photo).shape == photo.shape


@pytest.mark.usefixtures("place")
def test_what_auto_picked_is_told_and_why() -> None:
    with pytest.raises(InputError, match=r"iterations.*'one'.*one pass.*auto.*checkpoint"):
        make_stylizer(find_style("one"), pixel_options=PixelOptions(iterations=3))
    with pytest.raises(InputError, match=r"margin.*'sea'.*optimizing.*auto.*no checkpoint"):
        make_stylizer(find_style("sea.png"), pass_options=PassOptions(margin=8))
    with pytest.raises(InputError) as caught:
        make_stylizer(find_style("one"), "feedforward", pixel_options=PixelOptions(iterations=3))
    assert "auto" not in str(caught.value)


@pytest.mark.usefixtures("place")
def test_the_way_of_painting_has_to_be_possible() -> None:
    blended = find_style("one=0.5,two=0.5")
    with pytest.raises(InputError, match="blend"):
        make_stylizer(blended, refine=3)
    with pytest.raises(InputError, match="blend"):
        make_stylizer(blended, "optimize")
    with pytest.raises(InputError, match=r"refine.*method optimize"):
        make_stylizer(find_style("one"), "optimize", refine=3)
    with pytest.raises(InputError, match=r"refine.*'sea'"):
        make_stylizer(find_style("sea.png"), refine=3)
    with pytest.raises(CheckpointError, match="is a painting"):
        make_stylizer(find_style("sea.png"), "feedforward")
    for wrong in (-1, 2.5, "3", True):
        with pytest.raises(InputError, match="refine"):
            make_stylizer(find_style("one"), refine=wrong)  # type: ignore[arg-type]


@pytest.mark.usefixtures("place")
def test_a_seed_without_noise_is_refused() -> None:
    with pytest.raises(InputError, match=r"seed.*noise"):
        make("optimize", seed=3)
    with pytest.raises(InputError, match=r"seed.*noise.*a picture"):
        make("optimize", seed=3, init=torch.rand(1, 3, 20, 24))
    make("optimize", seed=3, preset="course")  # which begins with noise


@pytest.mark.usefixtures("place")
def test_refining_begins_where_the_bare_pass_ends(place: Path) -> None:
    photo = torch.rand(1, 3, 20, 24)
    seen: list[Tensor] = []
    make("refine")(photo, lambda iterate: seen.append(iterate.image))
    fast = make("feedforward", margin=0)
    assert torch.equal(seen[0], fast(photo))


# --- fst.load ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"refine": 2, "settings": {"init": "noise"}}, "init"),
        ({"refine": 2, "init": "noise"}, "init"),
        ({"refine": 2, "iterations": 3}, "iterations"),
        ({"refine": 2, "preset": "course"}, "preset"),
        ({"refine": 2, "style_size": 32}, "style_size"),
        ({"refine": 2, "loss": {"style_weight": 2.0}}, "style_weight"),
        ({"refine": 2, "circular": True}, "--seamless"),
        ({"iterations": 3}, "iterations"),
        ({"settings": {"seed": "abc"}}, "seed"),
        ({"seed": "abc", "method": "optimize"}, "seed"),
        ({"method": "optimize", "margin": 8}, "margin"),
        ({"method": "optimize", "memory": "1GB"}, "memory"),
        ({"method": "optimize", "backend": "eager"}, "backend"),
        ({"method": "optimize", "circular": True}, "circular"),
        ({"method": "magic"}, "feedforward"),
        ({"iteration": 3}, "iterations"),
        ({"settings": {"learning_rat": 3}}, "learning_rate"),
        ({"settings": 3}, "settings"),
        ({"settings": {"margin": 8}}, "margin"),
        ({"iterations": 3, "settings": {"iterations": 4}}, "twice"),
        ({"memory": "lots"}, "2GB"),
        ({"memory": 0}, "memory"),
        ({"margin": 7}, "margin"),
        ({"checkpoints": "nowhere"}, "nowhere"),
    ],
)  # fmt: skip
def test_load_says_in_a_line_what_is_wrong(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        fst.load("one", device="cpu", precision="fp32", **options)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("place")
def test_load_takes_options_by_their_names_or_in_mappings() -> None:
    common: dict[str, Any] = {"device": "cpu", "precision": "fp32", "method": "optimize"}
    by_name = fst.load("one", iterations=1, weights="random", style_weight=2.0, **LAYERS, **common)
    loss = {"weights": "random", "style_weight": 2.0, **LAYERS}
    mapped = fst.load("one", settings={"iterations": 1}, loss=loss, **common)
    assert state(by_name.stylizer) == state(mapped.stylizer)
    refined = fst.load("one", refine=1, weights="random", device="cpu", precision="fp32")
    assert isinstance(refined.stylizer, RefiningStylizer)


@pytest.mark.usefixtures("place")
def test_load_takes_a_path_and_refuses_what_is_none() -> None:
    fst.load(Path("checkpoints/one.safetensors"), device="cpu", precision="fp32")
    with pytest.raises(InputError, match="int"):
        fst.load(3)  # type: ignore[arg-type]
