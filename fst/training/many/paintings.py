"""The paintings that a net for any painting learns from: a folder of them, or a data set."""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fst import assets
from fst.errors import AssetError, FstWarning, InputError, in_a_line
from fst.image.painting import check_painting, load_painting, open_painting
from fst.system.checks import one_of, optional, text, whole_number
from fst.system.checksum import checksum
from fst.training.many.streamed import streamed_files

SOURCES = ("folder", "hub")
"""Where paintings come from; a local folder of parquet files counts as a hub's data set."""

LEAST = 64
"""Pixels of a painting's short side, in its file and at the smallest size it is seen at."""

SMALLEST = 256
"""Pixels of the long side at the smallest size that paintings are seen at."""

ADVICE = "for one painting, style=FILE is what you want"


@dataclass(frozen=True)
class Painting:
    """A painting to learn from.

    Attributes:
        name: of its file without the suffix, with folders where these tell it from others.
        path: of its file.
        sha256: of the file's bytes.
    """

    name: str
    path: Path
    sha256: str

    def open(self, size: int) -> Tensor:
        """The painting at a long side of ``size`` pixels, ``(1, 3, H, W)``, RGB in [0, 1].

        Raises:
            InputError: the file has changed and is no painting any more.
        """
        return load_painting(self.path, size)


def find_paintings(
    path: str,
    source: str = "folder",
    split: str = "train",
    column: str | None = None,
    limit: int | None = None,
    smallest: int = SMALLEST,
    cache: Path | None = None,
) -> list[Painting]:
    """Every painting of a folder or of a data set that there is something to learn from.

    A file that can't be decoded, a picture of one color, and one that is too small are left out,
    with a warning each; so is what is there a second time under another name.

    Args:
        path: a folder (itself, or below ``FST_ASSETS``); of a data set, its name on the Hugging
            Face hub or a folder of parquet files.
        source: one of :data:`SOURCES`.
        split: of a data set.
        column: of a data set, that holds the pictures; None is ``image``.
        limit: so many pictures are looked at, the first ones; None takes all.
        smallest: pixels of the long side at the smallest size that they will be seen at.
        cache: the folder in which pictures of a data set are kept; None is fst's own.

    Returns:
        The paintings, in the order of their files.

    Raises:
        InputError: a setting out of its range; no folder, or fewer than two paintings.
        AssetError: the data set can't be had.
    """
    path = text("paintings.path", path)
    limit = optional(whole_number, "paintings.limit", limit, 2)
    smallest = whole_number("paintings.sizes", smallest, LEAST)
    of_hub = one_of("paintings.source", source, SOURCES) == "hub"
    if of_hub:
        column = text("paintings.column", "image" if column is None else column)
        files = streamed_files(path, text("paintings.split", split), column, limit, cache)
    else:
        files = _folder_files(path, limit)

    def checked(file: tuple[str, Path]) -> Painting | str:
        try:
            title = f"{file[0]} of {path}" if of_hub else str(file[1])
            return _checked(*file, title, smallest)
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "paintings") as pool:
        found = _once(pool.map(checked, files))
    if len(found) < 2:
        usable = "only one of its pictures" if found else "none of its pictures"
        raise InputError(
            f"style=any needs many paintings, and {usable} in {path!r} can be learned from: give "
            f"a folder of paintings (paintings.path=FOLDER); {ADVICE}"
        )
    return found


def split_paintings(
    paintings: Sequence[Painting], held_out: int | Sequence[str], seed: int
) -> tuple[list[Painting], list[Painting]]:
    """Sets paintings apart to validate on, at most a tenth: of fewer than ten none.

    Which ones follows from their files' contents and the seed, not from names and order: those
    whose digests with the seed are the smallest. So another painting changes the choice only where
    it is chosen itself, in place of one.

    Args:
        paintings: all of them.
        held_out: how many to set apart; or their names, of however many.
        seed: of the choice.

    Returns:
        Those to train on, and those to validate on, each in the order given.

    Raises:
        InputError: ``held_out`` is no whole number, or negative, or names what is not there.
    """
    if not isinstance(held_out, int):
        return _apart(paintings, held_out)
    count = min(whole_number("paintings.held_out", held_out, 0), len(paintings) // 10)
    digests = {
        painting.sha256: hashlib.sha256(f"{seed} {painting.sha256}".encode()).digest()
        for painting in paintings
    }
    chosen = set(sorted(digests, key=digests.__getitem__)[:count])
    train = [painting for painting in paintings if painting.sha256 not in chosen]
    return train, [painting for painting in paintings if painting.sha256 in chosen]


def _apart(
    paintings: Sequence[Painting], names: Sequence[str]
) -> tuple[list[Painting], list[Painting]]:
    """Those that are not named, and those that are."""
    there = {painting.name for painting in paintings}
    if missing := [name for name in names if name not in there]:
        raise InputError(f"paintings.held_out: no {missing[0]!r} is among the paintings")
    if len(there) - len(set(names)) < 2:
        raise InputError("paintings.held_out leaves fewer than two paintings to learn from")
    train = [painting for painting in paintings if painting.name not in names]
    return train, [painting for painting in paintings if painting.name in names]


def _folder_files(path: str, limit: int | None) -> list[tuple[str, Path]]:
    """Name and path of every picture below a folder."""
    places = [Path(path).expanduser(), *assets.search_path(path)]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        if places[0].is_file():
            raise InputError(
                f"paintings.path={path} is one file, and style=any needs many paintings: give a "
                f"folder; {ADVICE}"
            )
        *given, _ = places[1:]
        looked = f"neither here nor at {given[0]}" if given else "and FST_ASSETS is not set"
        raise AssetError(f"no folder of paintings {path!r}, {looked}: give paintings.path=FOLDER")
    found = assets.find_images(folder)
    heif = [assets.say_heif(folder, found)] if found.heif else []
    for line in [*found.errors, *heif]:
        warnings.warn(line, FstWarning, stacklevel=3)
    if not found.photos:
        kinds = ", ".join(assets.IMAGE_SUFFIXES)
        if ".parquet" in found.others:
            raise InputError(
                f"{str(folder)!r} holds parquet files and no paintings: give paintings.source=hub"
            )
        raise InputError(f"no paintings in {str(folder)!r} (looked for {kinds}); {ADVICE}")
    files = found.photos[:limit]
    stems = Counter(file.stem for file in files)
    inside = [file.relative_to(folder) for file in files]
    names = [file.stem if stems[file.stem] == 1 else str(file.as_posix()) for file in inside]
    return [(in_a_line(name), file) for name, file in zip(names, files, strict=True)]


def _checked(name: str, path: Path, title: str, smallest: int) -> Painting:
    """The painting in a file, which is called ``title`` in messages.

    Raises:
        InputError: there is none, or none to learn from.
    """
    # a JPEG at a fraction of its size tells as well whether it is whole and of one color
    picture = open_painting(path, smallest, LEAST, title)
    check_painting(picture, smallest, title, LEAST)
    try:
        return Painting(name, path, checksum(path))
    except OSError as error:
        raise InputError(f"{title} can't be read: {error.strerror}") from error


def _once(results: Iterable[Painting | str]) -> list[Painting]:
    """The paintings without those that came before; says what is left out."""
    found: dict[str, Painting] = {}
    for result in results:
        if isinstance(result, str):
            warnings.warn(f"skipped: {result}", FstWarning, stacklevel=3)
        elif (first := found.setdefault(result.sha256, result)) is not result:
            line = f"skipped: {result.path} is {first.path} once more"
            warnings.warn(line, FstWarning, stacklevel=3)
    return list(found.values())
