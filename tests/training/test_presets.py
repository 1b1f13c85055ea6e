"""fst.training.presets: which experiments are smaller than a run."""

import shutil
from pathlib import Path

import pytest
from support import ROOT
from tiny_runs import training_settings

from fst import assets
from fst.training.presets import smaller_presets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder of checkpoints: empty."""
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: [tmp_path])
    return tmp_path


def named(*words: str) -> list[str]:
    return [text.split(" ")[0].removeprefix("experiment=") for text in
            smaller_presets(training_settings(*words))]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["cpu", "quick"]),
        (["experiment=cpu"], ["quick"]),
        (["experiment=cpu", "trainer.max_steps=40000"], ["quick"]),  # no less that experiment
        (["experiment=quick"], []),
        (["experiment=quick", "trainer.max_steps=90000"], ["cpu"]),
        (["trainer.max_steps=800"], ["quick"]),  # cpu is larger: 4,000 photos against 3,200
        (["trainer.max_steps=150", "data.batch_size=1"], []),
        (["experiment=johnson2016"], ["cpu", "quick"]),
    ],
)
def test_neither_the_run_s_own_nor_a_larger_one(words: list[str], expected: list[str]) -> None:
    assert named(*words) == expected


def test_a_minute_where_the_any_painting_net_is_there(folder: Path) -> None:
    (folder / "any.safetensors").touch()
    assert named() == ["cpu", "quick", "minute"]
    assert named("experiment=cpu") == ["quick", "minute"]
    assert named("experiment=minute") == []
    assert named("net=any", "style=any") == ["cpu", "quick"]  # of one painting


def test_what_is_said_is_what_the_files_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smaller_presets(training_settings()) == [
        "experiment=cpu (4,000 steps of one photo)",
        "experiment=quick (200 steps)",
    ]
    shutil.copytree(ROOT / "configs" / "experiment", tmp_path / "configs" / "experiment")
    (tmp_path / "configs" / "experiment" / "tiny.yaml").write_text("trainer: {max_steps: 7}")
    monkeypatch.setattr(assets, "shipped", lambda name: tmp_path / name)
    assert smaller_presets(training_settings())[-1] == "experiment=tiny (7 steps)"
