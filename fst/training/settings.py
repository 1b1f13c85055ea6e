"""All settings of a training, checked before any work is done.

A setting that is wrong costs a line at once, not minutes of calibration first. Each check names the
setting as the user types it, what was given, and what is allowed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning.pytorch.strategies import StrategyRegistry

from fst.choices import MARGINS, NETWORKS, PADDINGS, POOLINGS, STATISTICS
from fst.errors import InputError
from fst.evaluation.regularity import WINDOW
from fst.loss_networks.architectures import parse_layers
from fst.losses.frame import SMALLEST
from fst.losses.perceptual import NORMALIZATIONS
from fst.losses.style.choice import LARGEST, check_statistic
from fst.nets import NETS, make_net
from fst.optimization.calibration import STRENGTHS
from fst.styles.catalog import BASE
from fst.system.checks import number, one_of, optional, shown, stepped, switch, text, whole_number
from fst.system.device import pick_device
from fst.training.at_hand import check_judge
from fst.training.loss_weights import is_calibrated, style_weights
from fst.training.many.paintings import SOURCES
from fst.training.many.settings import (
    check_kind,
    held_out_paintings,
    least_and_largest,
    several_sizes,
    several_styles,
)
from fst.training.recipe import Recipe

Check = Callable[[str, Any], Any]
"""Takes a setting's name and value; raises InputError."""

