"""What a run tells of itself, on a clock that the tests turn: facts, not phrases."""

import io
import math
import os
import re
from types import SimpleNamespace
from typing import Any

import lightning
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fst.training.reporting import progress
from fst.training.reporting.progress import LiveProgress, format_seconds, tell_smaller
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
        monkeypatch.setattr(progress, "time", clock)
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


def test_a_run_of_over_an_hour_names_its_length_and_smaller_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for smaller in (["experiment=one (9 steps)", "experiment=two (1 step)"], []):
        run = Run(monkeypatch, max_steps=40_000)
        trainer: Any = SimpleNamespace(callbacks=[StopOnSignal(), run.progress])
        tell_smaller(trainer, smaller)
        run.start()
        run.steps(10, seconds=9.0)
        (line, _) = capsys.readouterr().out.splitlines()
        assert durations(line) == ["100.0 h"]  # 40,000 steps of 9 s
        assert re.findall(r"experiment=\w+", line) == [text.split(" ")[0] for text in smaller]
        assert ("smaller" in line) == bool(smaller)


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
    assert "experiment=" not in capsys.readouterr().out


def test_the_first_step_is_left_out_of_the_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start()
    run.steps(1, seconds=600.0)
    run.steps(9, seconds=0.05)
    assert "experiment=" not in capsys.readouterr().out


def test_what_is_left_of_a_resumed_run_is_not_called_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=40_000)
    run.start(at=38_000)
    run.steps(10, seconds=9.0)  # 5 h are left of 100
    (line, *_) = capsys.readouterr().out.splitlines()
    assert durations(line) == ["5.0 h"]
    assert "1,995" in line  # the steps that are left when it is told
    assert "40,000" not in line


STEP = re.compile(r"\b(\d+)/(\d+)\b")


def shown_steps(text: str) -> list[int]:
    """The steps that lines were printed for."""
    return [int(found[1]) for line in text.splitlines() if (found := STEP.search(line))]


def step_of(line: str) -> tuple[int, int]:
    """The step that a line tells of, and of how many."""
    found = STEP.search(line)
    assert found is not None, line
    return int(found[1]), int(found[2])


def term(line: str, name: str) -> tuple[float, float]:
    """What a line tells of a loss term: as it is, and averaged."""
    number = r"(nan|inf|\d+\.\d+)"
    found = re.search(rf"\b{name}\b\W*{number}\D+?{number}", line)
    assert found is not None, line
    return float(found[1]), float(found[2])


def speed(line: str) -> float | None:
    """Images a second, where a line tells them."""
    found = re.search(r"(\d+\.\d+) images/s", line)
    return float(found[1]) if found else None


def seconds_left(line: str) -> float | None:
    """What is left of the run, where a line tells it."""
    found = re.search(r"(\d+(?:\.\d+)?) (s|min|h) left", line)
    return float(found[1]) * {"s": 1, "min": 60, "h": 3600}[found[2]] if found else None


def durations(text: str) -> list[str]:
    """All durations of over a minute that are told."""
    return re.findall(r"\d+(?:\.\d+)? (?:min|h)\b", text)


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
    told = {name: term(lines[1], name) for name in ("content", "style", "tv")}
    assert told == {"content": (0.5, 0.5), "style": (1.25, 1.25), "tv": (0.0082, 0.0082)}
    assert speed(lines[1]) == 6.0
    assert seconds_left(lines[-1]) == 20  # 40 steps of 0.5 s
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
    assert speed(out.splitlines()[0]) is None  # nothing measured yet
    assert seconds_left(out.splitlines()[1]) == 180


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
    line = capsys.readouterr().out.splitlines()[-1]
    assert step_of(line) == (max_steps, max_steps)
    assert term(line, "content") == (0.5, 0.5)


def test_the_average_is_exponential_and_starts_as_a_plain_mean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def content(step: int) -> float:
        return 10.0 * math.sin(step) + 20

    run = Run(monkeypatch, max_steps=200, every=1)
    run.start()
    run.steps(200, seconds=0.1, content=content)
    shown = [term(line, "content")[1] for line in capsys.readouterr().out.splitlines()]
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
    monkeypatch.setattr(progress, "Console", lambda: Console(file=io.StringIO()))
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
    lines = [line for line in capsys.readouterr().out.splitlines() if STEP.search(line)]
    told = [(step_of(line), term(line, "content")) for line in lines]
    assert told == [((step, 9), (step, (step + 1) / 2)) for step in (3, 5, 6, 9)]


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
    assert term(capsys.readouterr().out.splitlines()[-1], "style") == (2.0, 2.0)


def test_a_skipped_step_leaves_the_average_where_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(monkeypatch, max_steps=10, every=1)
    run.start()
    run.steps(5, seconds=0.1, style=lambda step: math.nan if step == 4 else float(step))
    lines = capsys.readouterr().out.splitlines()
    now, mean = term(lines[3], "style")
    assert math.isnan(now)
    assert mean == 2.0  # of 1, 2 and 3
    now, mean = term(lines[4], "style")
    assert now == 5.0
    assert 2 < mean < 3  # not begun anew


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
    assert speed(capsys.readouterr().out) == 6.0


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
    assert step_of(line) == (90, 100)
    assert speed(line) == 2.0
    assert seconds_left(line) == 20


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
        told = dict(re.findall(r"(content|style|total)\W+(\d\.\d+)", out))
        assert {name: float(value) for name, value in told.items()} == {
            "content": 1, "style": 2, "total": 3,
        }  # fmt: skip


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that can redraw, and what is written to it."""
    screen = io.StringIO()
    console = Console(force_terminal=True, force_interactive=True, file=screen, width=100)
    monkeypatch.setattr(progress, "Console", lambda: console)
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
    assert term(last, "content") == (8.0, 4.5)
    assert term(last, "style") == (1.25, 1.25)
    assert (speed(last), seconds_left(last)) == (8.0, 0)
    assert shown_steps(capsys.readouterr().out) == []
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
    dumb = {**os.environ, "TERM": "dumb"}
    monkeypatch.setattr(progress, "Console", lambda: Console(force_terminal=True, _environ=dumb))
    run.start()
    assert run.progress.bar is None
    run.steps(10, seconds=0.5)
    assert shown_steps(capsys.readouterr().out) == [5]
