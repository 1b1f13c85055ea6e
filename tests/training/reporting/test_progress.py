"""fst.training.reporting.progress: progress, previews and stopping, with stubs for the trainer."""

import io
import math
import os
import signal
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fst.image.sheet import spread
from fst.training.reporting.curve import CurveCSV
from fst.training.reporting.previews import Previews
from fst.training.reporting.progress import LiveProgress, format_seconds
from fst.training.stopping import StopOnSignal

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

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, max_steps: int, every: int | None = None
    ) -> None:
        self.now = 1000.0
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr("fst.training.reporting.progress.time", clock)
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        self.progress = LiveProgress(every)
        self.logged: dict[str, float] = {}
        self.trainer: Any = SimpleNamespace(
            global_step=0,
            max_steps=max_steps,
            world_size=1,
            is_global_zero=True,
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

    def steps(self, count: int, seconds: float, batch_size: int = 4, **terms: Any) -> None:
        """Takes steps; ``terms`` are functions of the step."""
        for _ in range(count):
            self.trainer.global_step += 1
            step = self.trainer.global_step
            self.trainer.callback_metrics |= {
                f"train/{name}": torch.tensor(term(step)) for name, term in terms.items()
            }
            self.now += seconds
            batch = torch.zeros(batch_size, 3, 4, 4)
            self.progress.on_train_batch_end(self.trainer, self.module, None, batch, 0)


def test_a_run_of_over_an_hour_names_its_length_and_the_presets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start()
    run.steps(10, seconds=9.0)
    (line, _) = capsys.readouterr().out.splitlines()
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
    assert "on this device" not in capsys.readouterr().out


def test_the_first_step_is_left_out_of_the_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start()
    run.steps(1, seconds=600.0)
    run.steps(9, seconds=0.05)
    assert "on this device" not in capsys.readouterr().out


def test_what_is_left_of_a_resumed_run_is_not_called_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start(at=38_000)
    run.steps(10, seconds=9.0)  # 5 h are left of 100
    assert "40,000 steps take about 5.0 h" not in capsys.readouterr().out


def shown_steps(text: str) -> list[int]:
    """The steps that lines were printed for."""
    lines = [line for line in text.splitlines() if line.startswith("step ")]
    return [int(line.split()[1].split("/")[0]) for line in lines]


def test_lines_tell_step_terms_speed_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=100, every=20)
    run.start()
    run.trainer.callback_metrics["train/tv"] = torch.tensor(0.00824)
    run.steps(70, seconds=0.5, batch_size=3)
    out = capsys.readouterr().out
    assert shown_steps(out) == [5, 20, 40, 60]
    lines = out.splitlines()
    assert "content 0.500 (avg 0.500)  style 1.250 (avg 1.250)  tv 0.0082 (avg 0.0082)" in lines[1]
    assert "6.0 images/s" in lines[1]
    assert "20 s left" in lines[-1]  # 40 steps of 0.5 s
    assert run.logged["images_per_second"] == pytest.approx(6.0)
    assert [("50 steps" in line) for line in lines] == [True, False, False, False]


def test_a_line_comes_early_then_every_minute_then_at_the_last_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=100)
    run.start()
    run.steps(100, seconds=4.0)
    # step 5 is at 20 s; 15 steps of 4 s make a minute
    assert shown_steps(capsys.readouterr().out) == [5, 20, 35, 50, 65, 80, 95, 100]


def test_the_seconds_between_lines_are_an_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40)
    run.progress = LiveProgress(seconds=10)
    run.start()
    run.steps(40, seconds=1.0)
    assert shown_steps(capsys.readouterr().out) == [5, 15, 25, 35, 40]


def test_steps_of_over_a_minute_have_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=4)
    run.start()
    run.steps(4, seconds=90.0)
    out = capsys.readouterr().out
    assert shown_steps(out) == [1, 2, 3, 4]
    assert "images/s" not in out.splitlines()[0]  # nothing measured yet
    assert "3 min left" in out.splitlines()[1]


def test_a_slow_run_has_a_line_a_minute_whatever_its_interval(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=1000, every=50)
    run.start()
    run.steps(60, seconds=6.0)
    assert shown_steps(capsys.readouterr().out) == [5, 15, 25, 35, 45, 50, 60]


