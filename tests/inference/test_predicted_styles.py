"""A style that is predicted from a painting goes through all that a trained one does."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo
from tiny_any import save_any
from torch import Tensor

from fst.choices import MARGIN
from fst.errors import CheckpointError, InputError
from fst.inference.control import Control, Layer
from fst.inference.difference import differences
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.inference.record import (
    painted_with,
    record_of,
)
from fst.inference.stylizers import (
    FeedForwardStylizer,
    RefiningStylizer,
    Stylizer,
    make_stylizer,
)
from fst.inference.targets import Job
from fst.inference.ways import (
    PREDICTED,
    USED,
    asked_of_painting,
    check_used,
    only_of_pixels,
    way_of,
)
from fst.nets.johnson import JohnsonNet
from fst.styles.catalog import find_style
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system.checksum import checksum


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that nobody has to know the name of, with a tiny any-painting net."""
    private = tmp_path / "Private Folder"
    private.mkdir()
    monkeypatch.chdir(private)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    save_any(Path("checkpoints"))
    make_photo(48, 40, seed=1).save("a.png")
    make_photo(48, 40, seed=2).save("b.png")


def save_johnson(path: Path) -> Path:
    """A tiny net of one style."""
    arguments = {"width": 4, "residual_blocks": 1}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": path.stem}}
    save_checkpoint(path, TrainedStyle(JohnsonNet(**arguments).eval(), about))
    return path


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(5))


def found(style: str = "a.png", **asked: Any) -> Style:
    return find_style(style, Path("checkpoints"), asked=asked)


def one_pass(style: Style, **options: Any) -> FeedForwardStylizer:
    made = make_stylizer(style, pass_options=PassOptions(**{"backend": "eager", **options}))
    assert isinstance(made, FeedForwardStylizer)
    return made


def test_in_little_memory_it_paints_the_same(photo: Tensor) -> None:
    large = torch.nn.functional.interpolate(photo, scale_factor=8, mode="bilinear")
    style = found(stroke_size=512)
    tight = one_pass(style, memory=30_000_000)
    assert tight.painter.plan(512, 768, tight.device).disk  # it does not fit
    whole, little = one_pass(style)(large), tight(large)
    assert (whole - little).abs().max() < 1 / 2550
    bare = style.net().net(large)  # the net itself, in one piece
    assert (one_pass(style, margin=0)(large) - bare).abs().max() < 1 / 255


def test_it_tiles(photo: Tensor) -> None:
    tiling = one_pass(found(), circular=True, backend=None)
    shifted = tiling(photo.roll((16, 32), (2, 3)))
    assert (shifted - tiling(photo).roll((16, 32), (2, 3))).abs().max() < 1 / 255


