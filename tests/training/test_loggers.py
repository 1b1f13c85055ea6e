"""fst.training.loggers: Weights & Biases, offline, where it is installed."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loggers import wandb as lightnings
from tiny_runs import training_settings

from fst.errors import InputError
from fst.training import loggers
from fst.training.loggers import make_wandb, writable

RUN = ("Müller & Söhne", "20260101-000000")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package were there, which is not asked for anything but its key."""
    monkeypatch.setattr(lightnings, "_WANDB_AVAILABLE", True)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    no_key = SimpleNamespace(login=lambda prompt: prompt)
    monkeypatch.setattr(loggers.importlib, "import_module", lambda name: no_key)


def test_a_package_that_is_missing_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lightnings, "_WANDB_AVAILABLE", False)
    with pytest.raises(InputError, match="pip install wandb"):
        make_wandb(tmp_path)


@pytest.mark.usefixtures("installed")
def test_a_run_is_known_by_its_folder_so_that_it_can_be_resumed(tmp_path: Path) -> None:
    first, again = (make_wandb(tmp_path.joinpath(*RUN), offline=True) for _ in range(2))
    assert first.name == "fst"  # what Lightning calls the project
    assert first.version == again.version == "M-ller-S-hne-20260101-000000"
    assert make_wandb(tmp_path / "x" / "y", offline=True, id="mine", project="p").version == "mine"


@pytest.mark.usefixtures("installed")
def test_without_a_key_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="wandb login"):
        make_wandb(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    make_wandb(tmp_path)


def test_settings_and_metrics_are_logged_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="needs wandb: pip install 'fst[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = tmp_path.joinpath(*RUN)
    folder.mkdir(parents=True)
    logger = make_wandb(folder)
    settings = training_settings()
    logger.log_hyperparams(settings)
    logger.log_metrics({"train/total": 2.5}, step=3)
    assert logger.experiment.config["style"]["name"] == "monet"
    assert logger.experiment.config["trainer"]["max_steps"] == 40_000
    assert logger.experiment.summary["train/total"] == 2.5
    logger.experiment.finish()
    assert list(folder.glob("wandb/offline-run-*/run-*.wandb"))


def test_names_that_are_not_utf8_are_logged_escaped(tmp_path: Path) -> None:
    settings = training_settings()
    settings["data"]["path"] = os.fsdecode(b"ph\xfc")
    settings["style"]["image"] = "Gemälde.jpg"
    logger = TensorBoardLogger(tmp_path, name="", version="tensorboard", default_hp_metric=False)
    logger.log_hyperparams(writable(settings))
    logger.save()
    logger.finalize("success")
    assert writable(settings)["data"]["path"] == "ph\\xfc"
    assert writable(settings)["style"] == settings["style"]
    assert settings["data"]["path"] == os.fsdecode(b"ph\xfc")  # the run's own stay


def test_escaped_names_are_needed(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name="", version="tensorboard")
    with pytest.raises((UnicodeError, ValueError)):
        logger.log_hyperparams({"path": os.fsdecode(b"ph\xfc")})
