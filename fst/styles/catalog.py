"""Which styles there are: names, files, checkpoints."""

import math
import warnings
from pathlib import Path
from typing import Any

import torch
import yaml

from fst import assets
from fst.errors import AssetError, CheckpointError, FstWarning, InputError
from fst.styles.blend import blend, parse_blend
from fst.styles.trained import TrainedStyle, load_checkpoint

STYLES = assets.shipped("configs") / "style"
"""The style files that come with fst."""


def resolve_style(style: str, checkpoints: Path | None = None) -> tuple[Path | None, str]:
    """The style's checkpoint, or None, and its name.

    Args:
        style: the name of a style, or the path of a checkpoint or of a painting.
        checkpoints: the folder of finished styles; None is :func:`fst.assets.checkpoint_folders`.

    Raises:
        CheckpointError: a path that is a pickle or no checkpoint.
        InputError: neither a checkpoint nor a painting has this name; names those there are.
    """
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    path = Path(style)
    if path.suffix in (".safetensors", ".pth", ".pt", ".ckpt", ".model", ".bin"):
        return path, load_checkpoint(path).name
    if path.suffix.lower() in assets.IMAGE_SUFFIXES and path.is_file():
        return None, path.stem
    for folder in folders:
        if (trained := folder / f"{style}.safetensors").is_file():
            return trained, style
    if style in style_names():
        return None, style
    try:
        return None, assets.find("styles", style).stem
    except AssetError:
        found = {path.stem for folder in folders for path in folder.glob("*.safetensors")}
        known = ", ".join(sorted(found))
        raise InputError(
            f"no style {style!r}: checkpoints in {folders[0]}/: {known or 'none'}; "
            f"paintings to optimize for: {', '.join(style_names())}; "
            "or give the path of a checkpoint or of a painting"
        ) from None


def load_style(
    style: str, checkpoints: Path | None = None, device: torch.device | str = "cpu"
) -> TrainedStyle:
    """A trained style by its name or path, or a blend of several: ``"monet=0.7,poppies=0.3"``.

    The shares of a blend are divided by their sum where that is not 1, with a warning.

    Raises:
        CheckpointError: no checkpoint, a damaged one, or a blend of different nets.
        InputError: no such style; a blend that can't be read.
    """
    if "=" not in style or Path(style).exists():
        path, name = resolve_style(style, checkpoints)
        if path is None and style != name:
            raise CheckpointError(
                f"{style} is a painting, not a trained style: train one with scripts/train.py "
                f"style=monet style.name={name} style.image={style}"
            )
        if path is None:
            raise CheckpointError(
                f"no checkpoint for {name!r} in {checkpoints or 'checkpoints'}/: train one "
                f"with scripts/train.py style={name}, or use --method optimize"
            )
        return load_checkpoint(path, device)
    shares = parse_blend(style)
    if not math.isclose(total := sum(shares.values()), 1, rel_tol=1e-3):
        warnings.warn(
            f"the shares of {style} add up to {total:g}: divided by that", FstWarning, stacklevel=2
        )
    shares = {name: share / total for name, share in shares.items()}
    return blend({name: load_style(name, checkpoints, device) for name in shares}, shares)


def style_name(style: str, checkpoints: Path | None = None) -> str:
    """What pictures in this style, or in this blend of styles, are named after.

    Raises:
        CheckpointError, InputError: as :func:`resolve_style`.
    """
    if "=" in style and not Path(style).exists():
        return "-".join(resolve_style(name, checkpoints)[1] for name in parse_blend(style))
    return resolve_style(style, checkpoints)[1]


def style_file(style: str) -> dict[str, Any]:
    """What a style file says; of a painting without one: ``{"image": style}``."""
    return read_style(style) if style in style_names() else {"image": style}


def style_names(folder: Path = STYLES) -> list[str]:
    """Names of the style files, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_style(name: str, folder: Path = STYLES) -> dict[str, Any]:
    """A style file as a plain dictionary: name, image, title, painter, and what differs.

    Raises:
        InputError: no such style (names the ones there are), or a file that is no mapping.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise InputError(f"no style {name!r}: there are {', '.join(style_names(folder)) or 'none'}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is no mapping of names to values")
    return content
