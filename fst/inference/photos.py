"""Which photos are painted: files and folders that were given, each photo once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fst.assets import IMAGE_SUFFIXES, find_images, say_heif
from fst.errors import InputError
from fst.system.files import identity


@dataclass(frozen=True)
class Photo:
    """A photo, and its name below the folder of the results.

    ``walked`` is True where it was met in a folder, False where it was given itself. ``reads`` is
    what it is read from, if not from its path.
    """

    path: Path
    name: Path
    walked: bool = False
    reads: IO[bytes] | None = None


@dataclass(frozen=True)
class Gathered:
    """The photos, and lines on what else was met.

    Attributes:
        photos: each once.
        notes: what was passed over, and why.
        warnings: pictures that can't be read for want of a package.
        errors: folders that can't be read, links that lead nowhere.
    """

    photos: list[Photo] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def gather(inputs: Sequence[Path], output: Path | None) -> Gathered:
    """The photos of files and folders.

    Args:
        inputs: photos and folders of photos.
        output: the folder of the results: what is in it is no photo, where it lies in a folder that
            was given.

    Raises:
        InputError: a photo that isn't there or is no file, a folder without photos.
    """
    all_of_them = Gathered()
    for path in inputs:
        if path.is_dir():
            _walk(path, output, all_of_them)
        elif path.is_file():
            all_of_them.photos.append(Photo(path, Path(path.name)))
        elif os.path.lexists(path):
            what = "leads nowhere" if path.is_symlink() else "is neither a file nor a folder"
            raise InputError(f"{path} {what}")
        else:
            raise InputError(f"{path}: no such file")
    once, repeated = _once(all_of_them.photos)
    all_of_them.photos[:] = once
    all_of_them.notes.extend(repeated)
    return all_of_them


def _walk(folder: Path, output: Path | None, into: Gathered) -> None:
    """The photos of a folder, but for those in the folder of the results below it."""
    found = find_images(folder)
    photos = found.photos
    within = None if output is None else Path(os.path.realpath(output))
    if within is not None and Path(os.path.realpath(folder)) in within.parents:
        photos = [path for path in photos if within not in Path(os.path.realpath(path)).parents]
    into.errors.extend(found.errors)
    if not photos:
        if found.errors:
            return
        if found.photos:
            raise InputError(f"{folder} holds no photos besides those in {output}")
        if found.heif:
            raise InputError(say_heif(folder, found))
        raise InputError(f"no photos in {str(folder)!r} (looked for {', '.join(IMAGE_SUFFIXES)})")
    into.photos.extend(Photo(path, path.relative_to(folder), True) for path in photos)
    if found.heif:
        into.warnings.append(say_heif(folder, found))
    if found.others:
        kinds = sorted(found.others.items(), key=lambda kind: (-kind[1], kind[0]))
        listed = ", ".join(f"{count} {kind or 'without a suffix'}" for kind, count in kinds[:5])
        more = " and others" if len(kinds) > 5 else ""
        into.notes.append(f"passed over in {folder}, being no pictures: {listed}{more}")
    if found.interrupted:
        into.notes.append(f"passed over in {folder}: {found.interrupted} left by interruptions")
    hidden = [
        f"{count} {what if count == 1 else what + 's'}"
        for count, what in ((found.hidden, "picture"), (found.hidden_folders, "folder"))
        if count
    ]
    if hidden:
        into.notes.append(f"passed over in {folder}, being hidden: {' and '.join(hidden)}")
    if results := len(found.photos) - len(photos):
        into.notes.append(f"passed over in {folder}: {results} in {output}, the results' folder")


def _once(photos: Sequence[Photo]) -> tuple[list[Photo], list[str]]:
    """Each photo once, by its own name rather than a link's; and a line on those left out."""
    kept: dict[tuple[int, int] | str, Photo] = {}
    again: list[tuple[Path, Path]] = []
    for photo in photos:
        known = kept.setdefault(key := identity(photo.path), photo)
        if known is photo:
            continue
        if known.path.is_symlink() and not photo.path.is_symlink():
            kept[key] = photo
            known, photo = photo, known
        again.append((photo.path, known.path))
    if not again:
        return list(kept.values()), []
    (left_out, other), more = again[0], len(again) - 1
    others = f", and {more} more are there twice" if more else ""
    return list(kept.values()), [f"painted once: {left_out} is {other} again{others}"]
