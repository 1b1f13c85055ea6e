"""fst.training.outcome: what is a success, and what is not."""

from typing import Any

import pytest
import torch
from torch import nn

from fst.errors import DivergedError
from fst.training.guard import FiniteGuard
from fst.training.outcome import check_learned, check_outcome


def objective(total: float, style_weight: float = 6.0) -> dict[str, Any]:
    return {"total": total, "loss": {"style_weight": style_weight}}


def guard(taken: int = 7) -> FiniteGuard:
    found = FiniteGuard()
    found.taken, found.skipped = taken, 3
    return found


def test_a_run_without_a_step_has_learned_nothing() -> None:
    with pytest.raises(DivergedError, match="nothing was learned") as caught:
        check_outcome(guard(taken=0), objective(9.0), objective(9.0))
    assert "3 left out" in str(caught.value)
    blank = guard(taken=0)
    blank.skipped = 0
    with pytest.raises(DivergedError, match="give data"):
        check_outcome(blank, objective(9.0), objective(9.0))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (objective(58.0), objective(5.0)),
        (None, objective(5.0)),  # a run that began before its start was kept
        (objective(1.0, 2.0), objective(99.0)),  # of another weight: not to be compared
    ],
)
def test_a_run_whose_objective_has_fallen_is_a_success(
    start: dict[str, Any] | None, end: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    check_outcome(guard(), start, end)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("say", [True, False])
def test_an_objective_that_has_risen_a_little_is_said_by_the_first_process(
    say: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    check_outcome(guard(), objective(2.0), objective(2.5), say)
    said = capsys.readouterr().err
    assert ("from 2 at the start to 2.5" in said) == say
    assert said.count("\n") == say


def test_an_objective_that_has_stayed_has_not_risen(capsys: pytest.CaptureFixture[str]) -> None:
    check_outcome(guard(), objective(2.0), objective(2.00001))
    said = capsys.readouterr().err
    assert "still 2," in said
    assert "rose" not in said


def test_an_objective_that_has_more_than_doubled_is_no_success() -> None:
    with pytest.raises(DivergedError, match="from 57 at the start to 1854: lower learning_rate"):
        check_outcome(guard(), objective(57.0), objective(1854.0))


@pytest.mark.parametrize(("skipped", "says"), [(5, "5 of 5 steps were skipped"), (0, "no step")])
def test_a_run_that_has_not_changed_its_net_is_no_success(skipped: int, says: str) -> None:
    net = nn.Conv2d(3, 4, 3)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    found = FiniteGuard()
    found.skipped = skipped
    with pytest.raises(DivergedError, match="learned nothing") as caught:
        check_learned(net, before, 5, found)
    assert says in str(caught.value)
    with torch.no_grad():
        net.weight.flatten()[0] += 1e-3
    check_learned(net, before, 5, found)
