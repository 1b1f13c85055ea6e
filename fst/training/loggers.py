"""Loggers that are made for this project, and what all of them are given to write down."""

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from fst.errors import InputError
from fst.evaluation.photos import shown_name

LONGEST_ID = 64
"""Characters of what Weights & Biases knows a run by."""


def writable(settings: Any) -> Any:
    """Settings, nested, with the bytes of names that are not UTF-8 escaped: no logger takes them.

    TensorBoard's would end the training.
    """
    if isinstance(settings, Mapping):
        return {key: writable(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [writable(value) for value in settings]
    return shown_name(settings) if isinstance(settings, str) else settings


def make_wandb(
    save_dir: str | Path, project: str = "fst", offline: bool = False, **settings: Any
) -> WandbLogger:
    """Weights & Biases' logger; a resumed run goes on with its own curve.

    Args:
        save_dir: the run's folder, ``runs/<style>/<date>``, which names the run there, too.
        project: under which it is filed.
        offline: write files only, which ``wandb sync`` uploads later; so does ``WANDB_MODE``.
        settings: others of ``wandb.init``.

    Raises:
        InputError: the package is missing, or nobody has logged in; names the command that helps.
    """
    folder = Path(save_dir).absolute()
    name = f"{folder.parent.name} {folder.name}"
    identity = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[-LONGEST_ID:].strip("-")
    options = {"name": name, "id": identity, "project": project, **settings}
    try:
        logger = WandbLogger(save_dir=folder, offline=offline, **options)
    except ModuleNotFoundError as error:
        raise InputError("logger=wandb needs the package wandb: pip install wandb") from error
    if not offline and os.environ.get("WANDB_MODE", "online") == "online" and not _has_key():
        raise InputError(
            "logger=wandb: nobody is logged in: wandb login, or logger.wandb.offline=true"
        )
    return logger


def _has_key() -> bool:
    """Whether Weights & Biases would let this user in without asking."""
    wandb = importlib.import_module("wandb")
    try:
        return bool(wandb.login(prompt=False))
    except TypeError:  # of a version that can't ask quietly
        return wandb.api.api_key is not None
