"""What a checkpoint tells of its painting, its loss and its training, checked before it is used."""

from collections.abc import Callable, Mapping
from typing import Any

from fst.choices import MARGIN, MARGINS, PADDINGS
from fst.errors import InputError
from fst.losses.style.choice import CHOSEN, check_statistic
from fst.styles.names import check_name
from fst.system.checks import number, one_of, shown, stepped, text, whole_number

SECTIONS = ("style", "loss", "data", "recipe", "training", "paintings")
"""Those that are checked; the net is, with its tensors, and the rest is for people."""

LARGEST_PAINTING = 16_384
"""Pixels of the long side of a style's painting."""

MANY = "many"
"""The net of a many-file: one file of many styles (:mod:`fst.styles.many`)."""

LONGEST_TEXT = 500
"""Characters of a title, a painter and the like."""

_NEEDED = ("content_weight", "style_weight", "tv_weight", "loss_network")
_LOSS = (*_NEEDED, "content_layers", "style_layers", "normalization", *CHOSEN)


def check_sections(description: Mapping[str, Any]) -> None:
    """That the sections' values are of the types that are used.

    A section may be missing: a mean of other nets has no loss. A loss that is there has to be
    whole, and tell at which size it saw its painting.

    Args:
        description: of a checkpoint, with a ``style``.

    Raises:
        InputError: they aren't; names the value.
    """
    for section in SECTIONS:
        for key, value in _mapping(section, description.get(section, {})).items():
            check = _not_negative if key.endswith("_weight") else _CHECKS.get(key)
            if check is not None and value is not None:
                check(f"{section}.{key}", value)
    if "loss" in description:
        _check_loss(description["loss"], description["style"])


def _check_loss(loss: Mapping[str, Any], style: Mapping[str, Any]) -> None:
    if unknown := [key for key in loss if key not in _LOSS]:
        raise InputError(f"loss.{unknown[0]} is unknown: there is {', '.join(_LOSS)}")
    if missing := [key for key in (*_NEEDED, *loss) if loss.get(key) is None]:
        raise InputError(f"there is a loss, but no loss.{missing[0]}")
    check_statistic(loss, "loss.")
    for key in ("weights", "pooling", "sha256"):
        text(f"loss.loss_network.{key}", loss["loss_network"].get(key))
    one_of("loss.loss_network.padding", loss["loss_network"].get("padding", "zeros"), PADDINGS)
    if style.get("image") is not None and style.get("size") is None:
        raise InputError("there is a loss, but no style.size")


def padding_of(description: Mapping[str, Any]) -> str:
    """What the loss network of a style saw beyond borders: one of :data:`~fst.choices.PADDINGS`."""
    padding: str = description.get("loss", {}).get("loss_network", {}).get("padding", "zeros")
    return padding


def margin_of(description: Mapping[str, Any]) -> int:
    """Pixels by which a photo goes on beyond its border while a style's net paints it, by default.

    How wide the frame is that a net paints depends on its painting, whatever its loss network saw
    beyond borders: a style may say what it needs, by what was seen in its pictures.
    """
    margin: int | None = description.get("style", {}).get("margin")
    return MARGIN if margin is None else margin


def check_styles(description: Mapping[str, Any]) -> None:
    """That a many-file tells of its styles, one for each row of its net; of others, nothing.

    Args:
        description: of a checkpoint, with a ``net``.

    Raises:
        InputError: it doesn't; names the value.
    """
    if description["net"]["name"] != MANY:
        return
    styles = description.get("styles")
    if not isinstance(styles, list) or not styles:
        raise InputError(f"styles must be a list of styles, not {shown(styles)}")
    rows = _mapping("net.arguments", description["net"]["arguments"]).get("styles", 1)
    if type(rows) is not int or rows != len(styles):
        raise InputError(f"{len(styles)} styles are described, and the net has {shown(rows)}")
    names = set()
    for i, about in enumerate(styles):
        place = f"styles.{i}"
        if (name := check_name(_mapping(place, about).get("name"))) in names:
            raise InputError(f"two styles are called {name}")
        names.add(name)
        for key, check in _OF_A_STYLE.items():
            check(f"{place}.{key}", about.get(key))
        for key, value in about.items():
            if key not in _OF_A_STYLE and value is not None:
                _short_text(f"{place}.{key}", value)


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise InputError(f"{name} must be names and values, not {shown(value)}")


def _count(name: str, value: object) -> int:
    return whole_number(name, value, 0)


def _held_out(name: str, value: object) -> None:
    """A number of photos, or the names of paintings."""
    if not isinstance(value, list):
        _count(name, value)
        return
    for entry in value:
        text(name, entry)


def _not_negative(name: str, value: object) -> float:
    return number(name, value, 0)


def _margin(name: str, value: object) -> int:
    return stepped(name, value, MARGINS)


def _size(name: str, value: object) -> int:
    return whole_number(name, value, 1, LARGEST_PAINTING)


def _short_text(name: str, value: object) -> str:
    """A text or a number that people are shown."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(number(name, value))
    if len(said := text(name, value)) > LONGEST_TEXT:
        raise InputError(f"{name} must have at most {LONGEST_TEXT} characters, not {len(said)}")
    return said


_OF_A_STYLE: dict[str, Callable[[str, Any], Any]] = {
    "image": text,
    "size": _size,
    "style_weight": _not_negative,
}
"""What a style of a many-file has to tell besides its name."""

_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "size": _size,
    "margin": _margin,
    "held_out": _held_out,
    **dict.fromkeys(("steps", "batch_size", "count", "variants"), _count),
    **dict.fromkeys(("seconds", "slim_steps_share", "strength_target"), _not_negative),
    **dict.fromkeys(
        ("image", "image_sha256", "normalization", "device", "precision", "init", "network"), text
    ),
    **dict.fromkeys(("content_layers", "style_layers", "loss_network"), _mapping),
}
"""By the names of values, whatever their section."""
