"""Frames one after the other: what looks back, what begins anew, and what is kept for later."""

import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from support import make_photo, shaken_net
from torch import Tensor, nn

from fst.errors import FstWarning, InputError
from fst.image.picture import Picture, from_pil
from fst.inference.control import Control, Layer, paint
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.strokes import Strokes
from fst.inference.stylizers import FeedForwardStylizer, FittingStylizer, RefiningStylizer
from fst.inference.video.steady import SteadyPainter
from fst.losses.perceptual import PerceptualLoss
from fst.styles.trained import TrainedStyle

WIDTH, HEIGHT = 64, 48


def tiny_style(net: nn.Module | None = None) -> TrainedStyle:
    return TrainedStyle(net or shaken_net("bilinear"), {"style": {"name": "tiny"}})


def tiny_stylizer(net: nn.Module | None = None, **options: Any) -> FeedForwardStylizer:
    return FeedForwardStylizer(tiny_style(net), torch.device("cpu"), **options)


def pan(frames: int, seed: int = 0, step: int = 1) -> list[Picture]:
    """A window that moves over a larger picture with fine detail, ``step`` pixels a frame."""
    width = WIDTH + frames * step
    wide = np.asarray(make_photo(width, HEIGHT, seed)).astype(np.float32)
    wide = wide + np.random.default_rng(seed).normal(0, 12, (HEIGHT, width, 1))
    rgb = torch.from_numpy(wide.clip(0, 255).round()).float().permute(2, 0, 1)[None] / 255
    places = range(0, frames * step, step)
    return [Picture(rgb[..., place : place + WIDTH].contiguous()) for place in places]


def painted(painter: SteadyPainter, frames: list[Picture]) -> list[Tensor]:
    return [painter(frame).rgb for frame in frames]


def test_a_mask_of_another_size_is_said_once_and_of_the_clip() -> None:
    photo, mask = from_pil(make_photo(WIDTH, HEIGHT)), from_pil(make_photo(20, 20))
    layers = [Layer(tiny_stylizer(), mask)]
    with pytest.warns(FstWarning) as said:
        (frame, _) = painted(SteadyPainter(layers, Control(), "off"), [photo] * 2)
    (line,) = [str(one.message) for one in said]
    assert f"the clip {WIDTH}x{HEIGHT}" in line
    with pytest.warns(FstWarning, match="the photo"):
        assert torch.equal(frame, paint(photo, layers).rgb)


@pytest.mark.parametrize("stable", ["off", "norms", "flow", "auto"])
def test_a_still_clip_is_painted_as_its_photo(stable: str) -> None:
    photo, layers = from_pil(make_photo(WIDTH, HEIGHT)), [Layer(tiny_stylizer())]
    frames = painted(SteadyPainter(layers, Control(), stable), [photo] * 4)
    for frame in frames:
        assert torch.equal(frame, paint(photo, layers).rgb)


def test_off_is_frame_by_frame() -> None:
    layers, frames = [Layer(tiny_stylizer())], pan(3)
    for found, frame in zip(
        painted(SteadyPainter(layers, None, "off"), frames), frames, strict=True
    ):
        assert torch.equal(found, paint(frame, layers).rgb)


def test_photos_are_painted_as_before_while_a_clip_is() -> None:
    stylizer, frames = tiny_stylizer(), pan(4)
    before = stylizer(frames[3].rgb)
    painter = SteadyPainter([Layer(stylizer)], Control(), "flow")
    found = painted(painter, frames)
    assert torch.equal(stylizer(frames[3].rgb), before)
    assert not torch.equal(found[3], before)


