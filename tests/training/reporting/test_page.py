"""What a run's page shows, read back with html.parser, and that it ends no training."""

import csv
import math
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fst.training.reporting import page as page_module
from fst.training.reporting.page import RunPage, read_rows

TERMS = ("total", "content", "style", "tv")
HEADER = [
    "step",
    *(f"train/{term}" for term in TERMS),
    *(f"val/{term}" for term in TERMS),
    "lr",
    "skipped",
]
VOID = {"meta", "img", "line", "polyline", "circle"}


class Page(HTMLParser):
    """Tags, their attributes and the text of a page; tags that are not closed are an error."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.source = (folder / "index.html").read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(self.source)
        self.close()
        assert self.open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def charts(self) -> dict[str, list[tuple[str, dict[str, str]]]]:
        """What is drawn, by the charts' names."""
        found: dict[str, list[tuple[str, dict[str, str]]]] = {}
        for tag, attributes in self.tags:
            if tag == "svg":
                name = attributes["aria-label"].removesuffix(" over steps")
                found[name] = []
            elif tag in ("polyline", "circle"):
                found[name].append((tag, attributes))
        return found

    def points(self, chart: str, kind: str) -> list[tuple[float, float]]:
        """The corners of one line of a chart."""
        (line,) = (a for tag, a in self.charts()[chart] if a.get("class") == kind)
        pairs = (pair.split(",") for pair in line["points"].split())
        return [(float(x), float(y)) for x, y in pairs]


def write_curve(folder: Path, rows: list[dict[str, float]], tail: str = "") -> None:
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)
        file.write(tail)


def training_rows(steps: range, total: Any, **others: float) -> list[dict[str, float]]:
    return [{"step": step, "train/total": total(step), **others} for step in steps]


def stub(step: int = 0, max_steps: int = 1000, **others: Any) -> Any:
    return SimpleNamespace(
        **{
            "global_step": step,
            "max_steps": max_steps,
            "world_size": 1,
            "is_global_zero": True,
            "sanity_checking": False,
            "callback_metrics": {},
        }
        | others
    )


def show(folder: Path, step: int = 500, **others: Any) -> Page:
    """The page of a run that has just begun or gone on at ``step``."""
    module: Any = None
    RunPage(folder, "Monet").on_train_start(stub(step, **others), module)
    return Page(folder)


