"""Settings that belong together in a training of many styles, checked before any work is done."""

from collections.abc import Collection, Mapping
from typing import Any

from fst.errors import InputError
from fst.styles.description import LARGEST_PAINTING
from fst.system.checks import number, shown, text, whole_number
from fst.training.many.paintings import LEAST

KINDS = ("any", "many")
"""Nets of many styles, by their names."""

OF_PAINTINGS = ("source", "path", "split", "column", "sizes", "variants", "held_out", "mixed",
                "style_weights", "cache")  # fmt: skip
"""Settings of the group ``paintings``, none of which ``style=any`` can be without."""

OF_ONE_PAINTING = (
    *(f"style.{key}" for key in ("size", "strength_target", "content_weight", "style_weight")),
    *(f"loss.{key}" for key in ("content_weight", "style_weight")),
)
"""Settings that have no meaning for any painting."""


def is_of_many(settings: Mapping[str, Any]) -> bool:
    """Whether a net of many styles is trained."""
    return settings["net"]["name"] in KINDS


def check_kind(settings: Mapping[str, Any]) -> None:
    """That net, style, styles and paintings are those of one kind of training.

    Raises:
        InputError: they aren't, in one line.
    """
    kind, image = settings["net"]["name"], settings["style"]["image"]
    paintings: Mapping[str, Any] = settings.get("paintings", {})
    styles, path = settings.get("styles"), paintings.get("path")
    if kind != "many" and styles is not None:
        raise InputError(f"several styles are learned by net=many, not by net={kind}")
    if kind in KINDS and image is not None:
        many = "style=any paintings.path=FOLDER" if kind == "any" else "style=[monet,my.jpg]"
        raise InputError(
            f"net={kind} is not trained on one painting ({image}): give {many}; for one painting, "
            "style=FILE alone"
        )
    if kind in KINDS and settings["loss"].get("normalization") == "course":
        raise InputError("loss.normalization=course knows one painting: leave it out")
    statistic = settings["loss"].get("statistic", "gram")
    if kind in KINDS and statistic != "gram":
        raise InputError(
            f"loss.statistic={statistic} knows one painting, and net={kind} learns many, by their "
            "Gram matrices: leave it out"
        )
    if image is None and kind not in KINDS:
        raise InputError(
            f"net={kind} learns one painting, and style.image is not given: style=FILE; style=any "
            "goes with net=any, style=[monet,my.jpg] with net=many"
        )
    if kind == "any":
        if path is None:
            raise InputError(
                "style=any learns from many paintings: give paintings.path=FOLDER (or "
                "paintings.source=hub paintings.path=NAME)"
            )
        if missing := [key for key in OF_PAINTINGS if key not in paintings]:
            raise InputError(f"paintings.{missing[0]} is not given")
    elif path is not None:
        raise InputError(f"paintings.path={path} is for style=any")
    elif kind == "many" and not styles:
        raise InputError("net=many learns styles that are named: style=[monet,my.jpg]")
    if kind != "many" and settings["style"]["size"] is None:
        raise InputError("style.size is null: give the painting's long side in pixels")
    if kind != "any" and settings["style"]["name"] == "any":
        raise InputError("style.name can't be any, which is the net for any painting's")


def check_frozen(settings: Mapping[str, Any]) -> None:
    """That convolutions which stay as they are have learned something before.

    Raises:
        InputError: they are random.
    """
    if settings.get("freeze") and settings["init"] is None:
        raise InputError(
            "freeze=true keeps the convolutions of another net: give init=… of one that fits"
        )


def check_typed(settings: Mapping[str, Any], typed: Collection[str]) -> None:
    """That nothing was typed that this kind of training does not look at.

    Args:
        settings: all of them.
        typed: the settings that the user has given.

    Raises:
        InputError: something was; names it.
    """
    kind = settings["net"]["name"]
    of_paintings = [name for name in typed if name.partition(".")[0] == "paintings"]
    if kind != "any" and of_paintings:
        raise InputError(f"{of_paintings[0]} is for style=any, which learns from many paintings")
    if kind in KINDS and "style.margin" in typed:
        raise InputError(
            f"style.margin is of one painting, and net={kind} learns many: leave it out"
        )
    if kind == "any" and (useless := [name for name in OF_ONE_PAINTING if name in typed]):
        raise InputError(
            f"{useless[0]} is of one painting: for style=any there are paintings.sizes and "
            "paintings.style_weights"
        )
    if kind == "many" and (useless := [n for n in typed if n.endswith("strength_target")]):
        raise InputError(f"{useless[0]} is of one painting: for several give style.style_weight")


def count_rows(settings: dict[str, Any]) -> None:
    """Sets how many rows a net of several styles has, where the styles are named."""
    styles, net = settings.get("styles"), settings.get("net")
    if isinstance(styles, list) and isinstance(net, dict) and net.get("name") == "many":
        if isinstance(arguments := net.get("arguments"), dict):
            arguments["styles"] = len(styles)


def several_styles(name: str, value: Any) -> None:
    """That it is a list of styles."""
    if not isinstance(value, list) or len(value) < 2:
        raise InputError(
            f"{name} must be two or more styles, as style=[monet,my.jpg], not {shown(value)}"
        )
    for entry in value:
        text(name, entry)


def several_sizes(name: str, value: Any) -> None:
    """That it is a list of different sizes of paintings in pixels."""
    if not isinstance(value, list) or not value or len(set(map(str, value))) < len(value):
        raise InputError(f"{name} must be different sizes, as [256,512], not {shown(value)}")
    for size in value:
        whole_number(name, size, LEAST, LARGEST_PAINTING)


def held_out_paintings(name: str, value: Any) -> None:
    """That it is a number of paintings, or a list of their names."""
    if not isinstance(value, list):
        whole_number(name, value, least=0)
        return
    for entry in value:
        text(name, entry)


def least_and_largest(name: str, value: Any) -> None:
    """That it is a range of style weights."""
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{name} must be the least and the largest, as [2,40], not {shown(value)}")
    low, high = (number(name, weight, above=0) for weight in value)
    if low > high:
        raise InputError(f"{name} must be the least and the largest, as [2,40], not {value}")
