"""fst.interfaces.iterate_lines: progress, the time that is left, an objective that grew."""

import pytest
import torch

from fst.inference.iterates import Counter
from fst.interfaces.iterate_lines import IterateLines
from fst.losses.perceptual import LossTerms
from fst.optimization.descent import Iterate


def iterate(iteration: int, objective: float = 1.0, last: bool = False) -> Iterate:
    terms = LossTerms(torch.tensor([objective]), torch.zeros(1), torch.zeros(1))
    return Iterate(iteration, torch.zeros(1, 3, 2, 2), terms, last=last)


@pytest.mark.parametrize(("seconds", "said"), [(3.0, "about 20 min left"), (0.1, None)])
def test_progress_tells_the_minutes_that_are_left(seconds: float, said: str | None) -> None:
    """Of 450 iterations 400 are left, then 350."""
    now, counter = [0.0], Counter(1, [450])
    lines = IterateLines(counter, False, lambda: now[0])
    told = []
    for i in range(101):
        told += lines.see("a.png", iterate(i), counter.iterate(i))
        now[0] += seconds
    assert [line.split(",")[0] for line in told] == [
        f"a.png: iteration {i}/450" for i in (0, 50, 100)
    ]
    assert "left" not in told[0]
    assert all((said in told[1], "18 min left" in told[2])) if said else "left" not in str(told)


def test_a_bar_tells_the_progress_and_only_the_end_is_said() -> None:
    counter = Counter(1, [60])
    lines = IterateLines(counter, True)
    told = [line for i in range(61) for line in lines.see("a", iterate(i), counter.iterate(i))]
    assert [line.split(",")[0] for line in told] == ["a: iteration 60/60"]


@pytest.mark.parametrize(
    ("ends", "warns"), [(1.4e12, True), (590.0, True), (570.0, False), (0.1, False)]
)
def test_an_objective_that_grew_is_warned_of(ends: float, warns: bool) -> None:
    lines = IterateLines(Counter(2, [2]), False)
    for _ in range(2):  # photos
        for i, objective in enumerate((58.0, 1e3, ends)):
            lines.see("a.png", iterate(i, objective, i == 2), i)
            said = lines.grown("a.png", iterate(i, objective, i == 2))
        assert (said is not None) == warns
        if said is not None:
            assert all(fact in said for fact in ("a.png", "58", f"{ends:.3g}", "--learning-rate"))
        lines.finished()


def test_a_photo_that_failed_is_no_start_of_the_next() -> None:
    lines = IterateLines(Counter(2, [1]), False)
    lines.see("a.png", iterate(0, 1e-6), 0)
    lines.finished()
    for i in range(2):
        lines.see("b.png", iterate(i, 5.0, i == 1), i)
    assert lines.grown("b.png", iterate(1, 5.0, True)) is None
