"""The report's page, read back with html.parser, against the entries that it was made of."""

import json
import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import torch
from comparisons import ITERATIONS

from fst.evaluation.compare import Comparison, compare
from fst.evaluation.report import write_report
from fst.evaluation.summary import summarize


class Page(HTMLParser):
    """What a reader of the page sees: its text, its pictures, and the lines of its charts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.images: list[str] = []
        self.charts: list[dict[str, str]] = []
        self.chart_width = 0.0
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attributes}
        self.tags.append((tag, found))
        if tag == "img":
            self.images.append(found["src"])
        elif tag == "svg":
            self.charts.append({})
        elif tag in ("polyline", "line") and "class" in found:
            self.chart_width = float(found.get("x2", self.chart_width))
            self.charts[-1][found["class"]] = found.get("points") or f"{found['y1']} {found['y2']}"

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def publish(comparison: Comparison, photos: list[Path], output: Path) -> tuple[Any, Page]:
    report = summarize(comparison, list(compare(comparison, photos, output)))
    page = write_report(output, report, torch.rand(1, 3, 20, 24))
    assert page == output / "index.html"
    return report, Page(page)


def test_the_reports_json_is_the_report(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, _ = publish(comparison, photos, tmp_path / "report")
    text = (tmp_path / "report" / "report.json").read_text(encoding="utf-8")

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(text, parse_constant=no_constant) == report
    assert report["schema"] == 3
    assert {"style", "settings", "equivalent_iterations", "speedup", "seconds", "objective",
            "photos"} <= set(report)  # fmt: skip


def test_the_page_shows_every_photo_and_its_pictures(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos, tmp_path / "report")
    for entry in report["photos"]:
        assert entry["name"] in page.text
        assert set(entry["pictures"].values()) <= set(page.images)
    assert "pictures/painting.png" in page.images
    for source in page.images:
        assert (tmp_path / "report" / source).is_file()


def test_every_photo_has_a_chart_of_three_lines(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos, tmp_path / "report")
    assert len(page.charts) == 2
    for chart, entry in zip(page.charts, report["photos"], strict=True):
        assert set(chart) == {"photo", "noise", "fast"}
        fast = entry["fast"]["objective"]
        left, right = (float(y) for y in chart["fast"].split())
        assert left == right
        for start in ("photo", "noise"):
            points = [tuple(map(float, p.split(","))) for p in chart[start].split()]
            assert len(points) == ITERATIONS + 1
            assert [x for x, _ in points] == sorted(x for x, _ in points)
            best = np.minimum.accumulate(entry["optimized"][start]["objectives"])
            for (_, y), objective in zip(points, best, strict=True):
                assert math.isfinite(y)
                # further down is better, and the fast line lies where its objective does
                if abs(math.log(fast / objective)) < 0.01:
                    assert abs(y - left) <= 1
                else:
                    assert (y - left) * (fast - objective) > 0
            assert points[0][1] < points[-1][1]


def test_the_chart_is_logarithmic(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos, tmp_path / "report")
    chart, entry = page.charts[0], report["photos"][0]
    points = [float(p.split(",")[1]) for p in chart["noise"].split()]
    best = np.log(np.minimum.accumulate(entry["optimized"]["noise"]["objectives"]))
    slope = (points[-1] - points[0]) / (best[-1] - best[0])
    assert points == pytest.approx(points[0] + slope * (best - best[0]), abs=0.15)


def test_names_are_escaped(comparison: Comparison, photos: list[Path], tmp_path: Path) -> None:
    path = photos[0].rename(photos[0].with_name("a<b>&c.jpg"))
    report, page = publish(comparison, [path], tmp_path / "report")
    assert "<b>&c" not in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "a<b>&c.jpg" in page.text  # once the reader's browser has decoded it
    assert report["photos"][0]["pictures"]["photo"] in map(unquote, page.images)


def test_links_to_pictures_with_odd_names_work(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    path = photos[0].rename(photos[0].with_name("50%20 off? #1.png"))
    _, page = publish(comparison, [path], tmp_path / "report")
    assert len(page.images) >= 5
    for source in page.images:
        link = urlsplit(source)
        assert (link.query, link.fragment) == ("", ""), source
        assert (tmp_path / "report" / unquote(link.path)).is_file(), source


def test_a_name_that_is_no_utf_8_is_escaped_and_its_pictures_are_linked(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    path = photos[0].rename(photos[0].with_name(os.fsdecode(b"caf\xe9.png")))
    report, page = publish(comparison, [path], tmp_path / "report")
    assert report["photos"][0]["name"] == r"caf\xe9.png"
    assert r"caf\xe9.png" in page.text
    for source in page.images:
        assert (tmp_path / "report" / unquote(source)).is_file(), source
    written = [file.name for file in (tmp_path / "report").rglob("*")]
    assert all(name.encode("utf-8") for name in written)


def test_photos_that_were_left_out_are_named(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    entries = list(compare(comparison, photos[:1], tmp_path / "report"))
    reason = "is not a <picture>"
    report = summarize(comparison, entries, [{"name": "broken & gone.jpg", "reason": reason}])
    page = Page(write_report(tmp_path / "report", report, torch.rand(1, 3, 20, 24)))
    assert f"broken & gone.jpg: {reason}" in " ".join(page.text.split())
    kept = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert kept["left_out"] == [{"name": "broken & gone.jpg", "reason": reason}]
    assert [entry["name"] for entry in kept["photos"]] == ["one.png"]


def test_a_report_is_written_whole_or_not_at_all(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, _ = publish(comparison, photos[:1], tmp_path / "report")
    before = (tmp_path / "report" / "report.json").read_bytes()
    with pytest.raises(TypeError):
        write_report(tmp_path / "report", {**report, "bad": object()}, torch.rand(1, 3, 20, 24))
    assert (tmp_path / "report" / "report.json").read_bytes() == before
    assert not [p for p in (tmp_path / "report").rglob("*") if re.search(r"\.tmp$", p.name)]


def test_a_report_of_such_a_comparison_tells_of_no_later_iterations(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    until_equal = replace(comparison, iterations=40, until_equal=True)
    until_equal.stylizer.painter = lambda photo: photo  # type: ignore[assignment]
    report, page = publish(until_equal, photos[:1], tmp_path / "report")
    assert "objective after 40 iterations" not in page.text
    (entry,), (chart,) = report["photos"], page.charts
    curves = {start: entry["optimized"][start]["objectives"] for start in ("photo", "noise")}
    counts = {start: len(curve) - 1 for start, curve in curves.items()}
    width = page.chart_width / max(counts.values())  # of an iteration, the same for both curves
    for start, count in counts.items():
        ended = entry["pictures"][f"end_{start}"] in map(unquote, page.images)
        assert ended is not entry["optimized"][start]["reached"]
        last = [float(point.split(",")[0]) for point in chart[start].split()][-1]
        assert last == pytest.approx(count * width, abs=0.1)
    assert len(set(counts.values())) == 2


# --- what a reader does with the page ------------------------------------------------------------


def all_of(page: Page, tag: str) -> list[dict[str, str]]:
    return [attributes for name, attributes in page.tags if name == tag]


def test_each_photo_has_a_slider_over_two_of_its_pictures(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos, tmp_path / "report")
    ranges = [found for found in all_of(page, "input") if found["type"] == "range"]
    assert len(ranges) == len(report["photos"])
    for found, entry in zip(ranges, report["photos"], strict=True):
        assert entry["name"] in found["aria-label"]
    first = report["photos"][0]["pictures"]
    sides = {found["class"]: unquote(found["src"]) for found in all_of(page, "img")[:2]
             if "class" in found}  # fmt: skip
    assert sides == {"left": first["photo"], "right": first["fast"]}


def test_either_side_can_show_photo_one_pass_and_optimization(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos[:1], tmp_path / "report")
    assert [found["data-side"] for found in all_of(page, "select")] == ["left", "right"]
    offered = [unquote(found["value"]) for found in all_of(page, "option")]
    assert sorted(offered) == sorted(2 * list(report["photos"][0]["pictures"].values()))


def test_the_page_needs_nothing_from_elsewhere(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    _, page = publish(comparison, photos, tmp_path / "report")
    source = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(", source)
    assert not {"link", "iframe"} & {tag for tag, _ in page.tags}
    assert all(found == {} for found in all_of(page, "script"))
    assert "prefers-color-scheme: dark" in source


def test_every_picture_chart_and_control_has_a_text(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    _, page = publish(comparison, photos, tmp_path / "report")
    assert all(found["alt"] for found in all_of(page, "img"))
    assert all(found["aria-label"] for found in [*all_of(page, "svg"), *all_of(page, "input")])


def test_the_figures_have_units_and_say_what_they_mean(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    report, page = publish(comparison, photos, tmp_path / "report")
    names = [found for tag, found in page.tags if tag == "dt"]
    values = [found for tag, found in page.tags if tag == "dd"]
    assert len(values) == 2 * len(names) >= 16  # a number and a sentence each
    text = " ".join(page.text.split())
    median = report["objective"]["fast"]["median"]
    assert f"objective of one pass {median:.3g}" in text
    assert f"one pass {1000 * report['seconds']['fast']:.1f} ms" in text
    iterations = report["equivalent_iterations"]["noise"]
    spread = f"{iterations['median']:.1f} {iterations['min']:.1f} to {iterations['max']:.1f}"
    assert f"equivalent iterations from noise {spread}" in text
