"""Where lines and labels of a chart go."""

import math
from itertools import pairwise

import pytest

from fst.evaluation.charts import chart, moving_average, round_numbers


def test_the_moving_average_is_that_of_the_neighbors() -> None:
    values = [math.sin(i * i) + 2 for i in range(200)]
    averaged = moving_average([(10 * i, value) for i, value in enumerate(values)])
    for i, (step, mean) in enumerate(averaged):
        reach = min(10, i)
        window = [values[k] for k in range(200) if abs(k - i) <= reach]
        assert step == 10 * i
        assert mean == pytest.approx(sum(window) / len(window))


@pytest.mark.parametrize(
    ("low", "high"), [(0.95, 1.05), (0.1, 130), (3e-5, 4e-5), (9.96, 10.04), (1e-4, 1e9)]
)
def test_labels_of_an_axis_do_not_touch(low: float, high: float) -> None:
    drawn = chart("x", {"train": [(0, low), (1, high)]}, 1)
    assert drawn is not None
    heights = [height for _, height in drawn["ticks"]]
    assert all(below - above >= 16 for below, above in pairwise(heights))
    assert len(heights) >= 2


@pytest.mark.parametrize(
    ("low", "high"), [(0.95, 1.05), (0.1, 130), (3e-5, 4e-5), (9.96, 10.04), (1e-4, 1e9)]
)
def test_an_axis_has_a_few_round_numbers(low: float, high: float) -> None:
    numbers = round_numbers(low, high)
    assert 3 <= len(numbers) <= 7
    assert numbers == sorted(set(numbers))
    assert low <= numbers[0] <= numbers[-1] <= high
    assert all(float(f"{number:.3g}") == pytest.approx(number, rel=1e-12) for number in numbers)