class Clock:
    """A run of the callback on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: Any) -> None:
        self.now = 100.0
        self.folder = folder
        monkeypatch.setattr(page_module, "time", SimpleNamespace(perf_counter=lambda: self.now))
        self.page = RunPage(folder, "Monet", **settings)
        self.trainer = stub()
        self.written: list[int] = []

    def start(self, at: int = 0) -> None:
        self.trainer.global_step = at
        module: Any = None
        self.page.on_train_start(self.trainer, module)

    def steps(self, count: int, seconds: float, batch_size: int = 4, preview_at: int = 0) -> None:
        """Takes steps and notes those at which the page was written."""
        module: Any = None
        for _ in range(count):
            self.trainer.global_step += 1
            self.now += seconds
            if self.trainer.global_step == preview_at:
                (self.folder / "previews").mkdir()
                (self.folder / "previews" / f"step_{preview_at:06d}.png").touch()
            (self.folder / "index.html").unlink(missing_ok=True)
            self.page.on_train_batch_end(
                self.trainer, module, None, torch.zeros(batch_size, 3, 2, 2), 0
            )
            if (self.folder / "index.html").exists():
                self.written.append(self.trainer.global_step)


# --- the curves ----------------------------------------------------------------------------------


def test_a_value_lies_where_its_logarithm_is(tmp_path: Path) -> None:
    # low and high are 5 percent beyond the least and the largest value: 0.95 and 105
    write_curve(tmp_path, training_rows(range(0, 401, 100), lambda step: 10 ** (2 - step / 200)))
    page = show(tmp_path, step=400)
    (box,) = page.all("svg")
    _, _, width, height = (float(number) for number in box["viewbox"].split())
    points = page.points("total", "train")
    right, low = width - 68, height - 36
    for i, (x, y) in enumerate(points):
        value = 10 ** (2 - i / 2)
        assert x == pytest.approx(right * i / 4, abs=0.06)
        part = (math.log10(value) - math.log10(0.95)) / (math.log10(105) - math.log10(0.95))
        assert y == pytest.approx(low * (1 - part), abs=0.06)
    assert len(points) == 5


def test_each_term_has_a_chart_with_three_lines_and_dots_at_the_validations(
    tmp_path: Path,
) -> None:
    rows: list[dict[str, float]] = []
    for step in range(0, 40):
        rows.append({"step": step} | {f"train/{term}": 1 + step for term in TERMS} | {"lr": 0.001})
        if step % 10 == 0:
            rows.append({"step": step} | {f"val/{term}": 2.0 for term in TERMS})
    write_curve(tmp_path, rows)
    charts = show(tmp_path, step=40).charts()
    assert list(charts) == [*TERMS, "learning rate"]
    for term in TERMS:
        kinds = [a["class"] for tag, a in charts[term] if tag == "polyline"]
        assert kinds == ["train", "average", "val"]
        assert sum(tag == "circle" for tag, _ in charts[term]) == 4
    assert [a["class"] for _, a in charts["learning rate"]] == ["rate"]


def test_the_horizontal_axis_ends_at_the_present_step(tmp_path: Path) -> None:
    write_curve(tmp_path, training_rows(range(9, 500, 10), lambda step: 1.0))
    page = show(tmp_path, step=1000)
    assert "step 1,000" in page.text
    right = float(page.all("svg")[0]["viewbox"].split()[2]) - 68
    assert page.points("total", "train")[-1][0] == pytest.approx(right * 499 / 1000, abs=0.06)


def test_the_learning_rate_is_on_a_linear_axis_from_zero(tmp_path: Path) -> None:
    rows = [{"step": step, "lr": 0.004 - step / 100_000} for step in range(0, 400, 100)]
    write_curve(tmp_path, rows)
    page = show(tmp_path, step=300)
    height = float(page.all("svg")[0]["viewbox"].split()[3]) - 36
    assert [y for _, y in page.points("learning rate", "rate")] == pytest.approx(
        [0, height / 4, height / 2, 3 * height / 4], abs=0.06
    )


@pytest.mark.parametrize("count", [299, 300, 301, 600, 7001])
def test_at_most_300_points_are_drawn_and_nothing_is_left_out(tmp_path: Path, count: int) -> None:
    # a straight line stays one when it is averaged in groups: its mean is the mean of all
    write_curve(tmp_path, [{"step": step, "lr": 1e-3} for step in range(count)])
    points = show(tmp_path, step=count).points("learning rate", "rate")
    assert min(count, 150) <= len(points) <= 300
    width = float(Page(tmp_path).all("svg")[0]["viewbox"].split()[2]) - 68
    size = math.ceil(count / 300)
    assert points[0][0] == pytest.approx(width * (size - 1) / 2 / count, abs=0.06)
    last = [step for step in range(count) if step // size == (count - 1) // size]
    assert points[-1][0] == pytest.approx(width * sum(last) / len(last) / count, abs=0.06)


def test_groups_are_averaged(tmp_path: Path) -> None:
    rates = (1e-3, 3e-3, 6e-3, 6e-3)
    write_curve(tmp_path, [{"step": step, "lr": rates[step % 4]} for step in range(600)])
    page = show(tmp_path, step=600)
    height = float(page.all("svg")[0]["viewbox"].split()[3]) - 36
    heights = [height - y for _, y in page.points("learning rate", "rate")]
    assert heights == pytest.approx([height / 3, height] * 150, abs=0.06)  # means of 2 and 6


def test_what_a_logarithm_can_not_show_is_left_out(tmp_path: Path) -> None:
    values = [1.0, float("nan"), 2.0, float("inf"), 0.0, -1.0, 3.0]
    write_curve(tmp_path, training_rows(range(7), lambda step: values[step]))
    page = show(tmp_path, step=7)
    assert len(page.points("total", "train")) == 3
    assert "nan" not in page.source
    assert "inf" not in page.source


@pytest.mark.parametrize(
    "tail",
    ["6,0.", "6,0.5,,,,,,,,0.001,1", '6,"', "6\r\n", "6,x,,,,,,,,,\r\n", "6" + ",1" * 12 + "\r\n"],
)
def test_half_a_row_is_left_out(tmp_path: Path, tail: str) -> None:
    write_curve(tmp_path, training_rows(range(6), lambda step: 1.5), tail)
    assert [row["step"] for row in read_rows(tmp_path / "metrics.csv")] == [0, 1, 2, 3, 4, 5]
    assert len(show(tmp_path, step=6).points("total", "train")) == 6


@pytest.mark.parametrize(
    "content", [None, b"", b"st", b"step,train/total\r\n", b"\xff\x00\r\n1\r\n"]
)
def test_a_page_without_a_curve_has_no_charts(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "metrics.csv").write_bytes(content)
    assert show(tmp_path).charts() == {}


# --- state, pictures, settings -------------------------------------------------------------------


def test_a_running_page_reloads_itself(tmp_path: Path) -> None:
    page = show(tmp_path, step=1500, max_steps=40_000)
    assert {"http-equiv": "refresh", "content": "10"} in page.all("meta")
    assert "running · step 1,500 of 40,000 · 0 steps skipped" in page.text
    (progress,) = page.all("progress")
    assert (progress["value"], progress["max"]) == ("1500", "40000")


def test_a_page_tells_when_its_run_was_last_seen_and_when_it_is_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # a killed run leaves "running": whoever opens the page sees when that was, and the page itself
    # compares it with the present
    def limits() -> tuple[float, float]:
        page = Page(tmp_path)
        assert re.search(r"last seen \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", page.text)
        found = re.search(r"Date.now\(\) / 1000 - (\d+) < (\d+)", page.source)
        assert found is not None
        return float(found[1]), float(found[2])

    clock = Clock(monkeypatch, tmp_path, seconds=20)
    clock.start()
    seen, quiet = limits()
    assert abs(seen - datetime.now().timestamp()) < 60
    assert quiet == 300
    clock.steps(1, seconds=200)
    clock.steps(1, seconds=30)
    assert limits()[1] == 600  # it was silent for 200 seconds before
    module: Any = None
    clock.page.on_train_end(clock.trainer, module)
    page = Page(tmp_path)
    assert page.all("script") == []
    assert "last seen" not in page.text


@pytest.mark.parametrize("step", [100, 400])
def test_the_step_from_which_another_network_judges_is_marked(tmp_path: Path, step: int) -> None:
    rows = [
        {"step": i, "lr": 1e-3} | {f"train/{t}": (1.0 if i < 250 else 8.0) for t in TERMS}
        for i in range(step)
    ]
    write_curve(tmp_path, rows)
    hybrid: Any = SimpleNamespace(early_loss=object(), early_share=0.2499)
    RunPage(tmp_path, "Monet").on_train_start(stub(step), hybrid)
    page = Page(tmp_path)
    marks = [a for tag, a in page.tags if tag == "line" and a.get("class") == "handover"]
    assert "dashed line on (step 250) VGG-19 judges" in page.text
    if step < 250:
        assert marks == []  # it is still to come
        return
    width = float(page.all("svg")[0]["viewbox"].split()[2]) - 68
    assert [float(mark["x1"]) for mark in marks] == [pytest.approx(width * 250 / 400, abs=0.06)] * 3
    heights = {y for _, y in page.points("total", "average")}
    assert len(heights) <= 3  # two plateaus, not mixed; and perhaps one group of both
    assert "dashed" not in show(tmp_path, step=step).text


def test_speed_and_time_left_are_measured_from_the_second_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock(monkeypatch, tmp_path, seconds=0)
    clock.trainer.world_size = 2
    clock.start(at=800)
    clock.steps(1, seconds=500)
    assert "images/s" not in Page(tmp_path).text
    clock.steps(10, seconds=5, batch_size=3)
    # 2 processes with 3 photos each in 5 s; 189 steps of 5 s
    assert "step 811 of 1,000 · 1.2 images/s · 0:15:45 left" in Page(tmp_path).text


def test_the_page_is_written_at_its_interval_and_at_previews(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock(monkeypatch, tmp_path, seconds=20)
    clock.start()
    clock.steps(60, seconds=1, preview_at=32)
    assert clock.written == [20, 32, 52]


@pytest.mark.parametrize(
    ("step", "state"), [(1000, "finished"), (999, "stopped at step 999"), (1200, "finished")]
)
def test_the_end_is_told_and_the_page_no_longer_reloads(
    tmp_path: Path, step: int, state: str
) -> None:
    module: Any = None
    trainer = stub()
    callback = RunPage(tmp_path, "Monet")
    callback.on_train_start(trainer, module)
    trainer.global_step = step
    callback.on_train_end(trainer, module)
    page = Page(tmp_path)
    assert state in page.text
    assert "running" not in page.text
    assert not any("http-equiv" in meta for meta in page.all("meta"))
    callback.on_validation_end(trainer, module)  # the one after the end
    assert state in Page(tmp_path).text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_an_exception_is_an_end(tmp_path: Path, error: BaseException) -> None:
    module: Any = None
    callback = RunPage(tmp_path, "Monet")
    callback.on_train_start(stub(), module)
    callback.on_exception(stub(123), module, error)
    assert "stopped at step 123" in Page(tmp_path).text
    assert "refresh" not in Page(tmp_path).source


def test_where_the_page_is_is_told_once_by_the_first_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module: Any = None
    callback = RunPage(tmp_path, "Monet")
    callback.on_train_start(stub(), module)
    for step in (1, 2):
        callback.on_train_batch_end(stub(step), module, None, torch.zeros(4), 0)
    callback.on_validation_end(stub(2), module)
    assert capsys.readouterr().out.count(str(tmp_path / "index.html")) == 1
    RunPage(tmp_path, "Monet").on_train_start(stub(is_global_zero=False), module)
    assert capsys.readouterr().out == ""


def test_a_page_that_is_not_there_is_not_recommended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module: Any = None
    RunPage(tmp_path / "gone", "Monet").on_train_start(stub(), module)
    assert "index.html" not in capsys.readouterr().out


def test_a_resumed_run_is_running_again(tmp_path: Path) -> None:
    module: Any = None
    callback = RunPage(tmp_path, "Monet")
    callback.on_exception(stub(123), module, RuntimeError())
    callback.on_train_start(stub(120), module)
    assert "running · step 120" in Page(tmp_path).text


def test_a_validation_renews_the_page_unless_it_is_lightnings_own_check(tmp_path: Path) -> None:
    module: Any = None
    callback = RunPage(tmp_path, "Monet")
    callback.on_validation_end(stub(sanity_checking=True), module)
    assert list(tmp_path.iterdir()) == []
    callback.on_validation_end(stub(30), module)
    assert "step 30 of" in Page(tmp_path).text


def test_skipped_steps_are_those_of_the_run_or_else_of_the_curve(tmp_path: Path) -> None:
    write_curve(tmp_path, training_rows(range(3), lambda step: 1.0, skipped=1.0))
    assert "1 step skipped" in show(tmp_path).text
    page = show(tmp_path, callback_metrics={"skipped": torch.tensor(12.0)})
    assert "12 steps skipped" in page.text


def test_the_newest_preview_and_the_sheet_are_shown_and_open_in_full(
    tmp_path: Path,
) -> None:
    assert show(tmp_path).all("img") == []
    previews = tmp_path / "previews"
    previews.mkdir()
    for name in ("step_000512.png", "step_000064.png", "step_1000000.png", "step_x.png"):
        (previews / name).touch()
    (picture,) = show(tmp_path).all("img")
    assert picture["src"] == "previews/step_1000000.png"
    (previews / "contact_sheet.png").touch()
    pictures = show(tmp_path).all("img")
    assert [urlsplit(picture["src"]).path for picture in pictures] == [
        "previews/step_1000000.png",
        "previews/contact_sheet.png",
    ]
    opened = [found["href"] for found in show(tmp_path).all("a")]
    assert opened == [picture["src"] for picture in pictures]
    assert all(picture["alt"] for picture in pictures)
    # the sheet keeps its name: without this a browser may show an old one
    assert urlsplit(pictures[1]["src"]).query == "1000000"


def test_everything_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert('\"&')</script>"
    module: Any = None
    RunPage(tmp_path, evil, settings={f"{evil}1": f"{evil}2"}).on_train_start(stub(), module)
    page = Page(tmp_path)
    assert page.source.count("<script") == 1  # the page's own
    assert page.text.count(evil) == 4  # title, heading, and the table's two cells
    assert [tag for tag, _ in page.tags].count("td") == 1


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    write_curve(tmp_path, training_rows(range(30), lambda step: 1.0))
    page = show(tmp_path)
    assert not re.search(r"https?://|//\w|@import|url\(", page.source)
    assert not {"link", "iframe"} & {tag for tag, _ in page.tags}
    assert page.all("script") == [{}]
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert "color-scheme: light dark" in page.source


def test_settings_are_a_table(tmp_path: Path) -> None:
    module: Any = None
    settings = {"steps": "40,000", "precision": "bf16"}
    RunPage(tmp_path, "Monet", settings=settings).on_train_start(stub(), module)
    assert "Settings steps 40,000 precision bf16" in Page(tmp_path).text
    assert show(tmp_path).all("table") == []


# --- in the trainer ------------------------------------------------------------------------------


class Line(lightning.LightningModule):
    """The smallest module that trains."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.fails_at = fails_at

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        if self.global_step == self.fails_at:
            raise ArithmeticError("diverged")
        return self.layer(batch).square().mean()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        pass

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


