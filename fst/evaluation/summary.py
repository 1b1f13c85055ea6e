"""What all photos of a comparison say together: medians, least and most."""

import statistics
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from fst.evaluation.compare import STARTS, Comparison
from fst.evaluation.regularity import WINDOW, measure_regularity
from fst.evaluation.report_folder import SCHEMA

AT_LEAST = {"dots": 0.0, "flat": 0.0, "saturated": 0.0}
"""What is counted beyond the photo's own; entries of earlier versions may be below."""


def summarize(
    comparison: Comparison,
    entries: Sequence[dict[str, Any]],
    left_out: Sequence[dict[str, str]] = (),
    painting: Tensor | None = None,
) -> dict[str, Any]:
    """The report: medians over the photos, the settings, and every photo's entry.

    Args:
        comparison: what was compared.
        entries: of the photos, at least one.
        left_out: ``name`` and ``reason`` of the photos that could not be compared.
        painting: ``(1, 3, H, W)``, at the size that the net was trained for; what is said against
            the painting's own texture is left out without it.
    """
    about, entries = _beside_painting(entries, painting)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "style": comparison.stylizer.style.description["style"],
        "training": comparison.stylizer.style.description.get("training", {}),
        "settings": comparison.settings(),
        "painting": about,
        "equivalent_iterations": {},
    }
    for start in STARTS:
        values = [entry["optimized"][start]["equivalent_iterations"] for entry in entries]
        reached = [entry["optimized"][start]["reached"] for entry in entries]
        report["equivalent_iterations"][start] = {
            **_spread(values),
            "not_reached": len(reached) - sum(reached),
        }
    report["speedup"] = {
        name: statistics.median(entry["speedup"][name] for entry in entries)
        for name in ("at_500", "equal_objective")
    }
    per_iteration = [e["optimized"]["photo"]["seconds_per_iteration"] for e in entries]
    report["seconds"] = {
        "fast": statistics.median(entry["fast"]["seconds"] for entry in entries),
        "iteration": statistics.median(per_iteration),
    }
    report["objective"] = {
        "fast": _spread([entry["fast"]["objective"] for entry in entries]),
        "photo": _spread([entry["optimized"]["photo"]["objectives"][0] for entry in entries]),
        "optimized": _spread([entry["optimized"]["photo"]["objectives"][-1] for entry in entries]),
    }
    measured = [entry["artifacts"] for entry in entries if entry["artifacts"]]
    report["artifacts"] = {
        name: _spread([max(AT_LEAST.get(name, found[name]), found[name]) for found in measured])
        for name in (measured[0] if measured else ())
        if all(name in found for found in measured)  # some may be an earlier version's
    }
    report["photos"] = [
        {name: value for name, value in entry.items() if name != "key"} for entry in entries
    ]
    report["left_out"] = list(left_out)
    return report


def _beside_painting(
    entries: Sequence[dict[str, Any]], painting: Tensor | None
) -> tuple[dict[str, float] | None, list[dict[str, Any]]]:
    """How regular the painting's texture is; the entries with how often theirs is as regular."""
    if painting is None or min(painting.shape[2:]) < WINDOW:
        return None, list(entries)
    own, period = measure_regularity(painting)
    beside = []
    for entry in entries:
        artifacts = entry["artifacts"]
        if artifacts and "regularity" in artifacts and own > 0:
            artifacts = {**artifacts, "regularity_ratio": artifacts["regularity"] / own}
        beside.append({**entry, "artifacts": artifacts})
    return {"regularity": own, "period": period}, beside


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
