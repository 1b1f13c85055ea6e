"""Settings of earlier versions: what they name now lies elsewhere, or has another name."""

from collections.abc import Mapping
from typing import Any

MOVED = {
    "fst.curve.CurveCSV": "fst.training.reporting.curve.CurveCSV",
    "fst.data.PhotoDataModule": "fst.data.module.PhotoDataModule",
    "fst.perceptual.PerceptualLoss": "fst.losses.perceptual.PerceptualLoss",
    "fst.trainer.make_trainer": "fst.training.trainer.make_trainer",
}
"""``_target_`` in a run or a YAML file of before -> where it is now."""

RENAMED = {"loss.schedule": "loss.slim_share"}
"""A setting's name before -> now; ``schedule`` is the learning rate's alone."""


def translated(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a training, with the names that they have now.

    Args:
        settings: mappings, lists and plain values, nested.
    """
    new: dict[str, Any] = _retargeted(settings)
    for before, now in RENAMED.items():
        group, _, key = before.partition(".")
        if isinstance(part := new.get(group), dict) and key in part:
            value = part.pop(key)
            if part.get(now.partition(".")[2]) is None:
                part[now.partition(".")[2]] = value
    return new


def renamed(word: str) -> str:
    """``SETTING=VALUE`` as it was typed, with the name that the setting has now."""
    key, equals, value = word.partition("=")
    plain = key.lstrip("+~")
    return f"{key[: len(key) - len(plain)]}{RENAMED.get(plain, plain)}{equals}{value}"


def _retargeted(settings: Any) -> Any:
    if isinstance(settings, Mapping):
        new = {key: _retargeted(value) for key, value in settings.items()}
        if (target := new.get("_target_")) in MOVED:
            new["_target_"] = MOVED[target]
        return new
    if isinstance(settings, list):
        return [_retargeted(value) for value in settings]
    return settings
