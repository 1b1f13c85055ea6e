"""Medians over hand-made entries."""

from typing import Any

import pytest
import torch
from comparisons import ITERATIONS

from fst.evaluation.compare import Comparison
from fst.evaluation.regularity import measure_regularity
from fst.evaluation.summary import summarize


def by_hand(name: str, equivalent: float, reached: bool, fast: float, seconds: float) -> Any:
    optimized = {
        "objectives": [fast + 1, fast + 3, fast / 2],
        "seconds_per_iteration": 2 * seconds,
        "equivalent_iterations": equivalent,
        "reached": reached,
    }
    return {
        "key": "secret",
        "name": name,
        "fast": {"objective": fast, "seconds": seconds},
        "optimized": {"photo": optimized, "noise": {**optimized, "equivalent_iterations": 1.0}},
        "speedup": {"at_500": 100 * fast, "equal_objective": 10 * fast},
        "artifacts": {"border": fast, "dots": seconds} if reached else None,
    }


def test_the_summary_has_the_medians_over_the_photos(comparison: Comparison) -> None:
    entries = [
        by_hand("a.jpg", 40.0, True, 3.0, 0.5),
        by_hand("b.jpg", 10.0, True, 1.0, 0.1),
        by_hand("c.jpg", 200.0, False, 8.0, 0.2),
        by_hand("d.jpg", 60.0, True, 4.0, 0.3),
    ]
    report = summarize(comparison, entries)
    equivalent = report["equivalent_iterations"]
    assert equivalent["photo"] == {"median": 50.0, "min": 10.0, "max": 200.0, "not_reached": 1}
    assert equivalent["noise"] == {"median": 1.0, "min": 1.0, "max": 1.0, "not_reached": 1}
    assert report["speedup"] == {"at_500": 350.0, "equal_objective": 35.0}
    assert report["artifacts"]["border"] == {"median": 3.0, "min": 1.0, "max": 4.0}
    assert report["artifacts"]["dots"] == {"median": 0.3, "min": 0.1, "max": 0.5}
    assert report["seconds"] == {
        "fast": pytest.approx(0.25),
        "iteration": pytest.approx(0.5),
    }
    assert report["objective"]["fast"] == {"median": 3.5, "min": 1.0, "max": 8.0}
    assert report["objective"]["photo"] == {"median": 4.5, "min": 2.0, "max": 9.0}
    assert report["objective"]["optimized"] == {"median": 1.75, "min": 0.5, "max": 4.0}
    assert [photo["name"] for photo in report["photos"]] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert all("key" not in photo for photo in report["photos"])
    assert report["style"]["name"] == "mine"
    assert report["settings"]["iterations"] == ITERATIONS
    assert report["settings"]["loss"] == comparison.loss.describe()


def test_a_texture_is_told_beside_the_paintings_own(comparison: Comparison) -> None:
    rows, columns = torch.meshgrid(torch.arange(128), torch.arange(160), indexing="ij")
    waves = 0.5 + 0.2 * torch.sin(rows / 2) * torch.sin(columns / 3)
    painting = waves.expand(1, 3, -1, -1) + 0.1 * torch.randn(
        1, 3, 128, 160, generator=torch.Generator().manual_seed(0)
    )
    own, period = measure_regularity(painting)
    entries = [by_hand(name, 1.0, name != "tiny", 1.0, 0.0) for name in ("a", "b", "tiny", "c")]
    for entry, times in zip(entries, (1.0, 4.0, 0.0, 2.0), strict=True):
        if entry["artifacts"]:
            entry["artifacts"]["regularity"] = times * own
    report = summarize(comparison, entries, painting=painting)
    assert report["painting"] == {"regularity": own, "period": period}
    assert report["artifacts"]["regularity_ratio"] == pytest.approx(
        {"median": 2.0, "min": 1.0, "max": 4.0}
    )
    ratios = [
        photo["artifacts"] and photo["artifacts"]["regularity_ratio"] for photo in report["photos"]
    ]
    assert ratios == [pytest.approx(1), pytest.approx(4), None, pytest.approx(2)]
    tiny = summarize(comparison, entries, painting=painting[..., :90, :])
    assert tiny["painting"] is None
    blank = summarize(comparison, entries, painting=torch.full((1, 3, 128, 160), 0.5))
    assert "regularity_ratio" not in {**tiny["artifacts"], **blank["artifacts"]}


def test_a_measure_that_an_earlier_version_did_not_know_is_left_out(comparison: Comparison) -> None:
    entries = [by_hand(name, 1.0, True, 1.0, 0.0) for name in ("new", "old")]
    entries[0]["artifacts"]["regularity"] = 0.3
    for order in (entries, entries[::-1]):
        found = summarize(comparison, order, painting=torch.rand(1, 3, 96, 96))["artifacts"]
        assert set(found) == {"border", "dots"}


def test_entries_of_an_earlier_version_are_not_shown_below_0(comparison: Comparison) -> None:
    entries = [by_hand(name, 1.0, True, 1.0, dots) for name, dots in (("a", -2e4), ("b", 1e4))]
    report = summarize(comparison, entries)
    assert report["artifacts"]["dots"] == {"median": 5e3, "min": 0.0, "max": 1e4}
    assert report["left_out"] == []
