"""The weights of the loss, wherever they are given, and whether a pilot is to find them."""

from collections.abc import Mapping
from typing import Any

from fst.errors import InputError
from fst.losses.perceptual import TV_WEIGHT


def is_calibrated(weights: Mapping[str, Any]) -> bool:
    """Whether the weights of content and style follow from the strength asked for."""
    return weights["content_weight"] is None and weights["style_weight"] is None


def style_weights(settings: Mapping[str, Any]) -> dict[str, float | None]:
    """The three weights of the loss, wherever they were given: ``style.`` or ``loss.``.

    ``loss.…_weight`` is ``style.…_weight`` unless it was set itself.

    Raises:
        InputError: a weight was given in both places, and differs.
    """
    found: dict[str, float | None] = {}
    for name in ("content_weight", "style_weight", "tv_weight"):
        of_style, of_loss = settings["style"].get(name), settings["loss"].get(name)
        if of_loss is None or of_loss == of_style:
            found[name] = of_style
        elif of_style is None or (name == "tv_weight" and of_style == TV_WEIGHT):
            found[name] = of_loss
        else:
            raise InputError(
                f"style.{name}={of_style:g} and loss.{name}={of_loss:g} are one weight: give one"
            )
    return found
