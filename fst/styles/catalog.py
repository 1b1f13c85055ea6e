"""Which styles there are, and which one is meant: names, files, checkpoints."""

import difflib
import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from fst import assets
from fst.errors import AssetError, CheckpointError, FstWarning, InputError
from fst.image.picture import Picture
from fst.styles.blend import blended, parse_blend
from fst.styles.headers import SUFFIX, find_in_many, listed, many_files
from fst.styles.many import style_of
from fst.styles.names import file_called, is_small
from fst.styles.paintings import as_path, find_painting
from fst.styles.predicted import ANY, with_prediction
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle, load_checkpoint

BASE = "base"
"""The checkpoint that trainings begin with: no style to paint in."""

STYLES = assets.shipped("configs") / "style"
"""The style files that come with fst."""


def find_style(
    style: str | Picture,
    checkpoints: Path | None = None,
    device: torch.device | str = "cpu",
    asked: Mapping[str, Any] | None = None,
) -> Style:
    """The style that is meant; its checkpoint, where it has one, is read here, and once.

    Args:
        style: the name of a style; the path of a checkpoint or of a painting; a painting itself; a
            style of a many-file, ``"gallery:klimt_kiss"`` (:mod:`fst.styles.headers`); or a blend,
            ``"monet=0.7,poppies=0.3"``, whose shares are divided by their sum where that is not 1,
            with a warning.
        checkpoints: the folder of finished styles; None is :func:`fst.assets.checkpoint_folders`.
        device: for the net.
        asked: where a style has no net, its net is predicted from its painting, if there is an
            any-painting net; this is what is asked of it
            (:func:`~fst.styles.predicted.with_prediction`). None predicts none.

    Raises:
        CheckpointError: a damaged checkpoint, a pickle, a blend of different nets or of no nets.
        InputError: no such style (names those there are) or folder; a blend that can't be read; a
            painting that no net can be predicted from.
    """
    if isinstance(style, str) and is_blend(style):
        return _find_blend(style, checkpoints, device, asked)
    found = _find_one(style, checkpoints, device)
    return found if asked is None else with_prediction(found, asked, checkpoints, device)


def is_blend(style: str) -> bool:
    """Whether it means several styles and their shares."""
    file, colon, _ = style.rpartition(":")  # of one style of a many-file
    return "=" in style and not Path(style).exists() and not (colon and Path(file).is_file())


def _find_one(style: str | Picture, checkpoints: Path | None, device: torch.device | str) -> Style:
    if isinstance(style, Picture):
        folder = _folders(checkpoints)[0]
        return Style("painting", "the painting", {}, picture=style, searched=folder)
    if (among := find_in_many(style, _folders(checkpoints))) is not None:
        trained = style_of(*among, device)
        about = trained.description["style"]
        folder = _folders(checkpoints)[0]
        return Style(trained.name, style, about, about["image"], trained, searched=folder)
    path, name = _resolve(style, checkpoints)
    searched = _folders(checkpoints)[0]
    if path is None and style not in style_names():  # a painting
        return Style(name, style, {"image": style}, as_path(style), searched=searched)
    if path is None:
        about = style_file(style)
        image = about.get("image") or style_file(name)["image"]
        return Style(name, style, about, image, searched=searched)
    trained = load_checkpoint(path, device)
    about = trained.description["style"]
    name = trained.name if Path(style) == path else name
    # a checkpoint knows the painting that it was trained on, whatever its name
    image = about.get("image") or style_file(name)["image"]
    return Style(name, style, about, image, trained, searched=searched)


def is_trained(name: str, checkpoints: Path | None = None) -> bool:
    """Whether there is a checkpoint of that name, in the folders of :func:`find_style`."""
    return any((folder / f"{name}.safetensors").is_file() for folder in _folders(checkpoints))


def _find_blend(
    text: str,
    checkpoints: Path | None,
    device: torch.device | str,
    asked: Mapping[str, Any] | None,
) -> Style:
    shares = parse_blend(text)
    found = {name: find_style(name, checkpoints, device, asked) for name in shares}
    if not math.isclose(total := sum(shares.values()), 1, rel_tol=1e-3):
        warnings.warn(
            f"the shares of {text} add up to {total:g}: divided by that", FstWarning, stacklevel=3
        )
    shares = {name: share / total for name, share in shares.items()}
    return blended(text, found, shares)


def _folders(checkpoints: Path | None) -> tuple[Path, ...]:
    if checkpoints is not None and not checkpoints.is_dir():
        raise InputError(f"no folder of checkpoints {str(checkpoints)!r}")
    return assets.checkpoint_folders() if checkpoints is None else (checkpoints,)


