"""What results are called."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fst.errors import InputError
from fst.image.io import FORMATS
from fst.inference.photos import Photo


def destination(output: str | Path | None, single: bool) -> tuple[Path | None, Path | None]:
    """The file to write, or else the folder; neither is beside the photo.

    Args:
        output: as it was given: what ends in a slash is a folder.
        single: there is one photo.

    Raises:
        InputError: several photos and no folder; a file of a kind that is not written.
    """
    if output is None:
        if single:
            return None, None
        raise InputError("name a folder for the results of a folder or of several photos: --output")
    path = Path(output)
    slash = str(output).endswith(("/", os.sep))
    if slash or path.is_dir() or not (path.suffix if single else path.suffix.lower() in FORMATS):
        return None, path
    if not single:
        raise InputError(f"{path} can't hold several pictures: name a folder")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"can't write {path.name!r}: give one of {', '.join(FORMATS)}")
    return path, None


def named(
    photos: Sequence[Photo], style: str, file: Path | None, folder: Path | None
) -> dict[Photo, Path]:
    """Of every photo, where its result goes.

    Results are called ``<photo>-<style>.<suffix>``. A kind of picture that is not written becomes a
    PNG: ``a.gif`` is painted as ``a-monet.png``, and as ``a.gif-monet.png`` where another photo is
    ``a.png``.

    Args:
        photos: all of a command.
        style: the style's name, which may come from a file of somebody else.
        file: the one result, if it was named.
        folder: of the results; None is beside the photo.
    """
    style = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", style)
    if file is not None:
        return {photo: file for photo in photos}
    stems = {
        photo: (photo.name if folder else photo.path).with_name(f"{photo.path.stem}-{style}")
        for photo in photos
    }
    plain = {
        photo: stem.with_name(f"{stem.name}{_suffix(photo.path)}") for photo, stem in stems.items()
    }
    count = Counter(plain.values())
    names = {}
    for photo, name in plain.items():
        if count[name] > 1 and photo.path.suffix.lower() not in FORMATS:
            name = name.with_name(f"{photo.path.name}-{style}.png")
        names[photo] = folder / name if folder else name
    return names


def _suffix(photo: Path) -> str:
    return photo.suffix if photo.suffix.lower() in FORMATS else ".png"
