"""What checkpoints say of themselves, read from their headers alone: no torch, no weights.

A *many-file* is one checkpoint of many styles: shared convolutions, and a row of numbers for each
style (:class:`fst.nets.conditional.ManyNet`).
"""

import difflib
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from fst.errors import CheckpointError, FstWarning, InputError
from fst.styles.description import MANY, check_styles
from fst.styles.names import is_path
from fst.system.files import utf8_path

SUFFIX = ".safetensors"

SHOWN = 10
"""Names that a message lists."""


def read_header(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself; only what it says of many styles is checked.

    Raises:
        CheckpointError: not a whole safetensors file of ours.
    """
    try:
        with utf8_path(path) as same, safe_open(same, framework="np") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["fst"])
        if not isinstance(about["style"], dict) or not isinstance(about["net"]["name"], str):
            raise TypeError("no mapping")
        check_styles(about)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is not a trained style, or damaged: {reason}") from error
    return about


def styles_of(path: Path) -> list[dict[str, Any]]:
    """What a many-file says of its styles, in the order of its rows; of others, nothing.

    Raises:
        CheckpointError: not a whole safetensors file of ours.
    """
    about = read_header(path)
    found: list[dict[str, Any]] = about["styles"] if about["net"]["name"] == MANY else []
    return found


def many_files(folders: Iterable[Path]) -> dict[Path, list[str]]:
    """The many-files in some folders, in the order in which a name is looked for, and their styles.

    What is damaged is passed over: it is told where it is asked for, and by ``fst styles``.
    """
    paths = [path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return {path: names for path in paths if (names := names_in(path))}


def find_in_many(style: str, folders: Sequence[Path]) -> tuple[Path, str] | None:
    """Where a style of a many-file lies, and its name there; None where it is none.

    Args:
        style: a style's name, or behind a file's: ``"gallery:klimt_kiss"``,
            ``"my/gallery.safetensors:klimt_kiss"``.
        folders: of checkpoints. Of a name that is in several files, the first is taken, and that
            is said.

    Raises:
        CheckpointError: a damaged file was named with a style of it.
        InputError: a many-file was named, and no style of it, or one that it does not have.
    """
    if (path := checkpoint_called(style, folders)) is not None:
        if not (names := names_in(path)):
            return None  # one style; or damaged, which reading it will tell
        raise InputError(
            f"{style} is a file of {len(names)} styles: give one of them (--style "
            f"{style}:{names[0]}); it has {listed(names)}"
        )
    file, colon, name = style.rpartition(":")
    if not colon or Path(style).exists() or (path := checkpoint_called(file, folders)) is None:
        if file.endswith(SUFFIX):
            raise CheckpointError(f"no checkpoint {file!r}")
        if is_path(style):
            return None
        held = files_with(style, folders)
        if len(held) > 1:
            this, *others = (spelled(path, style, folders) for path in held)
            warnings.warn(
                f"several files have a style {style}: this is {this}; there is {', '.join(others)}",
                FstWarning,
                stacklevel=2,
            )
        return (held[0], style) if held else None
    names = [str(about["name"]) for about in styles_of(path)]
    if not names:
        raise InputError(f"{file} is one style, not a file of many: give it without :{name}")
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f": did you mean {near[0]}?" if near else "."
        raise InputError(f"no style {name!r} in {file}{hint} It has {listed(names)}")
    return path, name


def files_with(style: str, folders: Iterable[Path]) -> list[Path]:
    """The many-files that have a style of that name, each once; the first one is taken."""
    held = [path for path, names in many_files(folders).items() if style in names]
    return list({path.resolve(): path for path in reversed(held)}.values())[::-1]


def spelled(path: Path, style: str, folders: Sequence[Path]) -> str:
    """How the style of one many-file and no other is asked for."""
    called = checkpoint_called(path.stem, folders)
    return f"{path.stem if called == path else path}:{style}"


def listed(names: Sequence[str]) -> str:
    """At most :data:`SHOWN` names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def title_of(about: Mapping[str, Any]) -> str:
    """What people call a style's painting."""
    return str(about.get("title") or f"(a painting: {about.get('image') or 'unknown'})")


def names_in(path: Path) -> list[str]:
    """The styles of a many-file; none of another checkpoint, nor of a damaged one."""
    try:
        return [str(about["name"]) for about in styles_of(path)]
    except CheckpointError:
        return []


def checkpoint_called(name: str, folders: Sequence[Path]) -> Path | None:
    """The file of a checkpoint that is there, by its path or its name."""
    if Path(name).suffix == SUFFIX:
        return Path(name) if Path(name).is_file() else None
    files = (folder / f"{name}{SUFFIX}" for folder in folders)
    return next((path for path in files if path.is_file()), None)
