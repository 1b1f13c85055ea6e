"""The optimization against the textbook's: the same losses, counted alike, judged afterwards."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support import make_photo
from torch import Tensor

from fst.errors import InputError
from fst.interfaces.arguments.benchmark import TURN as TURN_TOLD
from fst.interfaces.arguments.benchmark import parser
from fst.loss_networks.sources import EMBEDDED, WEIGHTS
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.research.benchmarks import optimize as optimize_benchmark
from fst.research.benchmarks.optimize import EVERY, TURN, Judged, Ours, race, run, seconds_until
from fst.research.benchmarks.textbook import TextbookLoss, TextbookOptimization
from fst.styles.objective import style_target

LAYERS = {"content_layers": {"relu2_1": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}


def picture(seed: int, side: int = 24) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def losses() -> tuple[PerceptualLoss, TextbookLoss]:
    painting = picture(9, 32)
    loss = PerceptualLoss(painting, weights="random", **LAYERS)
    return loss, TextbookLoss(loss, painting)


def test_the_textbook_s_is_torch_s_own_counted_by_the_closure(
    losses: tuple[PerceptualLoss, TextbookLoss],
) -> None:
    """The same pixels as torch's optimizer finds them for the project's loss."""
    loss, theirs = losses
    photo = picture(1)
    textbook = TextbookOptimization(theirs, photo)
    textbook.run(1)
    assert textbook.evaluations == TURN
    pixels = photo.clone().requires_grad_()
    targets, calls = loss.content_targets(photo), [0]
    solver = torch.optim.LBFGS([pixels])

    def closure() -> Tensor:
        solver.zero_grad()
        objective = loss(pixels, targets).total.sum()
        objective.backward()
        calls[0] += 1
        return objective

    solver.step(closure)  # type: ignore[arg-type]
    assert calls[0] == TURN
    found = pixels.detach()
    # rounding grows over the iterations, on one processor more than on another
    apart, moved = (
        float((found - other).abs().mean()) for other in (textbook.pixels.detach(), photo)
    )
    assert apart < 0.1 * moved
    assert float((found - photo).abs().mean()) > 1e-2


def test_ours_is_the_optimization_and_its_pictures_are_forgotten(
    losses: tuple[PerceptualLoss, TextbookLoss],
) -> None:
    loss, theirs = losses
    photo = picture(1)
    mine = Ours(loss, photo, 40)
    mine.run(2 * EVERY + 1)
    wanted = [iterate.image for iterate in optimize(loss, photo, iterations=40)]
    assert list(mine.pictures) == [0, EVERY, 2 * EVERY]
    for number, found in mine.pictures.items():
        assert torch.equal(found, wanted[number])
    judge = Judged(theirs, photo)
    goal = judge(wanted[EVERY])
    with torch.no_grad():
        terms = loss(wanted[EVERY].clamp(0, 1), loss.content_targets(photo))
    assert goal == pytest.approx(float(terms.total), rel=1e-4)
    assert mine.first_below(judge, goal) == EVERY
    assert mine.pictures == {}
    assert mine.first_below(judge, goal) is None


def test_a_race_counts_what_both_did(losses: tuple[PerceptualLoss, TextbookLoss]) -> None:
    """A clock that ticks once whenever it is read: every turn takes one."""
    ticks: Iterator[int] = itertools.count()
    found = race(*losses, picture(1), 2 * TURN, lambda: float(next(ticks)))
    assert found.seconds == found.textbook_seconds == 1 / TURN
    assert found.textbook_time == 2
    assert found.iterations is not None
    assert found.time == pytest.approx(found.iterations / TURN)
    assert found.share == pytest.approx(found.iterations / (2 * TURN))


def test_seconds_until_an_iteration_are_those_of_its_turns() -> None:
    assert seconds_until(0, [3.0]) == 0
    assert seconds_until(TURN, [3.0, 5.0]) == 3
    assert seconds_until(TURN + TURN // 4, [3.0, 8.0]) == 5


def test_the_command_tells_and_returns_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(optimize_benchmark, "style_target", lambda file, *_: style_target(file, 48))
    make_photo(32, 32).save("photo.png")
    make_photo(40, 40, seed=3).save("sea.png")
    words = ["optimize", "--photo", "photo.png", "--style", "sea.png", "--weights", "random",
             "--size", "32", "--iterations"]  # fmt: skip
    rows = run(parser().parse_args([*words, "20", "--device", "cpu", "--precision", "fp32"]))
    assert len(rows) == 1
    assert rows[0]["seconds"] > 0
    assert "same losses" in capsys.readouterr().out
    capsys.readouterr()
    with pytest.raises(SystemExit):  # before anything is loaded
        parser().parse_args([*words, "30"])
    assert "30 is no multiple of 20" in capsys.readouterr().err
    assert TURN_TOLD == TURN
    for slim in ("slim", str(EMBEDDED / WEIGHTS["slim"].file)):
        with pytest.raises(InputError, match="slim"):
            run(parser().parse_args([*words, "20", "--weights", slim]))
