"""A painting of the user's own beside the styles that come with fst: its title and its name."""

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

from fst.errors import FstWarning, InputError
from fst.styles.catalog import read_style, style_names


def own_painting(style: dict[str, Any], style_file: str | None, typed: Collection[str]) -> None:
    """A painting of the user's own, under another's file, has another title and painter.

    Args:
        style: the group of settings; changed where it is one.
        style_file: that it was composed of; None without one.
        typed: the settings that the user has given.

    Raises:
        InputError: a painting of the user's own, and the name of a style that comes with fst.
    """
    if not {"name", "image"} <= style.keys():
        return  # which is said with all that is missing
    name, image = style["name"], str(style["image"])
    shipped = name in style_names()
    scan = shipped and Path(image).stem in (name, Path(read_style(name)["image"]).stem)
    if name == style_file:
        if scan or not shipped:  # or a file of the user's own
            return
        if "style.name" not in typed:
            raise InputError(
                f"style.image={image} is not the painting of {name}: give style={image} instead, "
                "or a style.name=… of its own"
            )
    # a run that is resumed by its style's name has its own painting
    new = style_file is not None or "style.image" in typed
    if shipped and not scan and new and "style.name" in typed:
        what = image if style["image"] is not None else "a net of several styles"
        line = (
            f"{what} is trained under the name of {name}, a style that comes with fst, which "
            f"--style {name} no longer means then: style.name=my_{name} keeps both"
        )
        warnings.warn(line, FstWarning, stacklevel=2)
    for key in ("title", "painter", "year", "rights"):
        if f"style.{key}" not in typed:
            style[key] = None