MIN_STYLE_SIZE = 32
"""Long side of a painting in pixels: the deepest layers of VGG-19 halve it four times."""


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuses what can't be trained with.

    Args:
        settings: all of ``configs/train.yaml``, as plain values.

    Raises:
        InputError: a value of the wrong type or out of its range, in one line.
    """
    for group, keys in NEEDED.items():
        part = settings.get(group) if group else settings
        if not isinstance(part, Mapping):
            raise InputError(f"{group} must be a group of settings, not {shown(part)}")
        if missing := [key for key in keys if key not in part]:
            raise InputError(f"{group}{'.' if group else ''}{missing[0]} is not given")
    Recipe.of(settings)
    for group in dict.fromkeys(name.rpartition(".")[0] for name in CHECKS):
        check_group(group, settings.get(group, {}) if group else settings)
    check_kind(settings)
    check_judge(settings["loss"])
    check_statistic(settings["loss"], "loss.")
    sizes = settings["data"].get("sizes") or [settings["data"]["size"]]
    for name, least in {"weave_weight": WINDOW, "frame_weight": SMALLEST}.items():
        if settings.get(name) and min(sizes) < least:
            raise InputError(f"{name} needs crops of {least} pixels or more, not {min(sizes)}")
    if settings["style"]["strength_target"] is None and is_calibrated(style_weights(settings)):
        raise InputError(
            "style.strength_target is null: then give style.style_weight or style.content_weight"
        )
    pick_device(settings["trainer"]["device"])
    with torch.device("meta"):  # a net without memory: whether it takes these arguments
        make_net(**settings["net"])


def check_group(group: str, part: Any) -> None:
    """The same for one group of the settings; ``""`` are those that belong to none.

    Raises:
        InputError: as :func:`check_settings`, or ``part`` is no mapping.
    """
    if not isinstance(part, Mapping):
        raise InputError(f"{group} must be a group of settings, not {shown(part)}")
    for name, check in CHECKS.items():
        of, _, key = name.rpartition(".")
        if of == group and key in part:
            check(name, part[key])


def _or_null(check: Check) -> Check:
    return lambda name, value: optional(check, name, value)


def _count(name: str, value: Any) -> None:
    whole_number(name, value, least=1)


def _devices(name: str, value: Any) -> None:
    if value != "auto":
        _count(name, value)


def _name(name: str, value: Any) -> None:
    if text(name, value) == BASE:
        raise InputError(f"{name} can't be {BASE}, which init={BASE} begins with: give another")


def _weight(name: str, value: Any) -> None:
    number(name, value, least=0)


def _share(name: str, value: Any) -> None:
    number(name, value, least=0, most=1)


def _strength(name: str, value: Any) -> None:
    number(name, value, least=STRENGTHS[0], most=STRENGTHS[1])


def _style_size(name: str, value: Any) -> None:
    whole_number(name, value, least=MIN_STYLE_SIZE)


def _margin(name: str, value: Any) -> None:
    stepped(name, value, MARGINS)


def _layers(name: str, value: Any) -> None:
    if not isinstance(value, Mapping | str) or not value:
        raise InputError(f"{name} must map layers to weights, as {{relu4_2: 1.0}}, not {value!r}")
    parse_layers(name, value)


def _choice(*allowed: str) -> Check:
    return lambda name, value: one_of(name, value, allowed)


def _duration(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"\d+:\d\d:\d\d:\d\d", value):
        raise InputError(f"{name} must be DD:HH:MM:SS, for example 00:01:30:00, not {value!r}")


def _strategy(name: str, value: Any) -> None:
    one_of(name, value, ("auto", *sorted(StrategyRegistry.available_strategies())))


def _patch_size(name: str, value: Any) -> None:
    whole_number(name, value, 1, LARGEST)


def _arguments(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must map a net's arguments to values, not {value!r}")


def _least_none(name: str, value: Any) -> None:
    whole_number(name, value, least=0)


def _plain(name: str, value: Any) -> None:
    if not isinstance(value, str | int | float | None):
        raise InputError(f"{name} must be a text or a number, not {value!r}")


CHECKS: dict[str, Check] = {
    "style.name": _name,
    "style.image": _or_null(text),
    "style.size": _or_null(_style_size),
    "style.strength_target": _or_null(_strength),
    "style.content_weight": _or_null(_weight),
    "style.style_weight": _or_null(_weight),
    "style.tv_weight": _weight,
    "style.margin": _or_null(_margin),
    "style.title": _plain,
    "style.painter": _plain,
    "style.year": _plain,
    "style.rights": _plain,
    "loss.content_weight": _or_null(_weight),
    "loss.style_weight": _or_null(_weight),
    "loss.tv_weight": _weight,
    "loss.content_layers": _layers,
    "loss.style_layers": _layers,
    "loss.network": _or_null(_choice(*NETWORKS)),
    "loss.weights": text,
    "loss.pooling": _choice(*POOLINGS),
    "loss.padding": _choice(*PADDINGS),
    "loss.normalization": _choice(*NORMALIZATIONS),
    "loss.statistic": _choice(*STATISTICS),
    "loss.patch_size": _or_null(_patch_size),
    "loss.patch_stride": _or_null(_patch_size),
    "loss.slim_share": _or_null(_share),
    "net.name": _choice(*NETS),
    "net.arguments": _arguments,
    "trainer.max_steps": _count,
    "trainer.device": text,
    "trainer.devices": _devices,
    "trainer.num_nodes": _count,
    "trainer.strategy": _strategy,
    "trainer.log_every": _count,
    "trainer.val_every": _count,
    "trainer.preview_every": _count,
    "trainer.checkpoint_every": _or_null(_count),
    "trainer.print_every": _or_null(_count),
    "trainer.max_time": _or_null(_duration),
    "paintings.source": _choice(*SOURCES),
    "paintings.path": _or_null(text),
    "paintings.split": text,
    "paintings.column": _or_null(text),
    "paintings.sizes": several_sizes,
    "paintings.variants": _count,
    "paintings.held_out": held_out_paintings,
    "paintings.limit": _or_null(_count),
    "paintings.mixed": _share,
    "paintings.style_weights": least_and_largest,
    "paintings.cache": _or_null(text),
    "styles": _or_null(several_styles),
    "init": _or_null(text),
    "resume": _or_null(text),
    "overwrite": switch,
    "runs": text,
    "checkpoints": text,
}
"""Setting -> its check; those of a recipe and of the photos are checked where they are used."""


NEEDED = {
    "style": ("name", "image", "size", "strength_target", "content_weight", "style_weight",
              "tv_weight"),
    "net": ("name", "arguments"),
    "loss": ("weights",),
    "data": (),
    "trainer": ("device", "devices", "max_steps"),
    "logger": (),
    "": ("init", "resume", "overwrite", "runs", "checkpoints"),
}  # fmt: skip
"""Groups and settings that a training can't be without: ``~logger`` takes one away."""
