"""Settings of earlier versions: what they name now lies elsewhere."""

from collections.abc import Mapping
from typing import Any

MOVED = {
    "fst.curve.CurveCSV": "fst.training.reporting.curve.CurveCSV",
    "fst.data.PhotoDataModule": "fst.data.module.PhotoDataModule",
    "fst.perceptual.PerceptualLoss": "fst.losses.perceptual.PerceptualLoss",
    "fst.trainer.make_trainer": "fst.training.trainer.make_trainer",
}
"""``_target_`` in a run or a YAML file of before -> where it is now."""


def translated(settings: Any) -> Any:
    """The same settings, with every ``_target_`` where it is now.

    Args:
        settings: mappings, lists and plain values, nested.
    """
    if isinstance(settings, Mapping):
        new = {key: translated(value) for key, value in settings.items()}
        if (target := new.get("_target_")) in MOVED:
            new["_target_"] = MOVED[target]
        return new
    if isinstance(settings, list):
        return [translated(value) for value in settings]
    return settings