def test_a_run_shorter_than_its_interval_has_about_ten_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40, every=50)
    run.start()
    run.steps(40, seconds=0.1)
    assert shown_steps(capsys.readouterr().out) == [4, 5, 8, 12, 16, 20, 24, 28, 32, 36, 40]


@pytest.mark.parametrize("max_steps", [1, 33])
def test_the_last_step_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], max_steps: int
) -> None:
    run = Run(monkeypatch, max_steps=max_steps, every=20)
    run.start()
    run.steps(max_steps, seconds=0.5)
    assert f"step {max_steps}/{max_steps}  content" in capsys.readouterr().out.splitlines()[-1]


def test_the_average_is_exponential_and_starts_as_a_plain_mean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def content(step: int) -> float:
        return 10.0 * math.sin(step) + 20

    run = Run(monkeypatch, max_steps=200, every=1)
    run.start()
    run.steps(200, seconds=0.1, content=content)
    shown = [float(line.split("(avg ")[1].split(")")[0]) for line in
             capsys.readouterr().out.splitlines()]  # fmt: skip
    for step in (1, 2, 7, 50):
        plain = sum(content(k) for k in range(1, step + 1)) / step
        assert shown[step - 1] == pytest.approx(plain, abs=2e-3)
    # from there by the weights of the definition: 0.02 * 0.98^age, and the mean of the first 50
    weights = {k: 0.02 * 0.98 ** (200 - k) for k in range(51, 201)}
    first = sum(content(k) for k in range(1, 51)) / 50
    expected = sum(w * content(k) for k, w in weights.items()) + 0.98**150 * first
    assert shown[-1] == pytest.approx(expected, abs=2e-3)


class Counter(lightning.LightningModule):
    """Logs the number of its step as its content loss."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.log("train/content", torch.tensor(batch_idx + 1.0))
        return self.layer(batch).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def test_in_a_real_trainer_a_line_tells_its_own_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fst.training.reporting.progress.Console", lambda: Console(file=io.StringIO())
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=9,
        logger=False,
        callbacks=[LiveProgress(every=3)],
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(Counter(), DataLoader(torch.rand(9, 1)))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert [line.split("  ")[:2] for line in lines] == [
        [f"step {step}/9", f"content {step}.000 (avg {(step + 1) / 2:.3f})"]
        for step in (3, 5, 6, 9)
    ]


@pytest.mark.parametrize("bad", [{1}, {4}, {1, 2, 9}])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_skipped_step_does_not_spoil_the_average(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    bad: set[int],
    value: float,
) -> None:
    run = Run(monkeypatch, max_steps=10)
    run.start()
    run.steps(10, seconds=0.1, style=lambda step: value if step in bad else 2.0)
    assert "style 2.000 (avg 2.000)" in capsys.readouterr().out.splitlines()[-1]


def test_a_skipped_step_leaves_the_average_where_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=10, every=1)
    run.start()
    run.steps(5, seconds=0.1, style=lambda step: math.nan if step == 4 else float(step))
    lines = capsys.readouterr().out.splitlines()
    assert "style nan (avg 2.000)" in lines[3]  # of 1, 2 and 3
    assert "style 5.000 (avg 2." in lines[4]  # not begun anew


def test_of_several_processes_the_first_one_speaks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=20, every=1)
    on_terminal(monkeypatch)
    run.trainer.is_global_zero = False
    run.trainer.callback_metrics |= {
        f"val/{name}": torch.tensor(1.0) for name in ("total", "content", "style")
    }
    run.start()
    assert run.progress.bar is None
    run.steps(20, seconds=1000.0)
    run.progress.on_validation_end(run.trainer, run.module)
    assert capsys.readouterr().out == ""
    assert "images_per_second" in run.logged  # Lightning wants the same logged everywhere


def test_images_of_all_processes_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=20)
    run.trainer.world_size = 3
    run.start()
    run.steps(20, seconds=2.0, batch_size=4)
    assert "6.0 images/s" in capsys.readouterr().out


def test_values_are_read_only_when_they_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # reading one makes a GPU's queue run empty
    reads = []
    for name in ("item", "tolist", "__float__", "__bool__", "cpu", "numpy"):
        real = getattr(Tensor, name)

        def spy(self: Tensor, *args: Any, real: Any = real) -> Any:
            reads.append(run.trainer.global_step)
            return real(self, *args)

        monkeypatch.setattr(Tensor, name, spy)
    run = Run(monkeypatch, max_steps=100)
    run.start()
    run.steps(99, seconds=1.0)
    assert set(reads) == set(shown_steps(capsys.readouterr().out)) == {5, 65}


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
        assert "content 1.000  style 2.000  total 3.000" in out


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that can redraw, and what is written to it."""
    screen = io.StringIO()
    console = Console(force_terminal=True, force_interactive=True, file=screen, width=100)
    monkeypatch.setattr("fst.training.reporting.progress.Console", lambda: console)
    return screen


