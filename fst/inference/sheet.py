"""One photo in many styles: which styles there are, and a cell of the sheet for each."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from fst import assets
from fst.errors import (
    AssetError,
    CheckpointError,
    FstError,
    FstWarning,
    InputError,
    in_a_line,
)
from fst.image.io import load_image
from fst.image.picture import Picture, resize
from fst.image.style_sheet import Cell
from fst.inference.control import Layer, paint
from fst.inference.options import PassOptions
from fst.inference.stylizers import make_stylizer
from fst.styles.catalog import check_there, find_style, is_blend, style_names, trained_alone
from fst.styles.headers import (
    checkpoint_called,
    files_with,
    find_in_many,
    many_files,
    names_in,
)
from fst.styles.names import is_path, is_small
from fst.styles.painting_list import listed_painting
from fst.styles.paintings import find_painting, paintings_in
from fst.styles.predicted import ANY, fitting_size
from fst.styles.style import Style
from fst.system.checksum import checksum
from fst.system.signals import stop_if_asked

INSET_SIDE = 160
"""Pixels of the painting in a cell's corner, before it is made as small as that is."""


@dataclass(frozen=True)
class Wanted:
    """A style to be shown.

    Attributes:
        word: that :func:`~fst.styles.catalog.find_style` finds it by.
        name: what stands below its picture.
        files: the checkpoint or the painting that it comes from, as far as it is one that is there.
    """

    word: str
    name: str
    files: tuple[Path, ...] = ()


def wanted_styles(words: Sequence[str], checkpoints: Path | None = None) -> list[Wanted]:
    """The styles that some words mean, each once.

    Args:
        words: styles, paintings, many-files with all their styles, and folders of paintings; none
            means every style that there is a net for.
        checkpoints: the folder of finished styles; None is :func:`fst.assets.checkpoint_folders`.

    Raises:
        InputError: a folder without pictures, or there is no style at all.
    """
    if checkpoints is not None and not checkpoints.is_dir():
        raise InputError(f"no folder of checkpoints {str(checkpoints)!r}")
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    found = (
        [one for word in words for one in _meant(word, folders, checkpoints)]
        if words
        else _all(folders)
    )
    if not found:
        where = ", ".join(map(str, folders))
        raise InputError(f"no trained styles in {where}: give a folder of paintings (--styles DIR)")
    once = {str(Path(one.word).resolve()) if is_path(one.word) else one.word: one for one in found}
    return told_apart(list(once.values()))


