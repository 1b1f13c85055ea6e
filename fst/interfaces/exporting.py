"""``fst.load("monet").export("onnx", "folder")``."""

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fst.errors import InputError
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import calibrating
from fst.inference.export.writing import export
from fst.inference.options import check_names, listed
from fst.interfaces.conversion import to_path
from fst.interfaces.own_modes import own_modes
from fst.styles.style import Style
from fst.system.checks import switch

NAMES = {name for name in inspect.signature(ExportOptions).parameters} - {"name", "metadata"}


def export_style(
    style: Style | None, to: str, folder: str | os.PathLike[str], options: Mapping[str, Any]
) -> list[Path]:
    """See :meth:`fst.interfaces.loaded_style.LoadedStyle.export`."""
    check_names(options, {*NAMES, "overwrite"})
    if style is None:
        raise InputError("this style was not loaded by fst.load: it can't be exported")
    chosen = dict(options)
    overwrite = switch("overwrite", chosen.pop("overwrite", False))
    photos = [Path(to_path(one, "photo")) for one in listed(chosen.pop("calibrate", None))]
    made = ExportOptions.of(style, calibrate=calibrating(photos), **chosen)
    place = Path(to_path(folder, "folder"))
    with own_modes(torch.device("cpu")):
        (written,) = export(style, [to], place, made, overwrite)
    return list(written.files)
