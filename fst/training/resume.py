"""The settings that an interrupted run goes on with: its own, and what is said now on top."""

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from fst.errors import CheckpointError, InputError
from fst.nets import EARLIER
from fst.system.checks import shown
from fst.training.earlier import translated
from fst.training.recipe import Recipe
from fst.training.unfinished import SETTINGS

FIXED = (
    *(f"style.{key}" for key in ("name", "image", "size", "strength_target")),
    *(f"style.{key}_weight" for key in ("content", "style", "tv")),
    *("net", "loss", "optimizer", "ema", "pattern_weight", "color_weight", "weave_weight"),
    *("brightness_weight", "frame_weight", "stability_weight"),
    *("freeze", "seed", "init", "styles"),
    *(f"paintings.{key}" for key in ("source", "path", "split", "column", "sizes", "variants",
                                     "limit", "held_out", "mixed", "style_weights")),
    *(f"data.{key}" for key in ("source", "split", "column", "size", "sizes", "batch_size", "seed",
                                "min_scale", "max_photos", "val_photos", "shuffle_buffer")),
)  # fmt: skip
"""Settings, and groups of them, that stay as they are as long as a run lasts: they say what the
net is, what judges it, and which photo comes at which step."""

FILLED = ("style", "data", "trainer", "loss", "paintings")
"""Groups in which a run of an earlier version may lack a setting that there is now."""

REPLACES = "replaces"
"""In a run's settings: the checksum of the finished style that was there when ``overwrite=true``
was typed, or null."""

ABSENT = object()
"""Stands for a setting that is not there."""


def style_of(folder: Path) -> str:
    """Whose run it is: as its settings say, or else its folder's place."""
    try:
        return str(own_settings(folder)["style"]["name"])
    except InputError:
        return folder.absolute().parent.name


def own_settings(folder: Path) -> dict[str, Any]:
    """What a run was started, or last resumed, with; with the names that settings have now.

    Raises:
        InputError: its ``config.yaml`` is missing, or is none.
    """
    path = folder / SETTINGS
    remedy = "it can't be resumed without its settings"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}; {remedy}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where is not None else ""
        raise InputError(f"{path} is damaged{line}; {remedy}") from error
    if not content:
        raise InputError(f"{path} is empty; {remedy}")
    if not isinstance(content, Mapping):
        raise InputError(f"{path} has no settings, but {shown(content)}; {remedy}")
    own = translated(content)
    for name in ("style.name", "style.image", "net.name", "net.arguments", "loss.weights"):
        if _get(own, name) is ABSENT:
            raise InputError(f"{path} has no {name}; {remedy}")
    if isinstance(arguments := own["net"]["arguments"], dict):
        own["net"]["arguments"] = {**EARLIER, **arguments}
    return own


def resumed_settings(
    own: Mapping[str, Any], now: Mapping[str, Any], said: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """A run's own settings, with what the command line says now on top.

    Args:
        own: of the run.
        now: all settings, as they would be for a new run.
        said: names of the settings, or groups of them, that the command line gives.

    Returns:
        The settings; and what changes, as ``trainer.max_steps=200 (was 100)``.

    Raises:
        InputError: one of them can't change in a run.
    """
    # A run of an earlier version lacks newer terms: it ran without those that are off by default.
    off = {name: value for name, value in Recipe().as_dict().items() if not value}
    own = {**own, **{name: value for name, value in off.items() if name not in own}}
    settings = copy.deepcopy(dict(own))
    for name, value in now.items():
        settings.setdefault(name, copy.deepcopy(value))
    for group in FILLED:
        part, given = settings.get(group), now.get(group)
        if isinstance(part, dict) and isinstance(given, Mapping):
            settings[group] = {**copy.deepcopy(dict(given)), **part}
    if _get(now, "style.size") is None:  # each of several styles has its own: nothing is said
        said = [name for name in said if name != "style.size"]
    for name in said:
        _put(settings, name, copy.deepcopy(_get(now, name)))
    before, after = leaves(own), leaves(settings)
    names = [*before, *(name for name in after if name not in before)]
    changed = [name for name in names if any(_within(name, part) for part in said)
               and not _same(before.get(name), after.get(name))]  # fmt: skip
    lines = []
    for name in changed:
        if name == "resume":
            continue
        was, is_now = _written(before, name), _written(after, name)
        if any(_within(name, fixed) for fixed in FIXED):
            raise InputError(
                f"{name} can't change in a run: this one has {was}, not {is_now}. Leave it out to "
                "go on, or leave resume= out for a new run"
            )
        lines.append(f"{name}={is_now} (was {was})")
    settings["resume"] = now["resume"]
    if "overwrite" in said:  # of the file that is there now
        settings.pop(REPLACES, None)
    elif settings["overwrite"]:
        settings.setdefault(REPLACES, None)
    return settings, lines


def check_fits(content: Mapping[str, Any], net: nn.Module, recipe: Recipe, max_steps: int) -> None:
    """That a run can go on from a checkpoint, before anything is written.

    Args:
        content: of the checkpoint.
        net: as the settings make it.
        recipe: of the settings.
        max_steps: of the whole run.

    Raises:
        CheckpointError: another net, another optimizer, or more steps already.
    """
    held = content.get("state_dict")
    weights = held if isinstance(held, Mapping) else {}
    its = {key: value.shape for key, value in weights.items() if key.startswith("net.")}
    expected = {f"net.{key}": value.shape for key, value in net.state_dict().items()}
    averaged = any(key.startswith("average.") for key in weights)
    if its != expected or averaged != (recipe.ema > 0):
        raise CheckpointError("can't resume: the checkpoint's net (or ema) is not the run's")
    before = content.get("fst", {}).get("optimizer", recipe.optimizer)
    if before != recipe.optimizer:
        raise CheckpointError(f"can't resume a run of optimizer={before} as {recipe.optimizer}")
    if content["global_step"] > max_steps:
        raise CheckpointError(
            f"can't resume: the run is at step {content['global_step']} already, "
            f"trainer.max_steps={max_steps} is less"
        )


def foreign_targets(own: Any, known: Iterable[Any]) -> list[str]:
    """What settings would have called that is not named in what is ``known``.

    A run's folder may be somebody else's: to go on with it must not run any code of theirs.
    """
    allowed = {target for part in known for target in _targets(part)}
    return [target for target in _targets(own) if target not in allowed]


def _targets(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "_target_" in part:
            yield str(part["_target_"])
        for value in part.values():
            yield from _targets(value)
    elif isinstance(part, list):
        for value in part:
            yield from _targets(value)


def _within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _get(settings: Any, name: str) -> Any:
    for key in name.split("."):
        if not isinstance(settings, Mapping) or key not in settings:
            return ABSENT
        settings = settings[key]
    return settings


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    """Sets, or where there is no value takes away, a setting."""
    *groups, last = name.split(".")
    for key in groups:
        if not isinstance(settings.get(key), dict):
            settings[key] = {}
        settings = settings[key]
    if value is ABSENT:
        settings.pop(last, None)
    else:
        settings[last] = value


def leaves(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every setting that is no group of others: its whole name and its value."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= leaves(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _written(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    return value if isinstance(value, str) else shown(value)