@pytest.mark.parametrize("stable", ["norms", "flow"])
def test_the_first_frame_after_a_cut_is_a_fresh_painter_s(stable: str) -> None:
    layers, first, second = [Layer(tiny_stylizer())], pan(4), pan(3, seed=5)
    through = painted(SteadyPainter(layers, Control(), stable), first + second)
    anew = painted(SteadyPainter(layers, Control(), stable), second)
    for a, b in zip(through[4:], anew, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(through[4], paint(second[0], layers).rgb)


@pytest.mark.parametrize("stable", ["norms", "flow"])
@pytest.mark.parametrize("at", [0, 1, 4])
def test_a_restored_painter_goes_on_to_the_bit(stable: str, at: int) -> None:
    layers, frames = [Layer(tiny_stylizer())], pan(7)
    through = painted(SteadyPainter(layers, Control(), stable), frames)
    begun = SteadyPainter(layers, Control(), stable)
    painted(begun, frames[:at])
    state = {name: value.clone() for name, value in begun.state().items()}
    painted(begun, pan(3, seed=2))  # what was given is a copy
    resumed = SteadyPainter(layers, Control(), stable)
    painted(resumed, pan(2, seed=3))  # and what was there is gone
    resumed.restore(state)
    for a, b in zip(painted(resumed, frames[at:]), through[at:], strict=True):
        assert torch.equal(a, b)


def test_the_state_is_a_snapshot() -> None:
    painter, frames = SteadyPainter([Layer(tiny_stylizer())], Control(), "flow"), pan(5)
    painted(painter, frames[:2])
    state = painter.state()
    before = {name: value.clone() for name, value in state.items()}
    painted(painter, frames[2:])
    assert state.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in state.items())


def test_reset_begins_anew() -> None:
    painter, frames = SteadyPainter([Layer(tiny_stylizer())], Control(), "flow"), pan(4)
    first = painted(painter, frames)
    painter.reset()
    assert painter.state() == {}
    assert all(map(torch.equal, painted(painter, frames), first))


def error_along(frames: list[Tensor], step: int) -> float:
    """Mean squared difference of each frame from the last one, moved along."""
    pairs = pairwise(frames[1:])
    errors = [(b[..., 8:-16] - a[..., 8 + step : -16 + step]).square().mean() for a, b in pairs]
    return float(torch.stack(errors).mean())


def test_flow_moves_the_texture_along() -> None:
    layers, frames = [Layer(tiny_stylizer())], pan(8, step=2)
    off = error_along(painted(SteadyPainter(layers, None, "off"), frames), 2)
    flow = error_along(painted(SteadyPainter(layers, None, "flow"), frames), 2)
    assert flow < 0.5 * off


def test_norms_hold_what_comes_into_view_down() -> None:
    """A bright patch comes in: elsewhere, less changes than frame by frame."""
    frames = [Picture(pan(1)[0].rgb.clone()) for _ in range(6)]
    for frame in frames[3:]:
        frame.rgb[..., :16, :16] = 1.0
    layers = [Layer(tiny_stylizer())]

    def jump(stable: str) -> float:
        before, after = painted(SteadyPainter(layers, None, stable), frames)[2:4]
        return float((after - before)[..., 32:, 32:].abs().mean())

    assert jump("norms") < 0.6 * jump("off")


def test_half_strength_has_no_ghost_of_the_photo() -> None:
    """The photo's half is this frame's own: what was mixed in was painted."""
    layers, frames = [Layer(tiny_stylizer())], pan(4)
    full = painted(SteadyPainter(layers, Control(), "flow"), frames)
    half = painted(SteadyPainter(layers, Control(strength=0.5), "flow"), frames)
    for photo, whole, mixed in zip(frames, full, half, strict=True):
        torch.testing.assert_close(mixed, (photo.rgb + whole) / 2, atol=1e-6, rtol=0)


