"""fst.callbacks: the curve's file, progress, previews and stopping, with stubs for the trainer."""

import csv
import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from rich.console import Console
from torch import Tensor

from fst.callbacks import CurveCSV, LiveProgress, Previews, StopOnSignal, format_seconds

TERMS = ("total", "content", "style", "tv")
COLUMNS = ["step", *(f"train/{term}" for term in TERMS), *(f"val/{term}" for term in TERMS), "lr"]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- the curve -----------------------------------------------------------------------------------


@pytest.fixture
def curve(tmp_path: Path) -> CurveCSV:
    """A curve of the steps 0, 10, 20 and 30, and validations at 0 and 30 in rows of their own."""
    logger = CurveCSV(str(tmp_path))
    logger.log_metrics({"val/total": 9.0}, 0)
    for step in (0, 10, 20, 30):
        logger.log_metrics({"train/total": 5.0 - step / 10, "lr": 0.00075}, step)
    logger.log_metrics({"val/total": 2.25, "val/style": 1.5}, 30)
    return logger


def test_the_curve_is_a_table_with_a_column_for_every_term(curve: CurveCSV) -> None:
    rows = read_rows(curve.path)
    assert list(rows[0]) == COLUMNS
    assert [int(row["step"]) for row in rows] == [0, 0, 10, 20, 30, 30]
    assert [row["train/total"] for row in rows] == ["", "5.0", "4.0", "3.0", "2.0", ""]
    assert [row["val/total"] for row in rows] == ["9.0", "", "", "", "", "2.25"]


def test_every_row_is_on_disk_at_once(tmp_path: Path) -> None:
    logger = CurveCSV(str(tmp_path))
    for step in range(3):
        logger.log_metrics({"train/total": 1.0}, step)
        assert len(read_rows(tmp_path / "metrics.csv")) == step + 1


def test_metrics_without_a_column_are_left_out(tmp_path: Path) -> None:
    logger = CurveCSV(str(tmp_path))
    logger.log_metrics({"images_per_second": 3.0, "epoch": 0}, 1)
    assert not logger.path.exists()
    logger.log_metrics({"images_per_second": 3.0, "train/tv": 0.5}, 2)
    (row,) = read_rows(logger.path)
    assert {key: value for key, value in row.items() if value} == {"step": "2", "train/tv": "0.5"}


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (0, []),
        (1, [0, 0]),  # the validation before the first step is not done again
        (10, [0, 0]),
        (11, [0, 0, 10]),
        (30, [0, 0, 10, 20]),
        (31, [0, 0, 10, 20, 30]),  # that validation was not due: a stop had caused it
        (32, [0, 0, 10, 20, 30, 30]),
    ],
)
def test_rewinding_drops_what_the_resumed_run_writes_again(
    curve: CurveCSV, step: int, kept: list[int]
) -> None:
    before = read_rows(curve.path)
    curve.rewind(step, val_every=100)
    curve.log_metrics({"train/total": 7.0}, 99)
    rows = read_rows(curve.path)
    assert [int(row["step"]) for row in rows] == [*kept, 99]
    assert rows[:-1] == before[: len(kept)]
    assert curve.path.read_text(encoding="utf-8").count("step") == 1  # one header, at the top


def test_rewinding_keeps_a_validation_that_was_due(curve: CurveCSV) -> None:
    before = read_rows(curve.path)
    curve.rewind(31, val_every=31)
    assert [int(row["step"]) for row in read_rows(curve.path)] == [0, 0, 10, 20, 30, 30]
    assert read_rows(curve.path) == before[:6]


def test_rewinding_a_curve_that_is_not_there_yet_does_nothing(tmp_path: Path) -> None:
    CurveCSV(str(tmp_path)).rewind(10)
    assert list(tmp_path.iterdir()) == []


def rewind_after_a_cut(curve: CurveCSV, length: int) -> list[dict[str, str]]:
    """The rows that are left when the file ends after ``length`` bytes."""
    curve.path.write_bytes(curve.path.read_bytes()[:length])
    curve.rewind(1000)
    return read_rows(curve.path) if curve.path.exists() else []


def test_a_row_cut_within_its_columns_is_dropped(curve: CurveCSV) -> None:
    content, rows = curve.path.read_bytes(), read_rows(curve.path)
    last = content.rstrip().rfind(b"\n") + 1
    for length in range(last, content.rstrip().rfind(b",") + 1):
        curve.path.write_bytes(content)
        assert rewind_after_a_cut(curve, length) == rows[:-1], content[last:length]


def test_a_row_cut_within_its_last_number_is_dropped(curve: CurveCSV) -> None:
    curve.log_metrics({"train/total": 1.5, "lr": 0.00025}, 40)
    content, rows = curve.path.read_bytes(), read_rows(curve.path)
    for length in range(content.rstrip().rfind(b",") + 1, len(content.rstrip())):
        curve.path.write_bytes(content)
        assert rewind_after_a_cut(curve, length) == rows[:-1], content[-40:length]


