"""fst.styles.blend: what a blend is called, and its weights by hand."""

from typing import Any

import pytest
import torch

from fst.choices import MARGIN
from fst.errors import CheckpointError, InputError
from fst.nets.johnson import JohnsonNet
from fst.styles.blend import blend, parse_blend
from fst.styles.trained import TrainedStyle


def make_style(name: str, seed: int = 0, width: int = 4) -> TrainedStyle:
    """A tiny net with random weights, also where a new net has ones and zeros."""
    arguments = {"width": width, "residual_blocks": 1}
    net = JohnsonNet(**arguments).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        parameter.normal_(0, 0.2, generator=generator)
    description: dict[str, Any] = {
        "net": {"name": "johnson", "arguments": arguments},
        "style": {"name": name, "painter": "somebody"},
        "training": {"steps": 2000},
    }
    return TrainedStyle(net, description)


def two_styles() -> dict[str, TrainedStyle]:
    return {"monet": make_style("monet", 0), "poppies": make_style("poppies", 1)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monet=0.7,starry_night=0.3", {"monet": 0.7, "starry_night": 0.3}),
        (" a = 1 , b = 2 ,c=1e-3", {"a": 1.0, "b": 2.0, "c": 0.001}),
        ("runs/lr=0.1/x.safetensors=0.5,b=0.5", {"runs/lr=0.1/x.safetensors": 0.5, "b": 0.5}),
    ],
)
def test_a_blend_is_read_as_names_and_shares(text: str, expected: dict[str, float]) -> None:
    found = parse_blend(text)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "monet",
        "monet=0.5,poppies",
        "monet=0.5,poppies=",
        "monet=0.5,=0.5",
        "monet=0.5,",
        "monet=0.5,poppies=much",
        "monet=-0.5,poppies=1.5",
        "monet=0,poppies=1",
        "monet=nan,poppies=1",
        "monet=inf,poppies=1",
        "monet=0.5,monet=0.5",
    ],
)
def test_what_is_no_blend_is_an_input_error_that_quotes_it(text: str) -> None:
    with pytest.raises(InputError, match="a blend looks like") as error:
        parse_blend(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("text", ["monet=1", "monet=0.5;poppies=0.5"])
def test_one_style_is_no_blend(text: str) -> None:
    with pytest.raises(InputError, match="at least two styles"):
        parse_blend(text)


def test_a_blend_of_equal_nets_paints_as_they_do() -> None:
    styles = {"a": make_style("a"), "b": make_style("b"), "c": make_style("c")}
    mixed = blend(styles, {"a": 0.2, "b": 0.5, "c": 0.3})
    photo = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mixed.net(photo), styles["a"].net(photo), rtol=0, atol=1e-5)


@pytest.mark.parametrize("chosen", ["monet", "poppies"])
def test_a_style_with_the_whole_share_is_the_blend(chosen: str) -> None:
    styles = two_styles()
    mixed = blend(styles, {name: float(name == chosen) for name in styles}).net.state_dict()
    for key, value in styles[chosen].net.state_dict().items():
        assert torch.equal(mixed[key], value), key


def test_weights_are_the_weighted_mean_whatever_the_order_of_the_shares() -> None:
    styles = two_styles()
    monet, poppies = (style.net.state_dict() for style in styles.values())
    mixed = blend(styles, {"poppies": 0.75, "monet": 0.25}).net.state_dict()
    assert mixed.keys() == monet.keys()
    for key, value in mixed.items():
        expected = 0.25 * monet[key].double() + 0.75 * poppies[key].double()
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-7)


def test_a_blend_is_ready_to_paint_and_leaves_its_styles_as_they_were() -> None:
    styles, same = two_styles(), two_styles()
    net = blend(styles, {"monet": 0.5, "poppies": 0.5}).net
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    for name, style in styles.items():
        assert style.description == same[name].description
        for key, value in style.net.state_dict().items():
            assert torch.equal(value, same[name].net.state_dict()[key])


def test_nets_of_different_widths_are_refused_in_one_line() -> None:
    styles = {"monet": make_style("monet"), "wide": make_style("wide", width=6)}
    with pytest.raises(CheckpointError, match="monet and wide can't be blended") as error:
        blend(styles, {"monet": 0.5, "wide": 0.5})
    message = str(error.value)
    assert "\n" not in message
    assert "'width': 4" in message
    assert "'width': 6" in message


def test_an_older_description_leaves_out_how_it_upsamples() -> None:
    styles = two_styles()
    styles["poppies"].description["net"]["arguments"]["upsampling"] = "nearest"
    assert blend(styles, {"monet": 0.5, "poppies": 0.5}).net.upsampling == "nearest"


def test_nets_that_upsample_in_other_ways_are_refused() -> None:
    styles = two_styles()
    styles["poppies"].description["net"]["arguments"]["upsampling"] = "bilinear"
    with pytest.raises(CheckpointError, match="monet and poppies can't be blended"):
        blend(styles, {"monet": 0.5, "poppies": 0.5})


def test_the_description_names_all_styles_and_their_shares() -> None:
    styles = two_styles()
    shares = {"monet": 0.25, "poppies": 0.75}
    description = blend(styles, shares).description
    assert description["style"]["name"] == "monet-poppies"
    assert description["blend"] == shares
    assert description["net"] == styles["monet"].description["net"]


@pytest.mark.parametrize(
    ("said", "margin"), [((8, 32), 32), ((8, None), MARGIN), ((8, 4), 8), ((None, None), MARGIN)]
)
def test_a_blend_is_painted_with_the_widest_margin(
    said: tuple[int | None, int | None], margin: int
) -> None:
    styles = two_styles()
    for style, own in zip(styles.values(), said, strict=True):
        if own is not None:
            style.description["style"]["margin"] = own
    assert blend(styles, {"monet": 0.5, "poppies": 0.5}).margin == margin


def test_shares_of_nothing_are_called_that() -> None:
    with pytest.raises(InputError, match="add up to 0"):
        parse_blend("monet=0,poppies=0")