def test_on_a_terminal_a_bar_is_shown_and_taken_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=8)
    screen = on_terminal(monkeypatch)
    run.start()
    bar = run.progress.bar
    assert bar is not None
    run.steps(8, seconds=0.5, content=lambda step: float(step))
    bar.refresh()
    run.progress.teardown(run.trainer, run.module, "fit")
    assert bar.live.is_started is False
    assert run.progress.bar is None
    last = screen.getvalue().rpartition("8/8")[2]
    assert "content 8.000 (avg 4.500)  style 1.250 (avg 1.250)" in last
    assert "8.0 images/s  0 s left" in last
    assert "step 5/8" not in capsys.readouterr().out
    run.progress.teardown(run.trainer, run.module, "fit")  # Lightning calls it for every stage


def test_a_bar_is_renewed_four_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, max_steps=1001)
    on_terminal(monkeypatch)
    run.start()
    bar = run.progress.bar
    assert bar is not None
    renewed = []
    monkeypatch.setattr(bar, "update", lambda task, **fields: renewed.append(fields["completed"]))
    run.steps(1001, seconds=0.01)  # ten seconds
    run.progress.teardown(run.trainer, run.module, "fit")
    assert 38 <= len(renewed) <= 42
    assert renewed[-1] == 1001


def test_a_terminal_that_can_not_redraw_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=100)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(
        "fst.training.reporting.progress.Console", lambda: Console(force_terminal=True)
    )
    run.start()
    assert run.progress.bar is None
    run.steps(10, seconds=0.5)
    assert shown_steps(capsys.readouterr().out) == [5]


# --- previews ------------------------------------------------------------------------------------


def invert(photos: Tensor) -> Tensor:
    assert not torch.is_grad_enabled()
    return 1 - photos


class Inverter:
    """A module that paints the negative."""

    device = torch.device("cpu")
    training = True
    __call__ = staticmethod(invert)

    def eval(self) -> "Inverter":
        self.training = False
        return self

    def train(self, mode: bool) -> None:
        self.training = mode


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


def read_picture(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def test_a_preview_shows_the_photos_above_their_painted_versions(tmp_path: Path) -> None:
    preview(Previews(tmp_path / "previews", 500), at_step(500))
    assert {file.name for file in (tmp_path / "previews").iterdir()} == {
        "step_000500.png",
        "contact_sheet.png",
    }
    picture = read_picture(tmp_path / "previews" / "step_000500.png")
    assert picture.shape == (2 * (16 + 4) + 4, 3 * (20 + 4) + 4, 3)
    for i in range(3):
        column = 4 + i * 24
        above, below = picture[4:20, column : column + 20], picture[24:40, column : column + 20]
        assert np.unique(above).tolist() == [17 * i]
        assert np.unique(below).tolist() == [255 - 17 * i]


def test_at_most_four_photos_are_shown(tmp_path: Path) -> None:
    preview(Previews(tmp_path, 500), at_step(500, count=9))
    assert read_picture(tmp_path / "step_000500.png").shape[1] == 4 * (20 + 4) + 4


def written_steps(folder: Path) -> list[int]:
    return sorted(int(file.stem.removeprefix("step_")) for file in folder.glob("step_*.png"))


def test_previews_come_at_powers_of_two_at_their_interval_and_at_the_end(tmp_path: Path) -> None:
    previews, trainer = Previews(tmp_path, 300), at_step(0)
    for trainer.global_step in range(1001):  # 0 where the very first step was skipped
        preview(previews, trainer)
    assert written_steps(tmp_path) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 512, 600, 900, 1000]