def test_a_header_cut_in_half_is_written_anew(curve: CurveCSV) -> None:
    assert rewind_after_a_cut(curve, 12) == []
    curve.log_metrics({"train/total": 1.0}, 0)
    assert [list(row) for row in read_rows(curve.path)] == [COLUMNS]


# --- how long it takes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.2, "45 s"), (89, "89 s"), (720, "12 min"), (3600, "60 min"),
     (12_600, "3.5 h"), (360_000, "100.0 h")],
)  # fmt: skip
def test_seconds_are_told_in_the_unit_one_would_use(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


class Run:
    """A run of :class:`LiveProgress` on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, max_steps: int, every: int = 50) -> None:
        self.now = 1000.0
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr("fst.callbacks.time", clock)
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        self.progress = LiveProgress(every)
        self.logged: dict[str, float] = {}
        self.trainer: Any = SimpleNamespace(
            global_step=0,
            max_steps=max_steps,
            world_size=1,
            log_every_n_steps=10,
            sanity_checking=False,
            callback_metrics={
                "train/content": torch.tensor(0.5),
                "train/style": torch.tensor(1.25),
            },
        )
        self.module: Any = SimpleNamespace(log=self.logged.__setitem__)

    def start(self, at: int = 0) -> None:
        self.trainer.global_step = at
        self.progress.on_train_start(self.trainer, self.module)

    def steps(self, count: int, seconds: float, batch_size: int = 4) -> None:
        for _ in range(count):
            self.trainer.global_step += 1
            self.now += seconds
            batch = torch.zeros(batch_size, 3, 4, 4)
            self.progress.on_train_batch_end(self.trainer, self.module, None, batch, 0)


def test_a_run_of_over_an_hour_names_its_length_and_the_presets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start()
    run.steps(10, seconds=9.0)
    (line,) = capsys.readouterr().out.splitlines()
    assert "100.0 h" in line  # 40,000 steps of 9 s
    assert "experiment=cpu" in line
    assert "experiment=quick" in line


@pytest.mark.parametrize(("max_steps", "seconds"), [(40_000, 0.08), (200, 9.0)])
def test_a_run_of_under_an_hour_is_not_estimated(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    max_steps: int,
    seconds: float,
) -> None:
    run = Run(monkeypatch, max_steps)
    run.start()
    run.steps(10, seconds)
    assert capsys.readouterr().out == ""


def test_the_first_step_is_left_out_of_the_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start()
    run.steps(1, seconds=600.0)
    run.steps(9, seconds=0.05)
    assert capsys.readouterr().out == ""


def test_what_is_left_of_a_resumed_run_is_not_called_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start(at=38_000)
    run.steps(10, seconds=9.0)  # 5 h are left of 100
    assert "40,000 steps take about 5.0 h" not in capsys.readouterr().out


def test_lines_tell_step_terms_speed_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=100, every=20)
    run.start()
    run.steps(70, seconds=0.5, batch_size=3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["20/100", "40/100", "60/100"]
    assert "content 0.500 style 1.250" in lines[0]
    assert "6.0 images/s" in lines[0]
    assert "20 s left" in lines[-1]  # 40 steps of 0.5 s
    assert run.logged["images_per_second"] == pytest.approx(6.0)


def test_the_last_step_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=33, every=20)
    run.start()
    run.steps(33, seconds=0.5)
    assert "step 33/33" in capsys.readouterr().out.splitlines()[-1]


def test_a_resumed_run_measures_only_its_own_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=100, every=10)
    run.start(at=85)
    run.steps(5, seconds=2.0, batch_size=4)
    (line,) = capsys.readouterr().out.splitlines()
    assert "step 90/100" in line
    assert "2.0 images/s" in line
    assert "20 s left" in line


@pytest.mark.parametrize("sanity_checking", [True, False])
def test_a_validation_is_told_unless_it_is_lightnings_own_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sanity_checking: bool
) -> None:
    run = Run(monkeypatch, max_steps=100)
    run.start()
    run.trainer.sanity_checking = sanity_checking
    values = {"val/total": 3.0, "val/content": 1.0, "val/style": 2.0}
    run.trainer.callback_metrics |= {name: torch.tensor(value) for name, value in values.items()}
    run.progress.on_validation_end(run.trainer, run.module)
    out = capsys.readouterr().out
    if sanity_checking:
        assert out == ""
    else:
        assert "total 3.000  content 1.000  style 2.000" in out


def test_on_a_terminal_a_bar_is_shown_and_taken_down(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, max_steps=8)
    screen = io.StringIO()
    console = Console(force_terminal=True, file=screen, width=100)
    monkeypatch.setattr("fst.callbacks.Console", lambda: console)
    run.start()
    bar = run.progress.bar
    assert bar is not None
    run.steps(8, seconds=0.5)
    bar.refresh()
    run.progress.teardown(run.trainer, run.module, "fit")
    assert bar.live.is_started is False
    assert run.progress.bar is None
    assert "8/8" in screen.getvalue()
    assert "style 1.250" in screen.getvalue()
    run.progress.teardown(run.trainer, run.module, "fit")  # Lightning calls it for every stage


# --- previews ------------------------------------------------------------------------------------


def invert(photos: Tensor) -> Tensor:
    assert not torch.is_grad_enabled()
    return 1 - photos


class Inverter:
    """A module that paints the negative."""

    device = torch.device("cpu")
    __call__ = staticmethod(invert)


def at_step(step: int, count: int = 3, **others: Any) -> Any:
    held_out = [torch.full((3, 16, 20), 17 * i / 255) for i in range(count)]
    return SimpleNamespace(
        global_step=step,
        max_steps=1000,
        is_global_zero=True,
        datamodule=SimpleNamespace(val=held_out),
        loggers=[],
        **others,
    )


def preview(previews: Previews, trainer: Any) -> None:
    module: Any = Inverter()
    previews.on_train_batch_end(trainer, module, None, torch.zeros(1), 0)


def test_a_preview_shows_the_photos_above_their_painted_versions(tmp_path: Path) -> None:
    preview(Previews(tmp_path / "previews", 500), at_step(500))
    (file,) = (tmp_path / "previews").iterdir()
    assert file.name == "step_000500.png"
    with Image.open(file) as image:
        assert image.size == (3 * (20 + 4) + 4, 2 * (16 + 4) + 4)
        picture = np.asarray(image.convert("RGB"))
    for i in range(3):
        column = 4 + i * 24
        above, below = picture[4:20, column : column + 20], picture[24:40, column : column + 20]
        assert np.unique(above).tolist() == [17 * i]
        assert np.unique(below).tolist() == [255 - 17 * i]


def test_at_most_four_photos_are_shown(tmp_path: Path) -> None:
    preview(Previews(tmp_path, 500), at_step(500, count=9))
    with Image.open(tmp_path / "step_000500.png") as image:
        assert image.width == 4 * (20 + 4) + 4


@pytest.mark.parametrize(("step", "written"), [(499, False), (501, False), (1000, True)])
def test_previews_come_at_their_interval_and_at_the_end(
    tmp_path: Path, step: int, written: bool
) -> None:
    preview(Previews(tmp_path, 300), at_step(step))
    assert bool(list(tmp_path.iterdir())) == written


def test_previews_go_to_tensorboard_too(tmp_path: Path) -> None:
    logger = MagicMock(spec=TensorBoardLogger)
    trainer = at_step(300)
    trainer.loggers = [CurveCSV(str(tmp_path)), logger]
    preview(Previews(tmp_path, 300), trainer)
    tag, grid, step = logger.experiment.add_image.call_args.args
    assert (tag, step) == ("preview", 300)
    assert grid.shape == (3, 2 * (16 + 4) + 4, 3 * (20 + 4) + 4)


# --- signals -------------------------------------------------------------------------------------


@pytest.fixture
def stop(tmp_path: Path) -> Iterator[StopOnSignal]:
    """The callback; whatever happens, the signals' handlers are what they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield StopOnSignal(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)


class StubTrainer:
    """As much of a trainer as the callback needs."""

    def __init__(self) -> None:
        self.global_step = 7
        self.should_stop = False
        self.written: list[Path] = []

    def save_checkpoint(self, path: Path) -> None:
        self.written.append(path)
        path.write_bytes(b"checkpoint")


def end_batch(stop: StopOnSignal, trainer: Any) -> None:
    stop.on_train_batch_end(trainer, MagicMock(), None, torch.zeros(1), 0)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # the handler runs between two instructions of the main thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_step_with_a_checkpoint(
    stop: StopOnSignal, tmp_path: Path, number: int
) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    send(number)
    assert trainer.written == []  # not in the middle of a step
    end_batch(stop, trainer)
    assert trainer.written == [tmp_path / "step=7.ckpt"]
    assert trainer.should_stop is True
    assert stop.saved == tmp_path / "step=7.ckpt"
    assert stop.received == number


def test_one_signal_makes_one_checkpoint(stop: StopOnSignal) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    send(signal.SIGTERM)
    for _ in range(3):
        end_batch(stop, trainer)
        trainer.global_step += 1
    assert len(trainer.written) == 1


def test_without_a_signal_nothing_is_saved_or_stopped(stop: StopOnSignal) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    end_batch(stop, trainer)
    assert trainer.written == []
    assert trainer.should_stop is False


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_ends_at_once(stop: StopOnSignal, first: int) -> None:
    stop.on_train_start(MagicMock(), MagicMock())
    send(first)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


def test_the_signals_are_given_back_at_the_end(stop: StopOnSignal) -> None:
    mine: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        mine[number] = lambda *arguments: None
        signal.signal(number, mine[number])
    stop.on_train_start(MagicMock(), MagicMock())
    assert signal.getsignal(signal.SIGTERM) != mine[signal.SIGTERM]
    stop.teardown(MagicMock(), MagicMock(), "fit")
    for number, handler in mine.items():
        assert signal.getsignal(number) is handler
