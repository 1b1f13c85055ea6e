"""The report of a comparison: JSON and a web page."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from torch import Tensor

from fst.evaluation.charts import chart
from fst.evaluation.compare import STARTS
from fst.evaluation.figures import artifact_figures, duration, key_figures, origin
from fst.evaluation.report_folder import PAGE, PICTURES, REPORT
from fst.image.io import save_image
from fst.system.files import atomic_file, write_json


class ShownPicture(NamedTuple):
    """A picture of a photo: its name, its file below the report's folder, its figures."""

    name: str
    file: str
    about: str


def write_report(output: Path, report: dict[str, Any], painting: Tensor) -> Path:
    """Writes ``report.json``, ``index.html`` and the painting's picture into ``output``."""
    save_image(output / PICTURES / "painting.png", painting)
    write_json(output / REPORT, report)
    template = (Path(__file__).parent / "report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    until_equal = report["settings"]["until_equal"]
    environment.globals |= {
        "chart": objective_chart,
        "pictures": lambda entry: shown_pictures(entry, until_equal),
    }
    page = output / PAGE
    with atomic_file(page) as temporary:
        html = environment.from_string(template).render(
            report=report,
            figures=key_figures(report),
            artifacts=artifact_figures(report),
        )
        temporary.write_text(html, encoding="utf-8")
    return page


def shown_pictures(entry: dict[str, Any], until_equal: bool) -> list[ShownPicture]:
    """The pictures of a photo's entry, photo and one pass first."""
    files, fast = entry["pictures"], entry["fast"]
    shown = [
        ShownPicture("photo", files["photo"], ""),
        ShownPicture(
            "one pass",
            files["fast"],
            f"objective {fast['objective']:.3g}, {duration(fast['seconds'])}",
        ),
    ]
    for start in STARTS:
        found, name = entry["optimized"][start], f"optimized from {origin(start)}"
        if equal := files.get(f"equal_{start}"):
            iterations = found["equivalent_iterations"]
            seconds = duration(iterations * found["seconds_per_iteration"])
            about = f"{iterations:.1f} iterations, {seconds}"
            shown.append(ShownPicture(f"{name}, as good as one pass", equal, about))
        if not (until_equal and found["reached"]):
            objectives = found["objectives"]
            about = f"objective {objectives[-1]:.3g} after {len(objectives) - 1} iterations"
            shown.append(ShownPicture(f"{name}, at the end", files[f"end_{start}"], about))
    return shown


def objective_chart(entry: dict[str, Any]) -> dict[str, Any]:
    """Where the lines of a photo's chart go: the best objective so far, over the iterations."""
    curves = {start: _best_so_far(entry["optimized"][start]["objectives"]) for start in STARTS}
    last = max(len(curve) for curve in curves.values()) - 1  # some may have ended sooner
    fast = entry["fast"]["objective"]
    lines = {start: [(float(i), y) for i, y in enumerate(c)] for start, c in curves.items()}
    drawn = chart("objective", {**lines, "fast": [(0, fast)]}, last, height=220)
    assert drawn is not None
    return drawn


def _best_so_far(objectives: Sequence[float]) -> list[float]:
    return list(accumulate(objectives, min))