def test_only_the_first_process_writes_previews(tmp_path: Path) -> None:
    trainer = at_step(500)
    trainer.is_global_zero = False
    preview(Previews(tmp_path, 500), trainer)
    assert list(tmp_path.iterdir()) == []


def test_previews_go_to_tensorboard_too(tmp_path: Path) -> None:
    logger = MagicMock(spec=TensorBoardLogger)
    trainer = at_step(300)
    trainer.loggers = [CurveCSV(str(tmp_path)), logger]
    preview(Previews(tmp_path, 300), trainer)
    tag, grid, step = logger.experiment.add_image.call_args.args
    assert (tag, step) == ("preview", 300)
    assert grid.shape == (3, 2 * (16 + 4) + 4, 3 * (20 + 4) + 4)


# --- the contact sheet ---------------------------------------------------------------------------


class Fader(Inverter):
    """A module whose painting tells the step and the photo."""

    device = torch.device("cpu")

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def __call__(self, photos: Tensor) -> Tensor:
        red = torch.tensor(10 * self.trainer.global_step.bit_length() / 255)
        blue = torch.arange(1, len(photos) + 1) * 50 / 255
        painted = torch.zeros_like(photos)
        painted[:, 0] = red
        painted[:, 2] = blue[:, None, None]
        return painted


def fade(folder: Path, steps: Iterable[int], count: int = 4) -> None:
    """Previews of these steps, by a callback that was just made."""
    trainer = at_step(0, count)
    module: Any = Fader(trainer)
    previews = Previews(folder, 1)
    for trainer.global_step in steps:
        previews.on_train_batch_end(trainer, module, None, torch.zeros(1), 0)


def painted_rows(folder: Path) -> list[tuple[list[int], list[int]]]:
    """Red and the blues of each row of the sheet, by its pixels alone."""
    sheet = read_picture(folder / "contact_sheet.png").astype(int)
    right = sheet[:, -9]  # within the last column of pictures, right of every label
    rows, before = [], 255
    for y, (red, green, _) in enumerate(right):
        if green < 128 <= before:
            blues = sheet[y + 60, sheet[y + 60, :, 1] < 5][:, 2]
            runs = [int(b) for i, b in enumerate(blues) if i == 0 or b != blues[i - 1]]
            rows.append((int(red), [b for b in runs if b > 10]))
        before = green
    return rows


def test_the_contact_sheet_has_a_row_for_each_preview_with_three_painted_photos(
    tmp_path: Path,
) -> None:
    fade(tmp_path, [1, 2, 4, 8])
    assert painted_rows(tmp_path) == [(10 * k, [50, 100, 150]) for k in (1, 2, 3, 4)]


def test_a_thumbnail_is_160_pixels_wide_and_keeps_its_shape(tmp_path: Path) -> None:
    fade(tmp_path, [1], count=1)  # photos of 20 x 16
    sheet = read_picture(tmp_path / "contact_sheet.png")
    y, x = np.nonzero((sheet == (10, 0, 50)).all(2))
    assert (x.max() - x.min() + 1, y.max() - y.min() + 1) == (160, 128)
    assert len(x) == 160 * 128


def test_the_contact_sheet_goes_on_after_a_resume(tmp_path: Path) -> None:
    fade(tmp_path, [1, 2])
    fade(tmp_path, [4])
    assert [red for red, _ in painted_rows(tmp_path)] == [10, 20, 30]


def test_the_contact_sheet_has_twelve_rows_at_most_and_keeps_the_ends(tmp_path: Path) -> None:
    fade(tmp_path, [2**k for k in range(16)])
    reds = [red for red, _ in painted_rows(tmp_path)]
    assert len(reds) == 12
    assert (reds[0], reds[-1]) == (10, 160)
    assert reds == sorted(set(reds))


