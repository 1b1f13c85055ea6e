"""Runs a training: Lightning's trainer with this project's callbacks, from first step to last."""

import logging
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.strategies import DDPStrategy, Strategy

from fst.errors import InputError
from fst.styles.predicted import ANY
from fst.system.device import pick_device
from fst.training.checkpoints import ResumableIO
from fst.training.reporting.busy import BusyProcessor
from fst.training.reporting.page import RunPage
from fst.training.reporting.previews import Previews
from fst.training.reporting.progress import LiveProgress
from fst.training.runs import Run
from fst.training.saving import Checkpoints
from fst.training.settings import check_group
from fst.training.stopping import StopOnSignal

OURS: dict[str, Any] = {
    "precision": "32-true",  # the module casts by itself: only its convolutions
    "check_val_every_n_epoch": None,  # photos have no end: validations are counted in steps
    "num_sanity_val_steps": 0,
    "use_distributed_sampler": False,  # the data module deals the photos itself
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
"""What is the same for every trainer: Lightning's own ways that this project does not take."""

PEER_TIMEOUT = timedelta(minutes=10)
"""How long the processes of a run wait for each other, before they take one for lost."""


def make_trainer(
    run: Run,
    loggers: list[Logger],
    max_steps: int = 40_000,
    device: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    strategy: str = "auto",
    log_every: int = 10,
    val_every: int = 500,
    preview_every: int = 500,
    checkpoint_every: int | None = None,
    print_every: int | None = None,
    max_time: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> lightning.Trainer:
    """A Lightning trainer with this project's callbacks.

    Args:
        run: where to write.
        loggers: Lightning loggers.
        max_steps: at least 1.
        device: ``auto``, ``cpu``, ``cuda`` …
        devices: how many of them, or ``auto`` for all; on a CPU, processes.
        num_nodes: machines; with ``torchrun`` or SLURM.
        strategy: ``auto`` (DistributedDataParallel for several devices), or one of Lightning's.
        log_every: steps between logged losses.
        val_every: steps between validations.
        preview_every: steps between preview pictures, besides those at powers of two.
        checkpoint_every: steps between resumable checkpoints, of which the last two are kept; None
            is 30, and 500 on a GPU.
        print_every: steps between lines where the output is no terminal; None is a line a minute.
        max_time: ``DD:HH:MM:SS`` of training, over all resumes, after which to stop.
        settings: shown on the run's page.

    Raises:
        InputError: an unknown device, or a setting out of its range.
    """
    check_group("trainer", locals())
    where = pick_device(device)
    _quiet_lightning()
    return _lightning(
        devices=devices if where.index is None else [where.index],
        strategy=_strategy(strategy, where, devices, num_nodes),
        accelerator=where.type,
        benchmark=where.type == "cuda",
        num_nodes=num_nodes,
        max_steps=max_steps,
        max_time=max_time,
        logger=loggers,
        callbacks=[
            _saving(run, checkpoint_every or (500 if where.type == "cuda" else 30)),
            *_showing(run, preview_every, print_every, settings or {}),
        ],
        log_every_n_steps=log_every,
        val_check_interval=val_every,
        default_root_dir=run.folder,
    )


def _lightning(**options: Any) -> lightning.Trainer:
    """Lightning's trainer; what it refuses is one line."""
    try:
        return lightning.Trainer(plugins=[ResumableIO()], **options, **OURS)
    except (lightning.fabric.utilities.exceptions.MisconfigurationException, ValueError) as error:
        raise InputError(f"trainer: {str(error).splitlines()[0]}") from error


def _showing(
    run: Run, preview_every: int, print_every: int | None, settings: Mapping[str, str]
) -> list[Callback]:
    what = "any painting" if run.output.stem == ANY else run.output.stem
    page = RunPage(run.folder, f"{what}: {run.folder.name}", settings=settings)
    previews = Previews(run.folder / "previews", preview_every)
    return [previews, StopOnSignal(), LiveProgress(print_every), BusyProcessor(), page]


def _saving(run: Run, every: int) -> Checkpoints:
    return Checkpoints(
        run.checkpoints,
        filename="{step}",
        monitor="step",
        mode="max",
        save_top_k=2,
        every_n_train_steps=every,
        enable_version_counter=False,  # what a stop has saved at this step is replaced
    )


def _strategy(
    name: str, device: torch.device, devices: int | str, num_nodes: int
) -> Strategy | str:
    one = num_nodes == 1 and (devices == 1 or device.index is not None)
    if one or name not in ("auto", "ddp") or device.type == "mps":
        return name
    if devices == "auto" and (torch.cuda.device_count() if device.type == "cuda" else 1) == 1:
        return name
    # VGG-19's buffers are the same everywhere and must not be sent around at every step
    return DDPStrategy(broadcast_buffers=False, timeout=PEER_TIMEOUT)


def _quiet_lightning() -> None:
    """Keeps Lightning's banners and its advice on workers and epochs out of the terminal."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*isinstance.treespec, LeafSpec.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        ".*dirpath has changed from.*",
        ".*sync_dist=True.*",  # every process validates on the same photos
        ".*callbacks used to create the checkpoint.*",  # max_time or checkpoint_every has changed
        ".*to control TF32 behavior.*",
        ".*broadcast_buffers. is deprecated.*",  # its successor is not in torch 2.11
    ):
        warnings.filterwarnings("ignore", text)