def test_a_margin_changes_the_border_and_not_the_size(photo: Tensor) -> None:
    wide = one_pass(found())
    assert wide.margin == MARGIN
    assert wide(photo).shape == photo.shape
    assert not torch.allclose(wide(photo), one_pass(found(), margin=0)(photo), atol=1 / 255)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_other_backends_paint_the_same(photo: Tensor, backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    other = one_pass(found(), backend=backend)(photo)
    assert (other - one_pass(found())(photo)).abs().max() < 1 / 255


def test_refining_starts_where_the_pass_ends_for_the_paintings_loss(photo: Tensor) -> None:
    style = found(stroke_size=256, style_weight=9)
    refining = make_stylizer(style, pixel_options=PixelOptions(weights="slim"), refine=1)
    assert isinstance(refining, RefiningStylizer)
    assert refining.loss.style_weight == 9
    seen: list[Tensor] = []
    refining(photo, lambda iterate: seen.append(iterate.image))
    assert torch.equal(seen[0], one_pass(style, margin=0)(photo))
    assert len(seen) == 2


# --- ways and options ----------------------------------------------------------------------------


def test_which_way_a_painting_is_painted() -> None:
    assert way_of(found())[0] == "predicted"
    assert way_of(found(), "feedforward")[0] == "predicted"
    assert way_of(found(), refine=2)[0] == "predicted, refine"
    assert way_of(found("a.png=0.5,b.png=0.5"))[0] == "predicted"
    plain = find_style("a.png", Path("checkpoints"))
    assert way_of(plain)[0] == "optimize"
    assert isinstance(make(plain, weights="slim", iterations=1), OptimizingStylizer)
    assert "any-painting net" in way_of(found())[1]
    assert set(PREDICTED) <= set(USED)


def make(style: Style, **pixels: Any) -> Stylizer:
    return make_stylizer(style, "optimize", pixel_options=PixelOptions(**pixels))


@pytest.mark.parametrize(
    ("method", "refine", "chosen", "asked"),
    [
        ("auto", 0, {}, {}),
        ("auto", 0, {"margin": 8, "circular": True}, {}),
        ("auto", 0, {"style_size": 300, "style_weight": 9.0},
         {"stroke_size": 300, "style_weight": 9.0}),
        ("auto", 0, {"iterations": 5}, None),
        ("auto", 0, {"style_weight": 9.0, "tv_weight": 0.1}, None),
        ("auto", 0, {"save_every": 5}, None),
        ("auto", 0, {"weights": "slim"}, None),
        ("auto", 3, {"weights": "slim", "optimizer": "adam"}, {}),
        ("feedforward", 0, {"iterations": 5}, {}),
        ("optimize", 0, {"style_size": 300}, None),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_painting_follows_from_the_options(
    method: str, refine: int, chosen: dict[str, Any], asked: dict[str, Any] | None
) -> None:
    assert asked_of_painting(method, refine, chosen) == asked


def test_every_option_of_the_optimization_alone_leads_to_it() -> None:
    alone = set(USED["optimize"]) - set(USED["predicted"])
    assert set(only_of_pixels(USED["optimize"])) == alone
    assert only_of_pixels(USED["predicted"]) == []


def test_of_a_trained_style_the_style_weight_is_refused_with_what_to_do() -> None:
    for name, option, ways in (
        ("style_size", "--stroke-size", ("refine",)),
        ("style_weight", "--style-weight", ("feedforward", "refine")),
    ):
        for way in ways:
            with pytest.raises(InputError) as caught:
                check_used([name], {way: "'one' is painted in one pass"})
            told = str(caught.value)
            assert all(fact in told for fact in (name, option, "'one'"))
            assert ("painting's file" in told) == (name == "style_weight")
        check_used([name], {"feedforward": "", "predicted": ""})
        check_used([name], {"predicted, refine": ""})
        check_used([name], {"optimize": ""})


def test_options_of_the_optimization_are_of_no_use_in_one_pass() -> None:
    with pytest.raises(InputError, match=r"iterations.*'a' is painted in one pass"):
        make_stylizer(found(), "feedforward", pixel_options=PixelOptions(iterations=3))
    with pytest.raises(InputError, match="blend"):
        make_stylizer(found("a.png=0.5,b.png=0.5"), refine=2)


def test_the_any_painting_net_is_no_style() -> None:
    for name in ("any", "checkpoints/any.safetensors"):
        with pytest.raises(InputError, match=rf"{name} .*give a painting") as caught:
            make_stylizer(find_style(name, asked={}))
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="can't be blended"):
        find_style("any=0.5,a.png=0.5", Path("checkpoints"), asked={})


def test_what_trainings_begin_with_is_no_style_to_paint_in() -> None:
    shutil.copy(save_johnson(Path("base.safetensors")), "checkpoints/base.safetensors")
    style = find_style("base", Path("checkpoints"), asked={})
    for method in ("auto", "feedforward", "optimize"):
        with pytest.raises(InputError, match=r"init=base.*fst styles") as caught:
            way_of(style, method)
        assert "\n" not in str(caught.value)
    assert way_of(find_style("base.safetensors"))[0] == "feedforward"  # by its path, a net


# --- records -------------------------------------------------------------------------------------


def record(style: Style, refine: int = 0) -> dict[str, Any]:
    options = PixelOptions(weights="slim") if refine else None
    made = make_stylizer(style, "auto", PassOptions(backend="eager"), options, refine)
    common = painted_with([style], [Layer(made)], Control())
    assert common is not None
    return record_of(common, Job(Path("photo.png"), Path("out.png")), "0" * 64, 95)


def test_a_record_says_painting_stroke_size_style_weight_and_the_any_painting_net() -> None:
    (said,) = record(found(stroke_size=300, style_weight=9))["styles"]
    net = find_style("any", Path("checkpoints")).net()
    assert said == {
        "name": "a",
        "method": "feedforward",
        "painting": {"name": "a.png", "sha256": checksum(Path("a.png"))},
        "style_size": 300,
        "style_weight": 9.0,
        "any_painting_net": {"sha256": net.digest},
        "precision": "fp32",
        "margin": MARGIN,
    }
    (refined,) = record(found(), refine=2)["styles"]
    assert (refined["method"], refined["style_size"]) == ("refine", 512)
    assert refined["loss"]["style_weight"] == 12
    assert "Private" not in json.dumps([said, refined])


def test_of_a_blend_a_record_says_each_painting() -> None:
    (said,) = record(found("./a.png=0.25,b.png=0.75"))["styles"]
    assert [(part["name"], part["share"]) for part in said["blend"]] == [
        ("a.png", 0.25), ("b.png", 0.75),
    ]  # fmt: skip
    for part in said["blend"]:
        assert part["painting"]["sha256"] == checksum(Path(part["name"]))
        assert "weights_sha256" not in part


def test_what_differs_is_told_and_rounding_is_not() -> None:
    first = record(found())
    style = found()
    for value in style.net().net.state_dict().values():
        value.mul_(1 + 1e-6)  # as on another device
    assert differences(first, record(style)) == []
    assert differences(first, record(found(stroke_size=300))) == ["style_size 'fits', now 300"]
    assert differences(first, record(found(style_weight=9))) == ["style_weight 12.0, now 9.0"]
    save_any(Path("checkpoints"), seed=3)
    assert differences(first, record(found())) == ["another any painting net"]
    save_any(Path("checkpoints"))
    make_photo(seed=9).save("a.png")
    assert differences(first, record(found())) == ["another painting"]