def test_rows_are_chosen_at_equal_ratios() -> None:
    steps = sorted({2**k for k in range(16)} | set(range(500, 40_001, 500)))
    chosen = spread(steps, 12)
    assert (chosen[0], chosen[-1], len(set(chosen))) == (1, 40_000, 12)
    assert set(chosen) <= set(steps)
    ratios = [later / earlier for earlier, later in pairwise(chosen)]
    assert max(ratios) / min(ratios) <= 4  # 40,000^(1/11) = 2.6 each, from a grid of about 2
    assert spread([3, 5, 8], 12) == [3, 5, 8]
    assert len(spread([0, *range(5, 30)], 12)) == 12


def test_each_row_is_labeled_with_its_step(tmp_path: Path) -> None:
    fade(tmp_path, [1, 64])
    sheet = read_picture(tmp_path / "contact_sheet.png")
    margin = int(np.nonzero((sheet == (10, 0, 50)).all(2))[1].min())
    for red, label in ((10, "step 1"), (70, "step 64")):
        y, _ = np.nonzero((sheet == (red, 0, 50)).all(2))
        dark = sheet[y.min() : y.max() + 1, :margin].min(2) < 128
        box = Image.new("L", (400, 60), 255)
        ImageDraw.Draw(box).text((8, 8), label, fill=0, font=ImageFont.load_default(20))
        expected = np.asarray(box) < 128
        assert crop_to_ink(dark).shape == crop_to_ink(expected).shape
        assert (crop_to_ink(dark) == crop_to_ink(expected)).mean() > 0.9


def crop_to_ink(ink: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(ink)
    return ink[y.min() : y.max() + 1, x.min() : x.max() + 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b""),
        lambda path: Image.new("RGB", (31, 17)).save(path),
    ],
    ids=["cut", "empty", "another layout"],
)
def test_a_preview_that_can_not_be_used_is_left_out(tmp_path: Path, damage: Any) -> None:
    fade(tmp_path, [1, 2])
    damage(tmp_path / "step_000002.png")
    (tmp_path / "step_last.png").write_bytes(b"not ours")
    fade(tmp_path, [4])
    assert [red for red, _ in painted_rows(tmp_path)] == [10, 30]


# --- signals -------------------------------------------------------------------------------------


@pytest.fixture
def stop() -> Iterator[StopOnSignal]:
    """The callback; whatever happens, the signals' handlers are what they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield StopOnSignal()
    for number, handler in before.items():
        signal.signal(number, handler)


class StubTrainer:
    """As much of a trainer as the callback needs."""

    def __init__(self) -> None:
        self.global_step, self.max_steps = 7, 10
        self.world_size = 1
        self.should_stop = self.received_sigterm = False


def end_batch(stop: StopOnSignal, trainer: Any) -> None:
    stop.on_train_batch_end(trainer, MagicMock(), None, torch.zeros(1), 0)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # the handler runs between two instructions of the main thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_step(stop: StopOnSignal, number: int) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    send(number)
    assert trainer.should_stop is False  # not in the middle of a step
    end_batch(stop, trainer)
    assert trainer.should_stop is True
    assert stop.received == number


def test_without_a_signal_nothing_is_stopped(stop: StopOnSignal) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    end_batch(stop, trainer)
    assert trainer.should_stop is False


@pytest.mark.parametrize("agreed", [True, False])
def test_several_processes_agree_at_the_end_of_a_validation(
    stop: StopOnSignal, agreed: bool
) -> None:
    trainer: Any = StubTrainer()
    trainer.world_size, trainer.strategy = 2, MagicMock()
    trainer.strategy.reduce_boolean_decision.return_value = agreed
    stop.received = None if agreed else signal.SIGINT  # it came to the other one, or after that
    stop.on_validation_end(trainer, MagicMock())
    trainer.strategy.reduce_boolean_decision.assert_called_once_with(not agreed, all=False)
    assert trainer.should_stop is agreed
    assert (stop.received is not None) is agreed


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
    stop.setup(MagicMock(), MagicMock(), "fit")
    stop.on_train_start(MagicMock(), MagicMock())
    assert signal.getsignal(signal.SIGTERM) != mine[signal.SIGTERM]
    stop.teardown(MagicMock(), MagicMock(), "fit")
    for number, handler in mine.items():
        assert signal.getsignal(number) is handler
