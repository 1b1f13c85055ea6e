"""What the configuration names: losses, photos, trainer and loggers, still to be made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import lightning
from lightning.pytorch.loggers.logger import Logger

from fst.data.module import PhotoDataModule
from fst.data.settings import check_shares
from fst.errors import InputError
from fst.losses.perceptual import PerceptualLoss
from fst.training.runs import Run


@dataclass(frozen=True)
class Parts:
    """What the configuration names; made by the command, which alone knows Hydra.

    Attributes:
        make_loss: from painting or statistics, ``weights`` and ``dtype`` to the loss.
        data: photos to train on and to validate on.
        make_trainer: from run, loggers and ``settings`` for its page to a trainer.
        make_loggers: from ``save_dir`` to a logger.
    """

    make_loss: Callable[..., PerceptualLoss]
    data: PhotoDataModule
    make_trainer: Callable[..., lightning.Trainer]
    make_loggers: Sequence[Callable[..., Logger]]


def try_out(parts: Parts) -> None:
    """Makes trainer and loggers once, somewhere else: what they refuse is known before the work.

    Raises:
        InputError: settings that they don't take; a batch that so many devices can't share evenly.
    """
    with TemporaryDirectory() as folder:
        run = Run(Path(folder), Path(folder) / "style.safetensors", None)
        try:
            loggers = [make(save_dir=run.folder) for make in parts.make_loggers]
            for logger in loggers:
                str(logger.log_dir)  # made of the logger's name and version
        except (ImportError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"logger: {_first_line(error)}") from error
        try:
            trainer = parts.make_trainer(run, loggers, settings={})
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"trainer: {_first_line(error)}") from error
    check_shares(parts.data.batch_size, trainer.world_size)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
