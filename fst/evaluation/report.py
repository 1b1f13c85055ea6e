"""The report of a comparison: JSON and a web page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
import torch
from torch import Tensor

from fst.evaluation.compare import STARTS
from fst.image.io import save_image
from fst.system.files import atomic_file, write_json


def write_report(output: Path, report: dict[str, Any], painting: Tensor | None) -> Path:
    """Writes ``report.json`` and ``index.html`` (with the painting, if given) into ``output``."""
    picture = output / "pictures" / "painting.png"
    picture.unlink(missing_ok=True)
    if painting is not None:
        save_image(picture, painting)
    write_json(output / "report.json", report)
    template = (Path(__file__).parent / "report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["chart"] = _chart
    page = output / "index.html"
    with atomic_file(page) as temporary:
        html = environment.from_string(template).render(report=report, painted=painting is not None)
        temporary.write_text(html, encoding="utf-8")
    return page


def _chart(entry: dict[str, Any], width: int = 640, height: int = 260) -> dict[str, Any]:
    """Where the lines of a photo's chart go: iterations across, the objective's logarithm down."""
    curves = {start: entry["optimized"][start]["objectives"] for start in STARTS}
    fast = entry["fast"]["objective"]
    best = {start: list(_running_minimum(curve)) for start, curve in curves.items()}
    low = 0.9 * min(fast, *(curve[-1] for curve in best.values()))
    high = max(fast, *(curve[0] for curve in best.values()))
    span = torch.tensor(high / low).log()

    def y(value: float) -> float:
        return round(float(height * (1 - torch.tensor(value / low).log() / span)), 1)

    last = max(len(curve) for curve in curves.values()) - 1  # some may have ended sooner

    lines = {
        start: " ".join(
            f"{round(width * i / max(last, 1), 1)},{y(value)}" for i, value in enumerate(curve)
        )
        for start, curve in best.items()
    }
    ticks = [(value, y(value)) for value in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if low < value < high]
    return {"width": width, "height": height, "lines": lines, "fast": y(fast), "ticks": ticks,
            "iterations": last}  # fmt: skip


def _running_minimum(values: Sequence[float]) -> Iterator[float]:
    best = float("inf")
    for value in values:
        best = min(best, value)
        yield best
