"""Which styles the words of ``fst pack`` mean: of many-files, paintings, folders of paintings."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fst.errors import AssetError, CheckpointError, FstWarning, InputError
from fst.image.formats import open_picture
from fst.nets.predictor import USUAL_SIZE
from fst.styles.catalog import BASE, read_style, style_names
from fst.styles.headers import SUFFIX, checkpoint_called, find_in_many, names_in
from fst.styles.names import check_name
from fst.styles.painting_list import KNOWN, listed_painting
from fst.styles.paintings import as_path, find_painting, is_shipped, paintings_in
from fst.styles.predicted import ANY, PREDICTED_WEIGHT, Asked
from fst.styles.trained import TrainedStyle, load_checkpoint


@dataclass(frozen=True)
class Meant:
    """One style that a word means, before anything is computed.

    Attributes:
        word: as it was given.
        name: of the style.
        file: the many-file that holds it; None of a painting.
        painting: the file of a painting, whose numbers are to be predicted.
        of_folder: it is one of a folder's, and is left out where it can't be read.
        known: what is said of the painting.
        asked: of the prediction.
    """

    word: str
    name: str
    file: Path | None = None
    painting: Path | None = None
    of_folder: bool = False
    known: Mapping[str, Any] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)


def meant_by(
    word: str,
    folders: Sequence[Path],
    style_weight: float | None,
    stroke_size: int | None,
    left_out: list[str],
) -> list[Meant]:
    """The styles that a word of ``fst pack`` means; reads no weights but to tell what is wrong.

    Args:
        word: a many-file, a style of one, a painting, a folder of paintings, or a style file.
        folders: of checkpoints.
        style_weight: as for :func:`meant_painting`, and so is ``stroke_size``.
        stroke_size: as there.
        left_out: gets a line for each of a folder's pictures that is no painting.

    Raises:
        CheckpointError: a damaged checkpoint.
        InputError: no such style, or one that can't be one of many.
    """
    path = checkpoint_called(word, folders)
    if path is not None:
        if names := names_in(path):
            return [Meant(word, name, path) for name in names]
        raise InputError(_alone(word, load_checkpoint(path)))
    if (among := find_in_many(word, folders)) is not None:
        return [Meant(word, among[1], among[0])]
    if Path(word).suffix == SUFFIX:
        raise CheckpointError(f"no checkpoint {word!r}")
    if not Path(word).is_dir() or word in style_names():
        return [meant_painting(word, style_weight, stroke_size)]
    found = []
    for file in paintings_in(Path(word)):
        name = f"./{file}" if is_shipped(str(file)) else str(file)  # of this folder, and no other
        try:
            one = meant_painting(name, style_weight, stroke_size)
            found.append(replace(one, of_folder=True))
        except InputError as error:
            left_out.append(str(error))
    if not found:
        raise InputError(f"nothing to pack: {left_out[0]}")
    return found


def meant_painting(
    word: str, style_weight: float | None = None, stroke_size: int | None = None
) -> Meant:
    """A painting, and what is to be asked of its prediction.

    Args:
        word: its file or name, or a style file's name.
        style_weight: None is what the style file says, or usual.
        stroke_size: likewise.

    Raises:
        InputError: no such painting, no picture, or a value out of range.
    """
    about = read_style(word) if word in style_names() else {}
    try:
        path = find_painting(str(about.get("image") or as_path(word)))
    except AssetError as error:
        raise InputError(f"{word} is neither a trained style nor a painting: {error}") from error
    with open_picture(path, str(path)):  # or else a line, before any net is read
        pass
    given = word if about else path.stem
    name = check_name(re.sub(r"[\\=,:]", "-", given).strip().lstrip("."))
    if name != given:
        warnings.warn(
            f"the style of {word} is called {name}: a name has no =, comma, colon or backslash, "
            "and no blank or dot at its start",
            FstWarning,
            stacklevel=4,
        )
    size = stroke_size or about.get("size", int(USUAL_SIZE))
    asked = Asked(style_weight or about.get("style_weight", PREDICTED_WEIGHT), size)
    known = {key: about[key] for key in KNOWN if about.get(key)} or listed_painting(path)
    return Meant(word, name, painting=path, known=known, asked=asked)


def _alone(word: str, trained: TrainedStyle) -> str:
    """Why a checkpoint can't be one of many."""
    name = trained.description["net"]["name"]
    if trained.name == BASE:
        return f"{word} is what trainings begin with, and no style: give a painting's file"
    if name == ANY:
        return f"{word} takes any painting, and is no style by itself: give the paintings' files"
    return (
        f"{word} has convolutions of its own: a pack shares them; train it in one: "
        f'fst train "style=[{trained.name},…]"; or give the file of its painting'
    )