def _resolve(style: str, checkpoints: Path | None = None) -> tuple[Path | None, str]:
    """Where the style's checkpoint lies, or None, and its name; reads nothing.

    A name is that of a checkpoint, then of a style file, then of a painting. A checkpoint that is
    given by its path has its file's name here, and its own once it is read.

    Args:
        style: the name of a style, or the path of a checkpoint or of a painting.
        checkpoints: as for :func:`find_style`.

    Raises:
        InputError: neither a checkpoint nor a painting has this name; names those there are.
    """
    folders = _folders(checkpoints)
    path = Path(style)
    if path.suffix in (".safetensors", ".pth", ".pt", ".ckpt", ".model", ".bin"):
        return path, path.stem
    if path.suffix.lower() in assets.IMAGE_SUFFIXES and path.is_file():
        return None, path.stem
    for folder in folders:
        if (trained := folder / f"{style}.safetensors").is_file():
            return trained, style
    if style in style_names():
        return None, style
    try:
        return None, find_painting(style).stem
    except AssetError:
        raise InputError(_no_style(style, folders)) from None


def _no_style(style: str, folders: Sequence[Path]) -> str:
    """What is said of a style that is nowhere: a file that is missing, or the names that are."""
    if style.strip("./") and Path(style).is_dir():
        return f"no style {style!r}: a folder; give one painting of it (fst sheet shows all)"
    if Path(style).suffix.lower() in assets.IMAGE_SUFFIXES:
        what = "no such file, here or among the assets"
        if os.path.lexists(style):
            what = "it is there, but is no file: a link that leads nowhere, a pipe or a device"
        return f"no painting {style!r}: {what}"
    if (painting := file_called(style)) is not None:
        return f"no style {style!r}: did you mean {painting}, the painting in this folder?"
    file, colon, _ = style.rpartition(":")
    if colon and (here := Path(f"{file}{SUFFIX}")).is_file():
        return f"no style {style!r}: did you mean {here}, the file in this folder?"
    trained = trained_names(folders)
    shown = [name for name in trained if not is_small(name, trained)]
    plain = {re.sub(r"\W|_", "", name.lower()): name for name in {*trained, *style_names()}}
    near = difflib.get_close_matches(re.sub(r"\W|_", "", style.lower()), list(plain), n=1)
    hint = f": did you mean {plain[near[0]]}?" if near else "."
    return (
        f"no style {style!r}{hint} Trained: {listed(shown) or 'none'}; to "
        f"optimize for: {', '.join(style_names())}; or give the path of a checkpoint or of a "
        "painting (fst styles lists all)"
    )


def check_there(style: str, checkpoints: Path | None = None) -> None:
    """That :func:`find_style` would find something; reads no net.

    Raises:
        CheckpointError: no such file.
        InputError: no such style (names those there are); a blend that can't be read.
    """
    if is_blend(style):
        for part in parse_blend(style):
            check_there(part, checkpoints)
    elif find_in_many(style, _folders(checkpoints)) is None:
        path, _ = _resolve(style, checkpoints)
        if path is not None and not path.is_file():
            raise CheckpointError(f"no checkpoint {str(path)!r}")


def trained_alone(folders: Sequence[Path]) -> list[Path]:
    """The checkpoints of one style each, sorted by name; of a name, the one that is taken."""
    several = many_files(folders)
    found: dict[str, Path] = {}
    for path in (path for folder in folders for path in folder.glob("*.safetensors")):
        if path.stem not in (BASE, ANY) and path not in several:
            found.setdefault(path.stem, path)
    return [found[name] for name in sorted(found)]


def trained_names(folders: Sequence[Path]) -> list[str]:
    """The styles that there is a net for, sorted; behind them those of many-files."""
    alone = [path.stem for path in trained_alone(folders)]
    among = {name for names in many_files(folders).values() for name in names}
    return [*alone, *sorted(among - set(alone))]


def load_style(
    style: str, checkpoints: Path | None = None, device: torch.device | str = "cpu"
) -> TrainedStyle:
    """The trained net of :func:`find_style`.

    Raises:
        CheckpointError: no checkpoint, a damaged one, or a blend of different nets.
        InputError: no such style; a blend that can't be read.
    """
    return find_style(style, checkpoints, device).net()


def style_file(style: str) -> dict[str, Any]:
    """What a style file says; of a painting without one: ``{"image": style}``."""
    return read_style(style) if style in style_names() else {"image": style}


def style_names(folder: Path = STYLES) -> list[str]:
    """Names of the style files, sorted; ``any``, which trainings know, is no style."""
    return sorted(
        path.stem for path in folder.glob("*.yaml") if path.stem[0] != "_" and path.stem != ANY
    )


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
