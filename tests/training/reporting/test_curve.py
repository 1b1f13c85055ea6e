"""The rows of metrics.csv, what a resumed run drops, which validations are there."""

import csv
from pathlib import Path

import lightning
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fst.training.reporting.curve import CurveCSV

TERMS = ("total", "content", "style", "tv")
COLUMNS = [
    "step",
    *(f"train/{term}" for term in TERMS),
    *(f"val/{term}" for term in TERMS),
    "lr",
    "skipped",
    *(f"val/{name}" for name in ("border", "checkerboard", "dots", "flat", "saturated")),
    "val/regularity",
    "val/period",
]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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


def test_a_curve_of_an_earlier_version_goes_on_with_the_columns_that_it_lacked(
    curve: CurveCSV,
) -> None:
    rows = read_rows(curve.path)
    with curve.path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS[:-2], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    curve.rewind(30)
    curve.log_metrics({"val/total": 2.0, "val/regularity": 0.25}, 30)
    again = read_rows(curve.path)
    assert list(again[0]) == COLUMNS
    assert [row["val/total"] for row in again] == ["9.0", "", "", "", "2.0"]
    assert [row["val/regularity"] for row in again] == ["", "", "", "", "0.25"]


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
    curve.log_metrics({"train/total": 1.5, "lr": 0.00025, "skipped": 12.0}, 40)
    content, rows = curve.path.read_bytes(), read_rows(curve.path)
    for length in range(content.rstrip().rfind(b",") + 1, len(content.rstrip())):
        curve.path.write_bytes(content)
        assert rewind_after_a_cut(curve, length) == rows[:-1], content[-40:length]


def test_a_header_cut_in_half_is_written_anew(curve: CurveCSV) -> None:
    assert rewind_after_a_cut(curve, 12) == []
    curve.log_metrics({"train/total": 1.0}, 0)
    assert [list(row) for row in read_rows(curve.path)] == [COLUMNS]


def test_the_skipped_steps_are_a_column(tmp_path: Path) -> None:
    logger = CurveCSV(str(tmp_path))
    logger.log_metrics({"train/total": 1.0, "skipped": 0.0}, 9)
    logger.log_metrics({"train/total": 1.0, "skipped": 3.0}, 19)
    logger.rewind(20)
    assert [row["skipped"] for row in read_rows(logger.path)] == ["0.0", "3.0"]


def test_a_curve_from_before_the_skipped_steps_is_gone_on_with(tmp_path: Path) -> None:
    header = ",".join(COLUMNS[: COLUMNS.index("skipped")])
    (tmp_path / "metrics.csv").write_text(f"{header}\r\n9,2.0,,,,,,,,0.001\r\n", encoding="utf-8")
    logger = CurveCSV(str(tmp_path))
    logger.rewind(10)
    logger.log_metrics({"train/total": 1.0, "skipped": 1.0}, 19)
    rows = read_rows(logger.path)
    assert [list(row) for row in rows] == [COLUMNS, COLUMNS]
    assert [(row["train/total"], row["lr"], row["skipped"]) for row in rows] == [
        ("2.0", "0.001", ""),
        ("1.0", "", "1.0"),
    ]


# --- which validations are there -----------------------------------------------------------------


class Line(lightning.LightningModule):
    """The smallest module that trains and validates."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss: Tensor = self.layer(batch).square().mean()
        self.log("train/total", loss)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val/total", self.layer(batch).square().mean(), batch_size=len(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def run_lightning(
    folder: Path, max_steps: int, val_every: int, log_every: int, first: bool = True
) -> CurveCSV:
    """A real run, validated before the first step and then every ``val_every``."""
    curve = CurveCSV(str(folder))
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=max_steps,
        logger=[curve],
        log_every_n_steps=log_every,
        val_check_interval=val_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    module, data = Line(), DataLoader(torch.rand(20, 1), batch_size=2)
    if first:
        trainer.validate(module, DataLoader(torch.rand(2, 1), batch_size=2), verbose=False)
    trainer.fit(module, data, DataLoader(torch.rand(2, 1), batch_size=2))
    return curve


@pytest.mark.parametrize("log_every", [1, 2, 10])
def test_the_validations_of_a_real_run_are_found_by_their_step(
    tmp_path: Path, log_every: int
) -> None:
    curve = run_lightning(tmp_path, max_steps=7, val_every=3, log_every=log_every)
    assert [step for step in range(9) if curve.has_validation(step)] == [0, 3, 6]


@pytest.mark.parametrize("log_every", [1, 10])
def test_a_validation_after_the_first_step_is_told_from_the_one_before(
    tmp_path: Path, log_every: int
) -> None:
    curve = run_lightning(tmp_path, max_steps=2, val_every=1, log_every=log_every)
    assert [step for step in range(5) if curve.has_validation(step)] == [0, 1, 2]


def test_without_one_before_the_first_step_there_is_none_at_zero(tmp_path: Path) -> None:
    curve = run_lightning(tmp_path, max_steps=2, val_every=1, log_every=1, first=False)
    assert [step for step in range(5) if curve.has_validation(step)] == [1, 2]


def test_a_validation_at_zero_is_none_of_the_first_step(tmp_path: Path) -> None:
    curve = run_lightning(tmp_path, max_steps=2, val_every=2, log_every=1)
    assert [step for step in range(5) if curve.has_validation(step)] == [0, 2]


def test_a_first_row_of_a_later_validation_counts_for_its_step_only(tmp_path: Path) -> None:
    logger = CurveCSV(str(tmp_path))
    logger.log_metrics({"val/total": 1.0}, 499)
    assert [step for step in (0, 1, 499, 500, 501) if logger.has_validation(step)] == [500]


def test_no_file_or_half_a_row_is_no_validation(tmp_path: Path) -> None:
    logger = CurveCSV(str(tmp_path))
    assert not logger.has_validation(0)
    logger.log_metrics({"train/total": 1.0}, 0)
    logger.log_metrics({"val/total": 1.0}, 9)
    assert logger.has_validation(10)
    content = logger.path.read_bytes().rstrip()
    logger.path.write_bytes(content)  # killed within the row
    assert not logger.has_validation(10)
