"""fst.evaluation.style_page: figures in a table; reports of something else are refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fst.errors import InputError
from fst.evaluation.artifacts import Artifacts
from fst.evaluation.compare import SCHEMA
from fst.evaluation.style_page import figures, read_report, shown_artifacts

TRAINING = {"steps": 12, "device": "cpu"}


def spread(median: float, low: float, high: float) -> dict[str, float]:
    return {"median": median, "min": low, "max": high}


def report(size: int = 256, photos: int = 24) -> dict[str, Any]:
    found = copy.deepcopy(
        {
            "schema": SCHEMA,
            "style": {"name": "mine"},
            "training": TRAINING,
            "photos": [{}] * photos,
            "settings": {"size": size},
            "equivalent_iterations": {"photo": spread(21, 10, 30), "noise": spread(99, 1, 200)},
            "objective": {"fast": spread(0.5, 0.25, 2), "photo": spread(7, 6.5, 8)},
            "speedup": {"equal_objective": 123.4},
            "artifacts": {name: spread(2, 1, 3) for name in ("border", "checkerboard", "dots")},
        }
    )
    found["artifacts"]["flat"] = spread(0.001, 0, 0.025)
    return found


def test_a_comparison_is_a_column() -> None:
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for line in figures([report(), report(512, 6)])
        if len(cells := line.split("|")) == 5
    }
    assert rows[""] == ["24 photos at 256 px", "6 photos at 512 px"]
    assert rows["equivalent iterations from the photo"] == ["**21.0** (10.0 to 30.0)"] * 2
    assert rows["objective of one pass"] == ["**0.500** (0.250 to 2.000)"] * 2
    assert rows["speed-up at equal objective"] == ["123 times"] * 2
    assert rows["dots per million pixels"] == ["**2** (1 to 3)"] * 2
    assert rows["dead area beyond the photo's"] == ["2.5 % at most"] * 2


def test_figures_of_an_earlier_version_are_not_shown_below_0() -> None:
    earlier = report()
    earlier["artifacts"] |= {"dots": spread(-5066, -30699, 274), "flat": spread(-0.2, -1, -0.1)}
    text = "".join(figures([earlier]))
    assert "**0** (0 to 274)" in text
    assert "0.0 % at most" in text
    assert "-" not in text.replace("| --- |", "").replace("--- |", "").replace("speed-up", "")


def test_artifacts_have_rows_only_where_all_were_measured() -> None:
    tiny = {**report(), "artifacts": None}
    assert "checkerboard" not in "".join(figures([report(), tiny]))
    assert "checkerboard" in "".join(figures([report()]))
    assert figures([]) == []


def test_regular_texture_has_a_row_where_every_report_knows_it() -> None:
    known = report()
    known["artifacts"]["regularity_ratio"] = spread(2.75, 1.69, 3.671)
    (row,) = [line for line in figures([known]) if line.startswith("| regular texture")]
    assert "| **2.8** (1.7 to 3.7) |" in row
    assert "regular texture" not in "".join(figures([known, report()]))


def test_a_margin_of_the_comparison_is_told() -> None:
    with_margin = report()
    with_margin["settings"]["margin"] = 20
    assert "bare output" in "".join(figures([report()]))
    assert "bare output" not in "".join(figures([with_margin]))
    assert "Table and pictures have a margin of 20 pixels" in "".join(figures([with_margin]))
    assert "Table and pictures" not in "".join(figures([with_margin], margin=8))
    assert "as it was compared" in "".join(figures([with_margin], margin=8))
    assert "pictures above have a margin of 20 pixels" in "".join(figures([report()]))
    assert "pictures above have a margin of 8 pixels" in "".join(figures([report()], margin=8))
    assert "Table and pictures have no margin, as" in "".join(figures([report()], margin=0))


def test_of_the_pictures_shown_the_median_and_the_range_are_told() -> None:
    values = [(0.9, 1.5), (1.1, 2.5), (0.7, 3.5)]
    shown = [
        Artifacts(**{**dict.fromkeys(Artifacts._fields, 0.0), "border": b, "checkerboard": c})
        for b, c in values
    ]
    told = shown_artifacts(shown)
    assert "**0.90** (0.70 to 1.10)" in told
    assert "**2.50** (1.50 to 3.50)" in told
    assert "with a margin of 20 pixels" in told
    assert "with a margin of 8 pixels" in shown_artifacts(shown, margin=8)
    assert "painted with no margin: " in shown_artifacts(shown, margin=0)
    assert shown_artifacts([*shown, None]) == shown_artifacts([]) == ""


def test_a_report_of_this_training_is_read(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report()))
    assert read_report(tmp_path, "mine", TRAINING) == report()


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"schema": SCHEMA - 1}, "version"),
        ({"style": {"name": "another"}}, "another"),
        ({"training": {"steps": 13}}, "training"),
        ({"training": None}, "training"),
        ({"style": "mine"}, "no report"),
        ({"unfinished": True}, "stopped"),
        ({"style": {}}, "no report"),
    ],
)
def test_a_report_of_something_else_is_refused(
    changes: dict[str, Any], fact: str, tmp_path: Path
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report() | changes))
    with pytest.raises(InputError, match=fact) as caught:
        read_report(tmp_path, "mine", TRAINING)
    assert str(tmp_path) in str(caught.value)


def test_a_folder_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report"):
        read_report(tmp_path, "mine", TRAINING)
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(InputError, match="no report"):
        read_report(tmp_path, "mine", TRAINING)