def test_two_styles_look_back_each_at_its_own() -> None:
    nets = [shaken_net("bilinear"), shaken_net("nearest")]
    left = torch.zeros(1, 3, HEIGHT, WIDTH)
    left[..., : WIDTH // 2] = 1.0
    masks, frames = [Picture(left), Picture(1 - left)], pan(4)
    layers = [Layer(tiny_stylizer(net), mask) for net, mask in zip(nets, masks, strict=True)]
    control = Control(feather=0.0)
    both = painted(SteadyPainter(layers, control, "flow"), frames)
    alone = [
        painted(SteadyPainter([Layer(tiny_stylizer(net))], control, "flow"), frames) for net in nets
    ]
    for number, frame in enumerate(both):
        expected = torch.where(left[:, :1] > 0, alone[0][number], alone[1][number])
        torch.testing.assert_close(frame, expected, atol=1e-6, rtol=0)


def test_one_stylizer_in_two_layers_holds_twice() -> None:
    stylizer, frames = tiny_stylizer(), pan(4)
    white = Picture(torch.ones(1, 3, HEIGHT, WIDTH))
    twice = [Layer(stylizer, white), Layer(stylizer, white)]
    found = painted(SteadyPainter(twice, Control(), "norms"), frames)
    once = painted(SteadyPainter([Layer(stylizer)], Control(), "norms"), frames)
    for a, b in zip(found, once, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_what_was_not_painted_is_not_looked_back_at() -> None:
    """In ``fst live`` the strength changes: a painting of long ago must not come back."""
    layers, frames = [Layer(tiny_stylizer())], pan(6)
    painter = SteadyPainter(layers, Control(), "flow")
    painted(painter, frames[:2])
    painter.control = Control(strength=0)
    assert torch.equal(painter(frames[2]).rgb, frames[2].rgb)
    painter.control = Control()
    assert torch.equal(painter(frames[3]).rgb, paint(frames[3], layers).rgb)


def test_another_size_begins_anew() -> None:
    layers = [Layer(tiny_stylizer())]
    painter = SteadyPainter(layers, Control(), "flow")
    painted(painter, pan(2))
    photo = from_pil(make_photo(40, 40))
    assert torch.equal(painter(photo).rgb, paint(photo, layers).rgb)


def strokes() -> FeedForwardStylizer:
    return tiny_stylizer(strokes=Strokes(32, 24))


def fitting() -> FeedForwardStylizer:
    style = tiny_style()
    return FittingStylizer(style, torch.device("cpu"), fitted=lambda size: style)


@pytest.mark.parametrize("make", [strokes, fitting])
def test_painters_inside_hold_norms_too(make: Callable[[], FeedForwardStylizer]) -> None:
    layers, frames = [Layer(make())], pan(4, step=3)
    off = painted(SteadyPainter(layers, None, "off"), frames)
    norms = painted(SteadyPainter(layers, None, "norms"), frames)
    assert torch.equal(norms[0], off[0])
    assert not torch.equal(norms[3], off[3])


class Plain(nn.Module):
    """A net that says no stages."""

    def forward(self, photo: Tensor) -> Tensor:
        return 1 - photo


def optimizing() -> OptimizingStylizer:
    loss = PerceptualLoss(
        torch.rand(1, 3, 32, 32),
        weights="random",
        content_layers={"relu1_1": 1.0},
        style_layers={"relu1_1": 1.0},
    )
    return OptimizingStylizer(loss, torch.device("cpu"), {"iterations": 1})


def refining() -> RefiningStylizer:
    return RefiningStylizer(tiny_stylizer(), optimizing().loss, {"iterations": 1})


def elsewhere() -> FeedForwardStylizer:
    """As with the backend openvino, which the tests may lack."""
    stylizer = tiny_stylizer()
    stylizer.backend = "openvino"
    return stylizer


@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (lambda: tiny_stylizer(Plain()), "Plain"),
        (optimizing, "one pass"),
        (refining, "one pass"),
        (elsewhere, "openvino"),
    ],
)
def test_norms_are_refused_where_none_are_held(make: Callable[[], Any], fact: str) -> None:
    with pytest.raises(InputError, match=fact) as caught:
        SteadyPainter([Layer(make())], Control(), "norms")
    assert "flow" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [lambda: tiny_stylizer(Plain()), refining])
@pytest.mark.parametrize("stable", ["flow", "auto"])
def test_flow_goes_with_whatever_paints(make: Callable[[], Any], stable: str) -> None:
    frames = painted(SteadyPainter([Layer(make())], Control(), stable), pan(3))
    assert all(
        bool(frame.isfinite().all()) and 0 <= frame.min() <= frame.max() <= 1 for frame in frames
    )


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(InputError, match="auto, off, norms, flow"):
        SteadyPainter([Layer(tiny_stylizer())], Control(), "on")


def test_without_opencv_auto_holds_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)  # as if it could not be imported
    layers, frames = [Layer(tiny_stylizer())], pan(3)
    auto = painted(SteadyPainter(layers, Control(), "auto"), frames)
    assert all(map(torch.equal, auto, painted(SteadyPainter(layers, None, "norms"), frames)))
    with pytest.raises(InputError, match=r"fst\[video\]|cv2"):
        SteadyPainter(layers, Control(), "flow")


def test_seamless_frames_are_not_warped() -> None:
    stylizer, frames = tiny_stylizer(circular=True), pan(3)
    control = Control(seamless=True)
    auto = painted(SteadyPainter([Layer(stylizer)], control, "auto"), frames)
    norms = painted(SteadyPainter([Layer(stylizer)], control, "norms"), frames)
    assert all(map(torch.equal, auto, norms))
    with pytest.raises(InputError, match="seamless"):
        SteadyPainter([Layer(stylizer)], control, "flow")