class StopAt(Callback):
    """Stops as a signal does."""

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any) -> None:
        trainer.should_stop = trainer.global_step == 4


def train(callbacks: list[Callback], module: Line | None = None) -> lightning.Trainer:
    """Six steps in a real trainer."""
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=6,
        logger=False,
        callbacks=callbacks,
        val_check_interval=2,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    data = DataLoader(torch.rand(20, 1), batch_size=2)
    trainer.fit(module or Line(), data, DataLoader(torch.rand(2, 1)))
    return trainer


def test_a_real_run_ends_as_it_ended(tmp_path: Path) -> None:
    train([RunPage(tmp_path, "Monet")])
    assert "finished · step 6 of 6" in Page(tmp_path).text
    train([RunPage(tmp_path, "Monet"), StopAt()])
    assert "stopped at step 4 of 6" in Page(tmp_path).text
    with pytest.raises(ArithmeticError):
        train([RunPage(tmp_path, "Monet")], Line(fails_at=3))
    assert "stopped at step 3 of 6" in Page(tmp_path).text
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize("trouble", ["no folder", "a bug"])
def test_a_page_that_can_not_be_written_is_told_once_and_ends_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: str,
) -> None:
    if trouble == "a bug":
        monkeypatch.setattr(page_module, "chart", lambda *args, **kwargs: 1 / 0)
    folder = tmp_path / "gone" if trouble == "no folder" else tmp_path
    assert train([RunPage(folder, "Monet", seconds=0)]).global_step == 6
    told = [line for line in capsys.readouterr().err.splitlines() if "page" in line]
    assert len(told) == 1
    assert told[0].startswith("warning: ")


def test_an_old_page_stays_whole_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = show(tmp_path, step=100).source

    def full(self: Path, text: str, **_: str) -> None:
        with self.open("w") as file:
            file.write(text[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert show(tmp_path, step=200).source == before
    assert "No space left on device" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    module: Any = None
    callback = RunPage(tmp_path, "Monet")
    callback.on_train_start(stub(is_global_zero=False), module)
    callback.on_train_end(stub(is_global_zero=False), module)
    assert list(tmp_path.iterdir()) == []
