"""What a service trains: where, for how long, and with which settings of ``fst train``."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fst.errors import InputError
from fst.interfaces.http.settings import ServiceSettings
from fst.loss_networks.sources import at_hand
from fst.styles.catalog import BASE, style_names
from fst.styles.names import is_small
from fst.styles.predicted import ANY
from fst.system.device import pick_device, pick_precision

BUDGETS = {"minute": 60.0, "ten": 600.0, "hour": 3600.0}
"""Names of how long a training may take, in seconds."""

MINUTE = 100
"""Steps of ``experiment=minute``."""

PACE = 3.3
"""Steps in a second of ``experiment=cpu`` on two cores that multiply in bf16."""

CURVE = 200
"""Rows that a run writes, about."""


@dataclass(frozen=True)
class Trainings:
    """Where a service trains.

    Attributes:
        runs: folder of all runs.
        checkpoints: folder of finished styles.
        paintings: folder of what was learned from.
        photos: to train on; None is what ``data=auto`` finds.
        device: to train on.
        words: settings of every training, as ``fst train`` takes them; they come last.
    """

    runs: Path
    checkpoints: Path
    paintings: Path
    photos: Path | None = None
    device: str = "auto"
    words: tuple[str, ...] = ()


def words_of(places: Trainings, painting: Path, name: str, budget: str) -> list[str]:
    """The settings of a training.

    Args:
        places: of the service.
        painting: its file.
        name: of the style.
        budget: one of :data:`BUDGETS`.
    """
    steps = steps_of(places, budget)
    words = [
        f"style={painting}",
        f"style.name={name}",
        f"experiment={'minute' if budget == 'minute' else 'cpu'}",
        f"runs={places.runs}",
        f"checkpoints={places.checkpoints}",
        f"trainer.device={places.device}",
        f"trainer.max_steps={steps}",
        f"trainer.log_every={max(1, steps // CURVE)}",
    ]
    if at_hand() is None:  # nobody has asked this service to download half a gigabyte
        words.append("loss=at_hand")
    if places.photos is not None:
        words += ["data=folder", f"data.path={places.photos}"]
    return [*words, *places.words]


def steps_of(places: Trainings, budget: str) -> int:
    """How many steps about fill a budget on this machine."""
    for word in places.words:
        if found := re.fullmatch(r"trainer\.max_steps=(\d+)", word):
            return int(found[1])
    if budget == "minute":
        return MINUTE
    device = pick_device(places.device)
    pace = 8 * PACE
    if device.type == "cpu":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        slow = 1.0 if pick_precision("auto", device).itemsize == 2 else 2.0
        pace = PACE * min(4.0, cores / 2) / slow
    return max(MINUTE, 100 * round(pace * BUDGETS[budget] / 100))


def trainings_of(settings: ServiceSettings) -> Trainings:
    """Where a service with these settings trains."""
    folder = settings.folder.absolute()
    checkpoints = settings.checkpoint_folders[0]
    photos = None if settings.photos is None else settings.photos.absolute()
    return Trainings(
        folder / "runs", checkpoints.absolute(), folder / "paintings", photos, settings.device,
        settings.training_words,
    )  # fmt: skip


def check_new_name(name: str, places: Trainings, known: Collection[str]) -> None:
    """That a style of this name can be trained.

    Args:
        name: letters, digits, - and _.
        places: of the service.
        known: names of the styles that are there, or in training.

    Raises:
        InputError: it is taken, or means the small net of another style.
    """
    taken = {BASE, ANY, *style_names(), *known}
    taken |= {path.stem for path in places.checkpoints.glob("*.safetensors")}
    if is_small(name, taken):
        raise InputError(f"{name!r} would be the small net of another style: take another name")
    if name.casefold() in {other.casefold() for other in taken}:
        raise InputError(f"there is a style {name!r}, or one in training: take another name")