def told_apart(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Of styles of one name, each gets as much of its folder, or of its file, as tells it apart."""
    alike: dict[str, list[Wanted]] = {}
    for one in wanted:
        alike.setdefault(one.name, []).append(one)
    named: dict[str, str] = {}
    for group in (group for group in alike.values() if len(group) > 1):
        places = [_place(one) for one in group]
        depth, deepest = 1, max(map(len, places))
        apart = len(set(places))  # a style may be named twice
        while depth < deepest and len({place[-depth - 1 :] for place in places}) < apart:
            depth += 1
        named |= {
            one.word: "/".join(place[-depth - 1 : -1]) + place[-1]
            for one, place in zip(group, places, strict=True)
        }
    # a name may hold what can't be drawn, or is no text at all
    return [replace(one, name=in_a_line(named.get(one.word, one.name))) for one in wanted]


def _place(wanted: Wanted) -> tuple[str, ...]:
    """From the outermost folder to what stands below its picture."""
    (file, *_) = wanted.files or (Path(wanted.name),)
    if file.stem == wanted.name:  # a checkpoint of its own, which is what the name alone means
        return (wanted.name,)
    if file.name == Path(wanted.name).name:
        return (*file.parts[:-1], f"/{wanted.name}" if len(file.parts) > 1 else wanted.name)
    return (*file.parts[:-1], file.stem, f":{wanted.name}")


def _all(folders: Sequence[Path]) -> list[Wanted]:
    """Every style that has a net: those that were trained alone, then those of many-files.

    The small net of a style is left out: its pictures are alike.
    """
    alone = {path.stem: path for path in trained_alone(folders)}
    found = {
        name: Wanted(name, name, (path,))
        for name, path in alone.items()
        if not is_small(name, alone)
    }
    for path, names in many_files(folders).items():
        for name in names:
            if name in found:  # that one is what the name alone means
                word = f"{path}:{name}"
                found[word] = Wanted(word, f"{path.stem}:{name}", (path,))
            else:
                several = len(files_with(name, folders)) > 1
                found[name] = Wanted(f"{path}:{name}" if several else name, name, (path,))
    return list(found.values())


def _meant(word: str, folders: Sequence[Path], checkpoints: Path | None) -> list[Wanted]:
    if Path(word).is_dir():
        return [Wanted(str(path), path.name, (path,)) for path in paintings_in(Path(word))]
    if is_blend(word):
        check_there(word, checkpoints)
        return [Wanted(word, word)]
    path = checkpoint_called(word, folders)
    if path is not None and (names := names_in(path)):
        return [Wanted(f"{word}:{name}", name, (path,)) for name in names]
    if path is None and (among := find_in_many(word, folders)) is not None:
        return [Wanted(word, among[1], among[:1])]
    check_there(word, checkpoints)
    name = Path(word).name if is_path(word) else word
    file = path or (Path(word) if Path(word).is_file() else None)
    return [Wanted(word, name, () if file is None else (file,))]


def sources(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """What the record of a sheet says of its styles: what they come from, as a checksum."""
    digests = {path: checksum(path) for path in {path for one in wanted for path in one.files}}
    told = []
    for one in wanted:
        digest = hashlib.sha256("".join([one.name, *(digests[p] for p in one.files)]).encode())
        told.append({"name": one.name, "source": {"sha256": digest.hexdigest()[:16]}})
    return told


@dataclass
class SheetPainter:
    """Paints a photo in one style after the other.

    Attributes:
        photo: at the size of the sheet's pictures.
        checkpoints: as for :func:`wanted_styles`.
        options: of a pass.
        style_weight: of predicted nets; None is the usual one.
        stroke_size: long side in pixels at which paintings are seen; None fits the photo.
    """

    photo: Picture
    checkpoints: Path | None = None
    options: PassOptions = field(default_factory=PassOptions)
    style_weight: float | None = None
    stroke_size: int | None = None

    def cell(self, wanted: Wanted) -> Cell:
        """The photo in a style.

        Raises:
            FstError: the style can't be had.
        """
        style = self.find(wanted.word)
        stylizer = make_stylizer(style, "feedforward", self.options)
        painted = paint(self.photo, [Layer(stylizer)])
        about = {**listed_painting(Path(wanted.word)), **style.about}
        note = ", ".join(str(about[key]) for key in ("title", "painter") if about.get(key))
        return Cell(on_white(painted), wanted.name, note, small_painting(style))

    def find(self, word: str) -> Style:
        """The style, with a net: predicted where none was trained.

        Raises:
            FstError: it can't be had, or is a painting and there is no any-painting net.
        """
        device = self.options.device or "cpu"
        given = {"style_weight": self.style_weight, "stroke_size": self.stroke_size}
        asked = {name: value for name, value in given.items() if value is not None}
        if word not in style_names():  # those of a painting fit the picture
            asked.setdefault("stroke_size", fitting_size(max(self.photo.size)))
        style = find_style(word, self.checkpoints, device, asked)
        if style.trained is None:
            raise CheckpointError(
                f"{word} is a painting, and there is no {ANY}.safetensors, which takes any: train "
                "a net for it (fst train), or leave it out"
            )
        return style


def cells(
    painter: SheetPainter, wanted: Sequence[Wanted]
) -> Iterator[tuple[Wanted, Cell | FstError | OSError]]:
    """The cells, one by one; of a style that can't be had, why."""
    for one in wanted:
        stop_if_asked()
        try:
            yield one, painter.cell(one)
        except (FstError, OSError) as error:
            stop_if_asked()
            yield one, error


def on_white(picture: Picture) -> Tensor:
    """``(1, 3, H, W)``; what is transparent is white."""
    if picture.alpha is None:
        return picture.rgb
    return picture.rgb * picture.alpha + (1 - picture.alpha)


def small_painting(style: Style) -> Tensor | None:
    """The painting of a style at :data:`INSET_SIDE`, ``(1, 3, H, W)``; None: it is not at hand."""
    if style.image is None:
        return None
    sha256 = style.about.get("image_sha256")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)
        try:
            path = find_painting(style.image, sha256)
            if sha256 is not None and checksum(path) != sha256:
                return None
            return on_white(resize(load_image(path), INSET_SIDE))
        except (AssetError, InputError):
            return None
