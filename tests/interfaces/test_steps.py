"""An optimization step by step: its end is what a call gives, and leaving it ends the work."""

import gc
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from tiny_runs import save_style

import fst
from fst.errors import InputError
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.stylizers import RefiningStylizer
from fst.interfaces.api import LoadedStyle
from fst.losses.perceptual import PerceptualLoss
from fst.optimization import pyramid
from fst.optimization.pixels import Iterate

PHOTO = make_photo(40, 30)


def optimizing(loss: PerceptualLoss, iterations: int = 7, **settings: Any) -> LoadedStyle:
    settings = {"iterations": iterations, **settings}
    return LoadedStyle(OptimizingStylizer(loss, torch.device("cpu"), settings), None)


@pytest.fixture
def refining(tmp_path: Path, random_loss: PerceptualLoss) -> LoadedStyle:
    save_style(tmp_path / "mine.safetensors", 0)
    plain = fst.load("mine", checkpoints=tmp_path, device="cpu", precision="fp32")
    fast: Any = plain.stylizer
    return LoadedStyle(RefiningStylizer(fast, random_loss, {"iterations": 4}), None)


CONTROLS: list[dict[str, Any]] = [
    {},
    {"strength": 0.4, "preserve_color": "luma"},
    {"size": 20},
    {"size": 20, "upsample": "guided", "strength": 0.9},
    {"mask": Image.linear_gradient("L").resize(PHOTO.size), "feather": 0.05},
]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: "-".join(control))
@pytest.mark.parametrize("way", ["optimize", "refine"])
def test_the_last_picture_is_the_one_that_a_call_gives(
    way: str, control: dict[str, Any], random_loss: PerceptualLoss, refining: LoadedStyle
) -> None:
    style = refining if way == "refine" else optimizing(random_loss)
    *_, last = style.iterations(PHOTO, every=3, **control)
    called = style(PHOTO, **control)
    assert last.number == last.of
    assert last.picture.mode == called.mode
    assert last.picture.size == called.size
    assert last.picture.tobytes() == called.tobytes()


def test_a_large_photo_goes_on_in_its_own_size(
    random_loss: PerceptualLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyramid, "pyramid", lambda long_side, coarsest: [20, 28, 40])
    style = optimizing(random_loss, 9)
    steps = list(style.iterations(np.asarray(PHOTO)))
    assert [step.number for step in steps] == list(range(10))
    assert {step.picture.shape for step in steps} == {(30, 40, 3)}
    assert np.array_equal(steps[-1].picture, style(np.asarray(PHOTO)))


def test_steps_are_counted_and_their_losses_are_those_of_the_optimization(
    random_loss: PerceptualLoss,
) -> None:
    style = optimizing(random_loss)
    seen: list[Iterate] = []
    array = np.asarray(PHOTO, dtype=np.float32) / 255
    style.stylizer(torch.from_numpy(array).permute(2, 0, 1)[None], seen.append)
    steps = list(style.iterations(array, every=3))
    assert [step.number for step in steps] == [0, 3, 6, 7]
    assert {step.of for step in steps} == {7}
    for step in steps:
        assert step.losses is not None
        terms = seen[step.number].terms
        assert step.losses == tuple(float(term) for term in terms)
        assert step.losses.total == pytest.approx(float(terms.total), rel=1e-6)
    assert np.array_equal(steps[0].picture, array)  # it begins with the photo
    assert not np.array_equal(steps[1].picture, array)


def test_steps_tell_the_losses_of_every_layer(random_loss: PerceptualLoss) -> None:
    for step in optimizing(random_loss).iterations(PHOTO, every=3):
        assert set(step.layers) == {"content/relu2_2", "style/relu1_1", "style/relu2_1"}
        assert step.losses is not None
        of_style = step.layers["style/relu1_1"] + step.layers["style/relu2_1"]
        assert of_style == pytest.approx(step.losses.style, rel=1e-5)
        assert step.layers["content/relu2_2"] == pytest.approx(step.losses.content, rel=1e-5)


def test_who_stops_at_a_tolerance_gets_the_last_step(random_loss: PerceptualLoss) -> None:
    style = optimizing(random_loss, 400, tolerance=0.99, optimizer="adam")
    *_, before, last = style.iterations(PHOTO, every=7)
    assert (before.last, last.last, last.of) == (False, True, 400)
    assert before.number < last.number < 100
    assert last.picture.tobytes() == style(PHOTO).tobytes()


def test_refining_begins_with_the_pass(refining: LoadedStyle) -> None:
    fast: Any = refining.stylizer
    first = next(refining.iterations(PHOTO))
    assert first.number == 0
    painted = LoadedStyle(fast.fast, None)(PHOTO)
    assert first.picture.tobytes() == painted.tobytes()


def test_who_leaves_the_loop_ends_the_work(
    random_loss: PerceptualLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    forward = PerceptualLoss.forward

    def counted(self: PerceptualLoss, *given: Any, **named: Any) -> Any:
        judged.append(1)
        return forward(self, *given, **named)

    monkeypatch.setattr(PerceptualLoss, "forward", counted)
    threads = threading.active_count()
    optimization = optimizing(random_loss, 1000).iterations(PHOTO)
    assert judged == []  # nothing before it is asked for
    for step in optimization:
        if step.number == 2:
            break
    assert len(judged) == 3
    optimization.close()  # type: ignore[attr-defined]
    gc.collect()
    assert list(optimization) == []
    assert len(judged) == 3
    assert threading.active_count() == threads
    assert step.picture.size == PHOTO.size  # what was painted so far is still there


def test_the_modes_of_the_caller_are_his_between_the_steps(random_loss: PerceptualLoss) -> None:
    style = optimizing(random_loss, 3)
    called = style(PHOTO)
    with torch.inference_mode(), torch.autocast("cpu"):
        for last in style.iterations(PHOTO):  # noqa: B007
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
    assert last.picture.tobytes() == called.tobytes()
    for _ in style.iterations(PHOTO):
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    "control", [{"strength": 0}, {"mask": Image.new("L", PHOTO.size)}], ids=["strength", "mask"]
)
@pytest.mark.filterwarnings("ignore:.*no white.*")
def test_where_nothing_is_painted_the_photo_is_the_only_step(
    control: dict[str, Any], random_loss: PerceptualLoss
) -> None:
    (step,) = optimizing(random_loss).iterations(PHOTO, **control)
    assert step.number == step.of == 7
    assert step.losses is None
    assert step.picture.tobytes() == PHOTO.tobytes()


def test_what_has_no_iterations_says_so(tmp_path: Path) -> None:
    save_style(tmp_path / "mine.safetensors", 0)
    style = fst.load("mine", checkpoints=tmp_path, device="cpu")
    with pytest.raises(InputError, match="refine"):
        style.iterations(PHOTO)


def test_wrong_options_are_told_before_the_first_step(random_loss: PerceptualLoss) -> None:
    style = optimizing(random_loss)
    with pytest.raises(InputError, match="every"):
        style.iterations(PHOTO, every=0)
    with pytest.raises(InputError, match="strength"):
        style.iterations(PHOTO, strength=2)
    with pytest.raises(InputError, match="no option 'seamless'"):
        style.iterations(PHOTO, seamless=True)
    with pytest.raises(InputError, match="one picture, not 2"):
        style.iterations(np.zeros((2, 30, 40, 3), np.uint8))
    with pytest.raises(InputError, match="feather"):
        style.iterations(PHOTO, feather=0.1)
