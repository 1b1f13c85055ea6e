"""What can lie in one many-file: styles of many-files, and paintings whose numbers are predicted.

A style whose net was trained alone has convolutions of its own, and can't be among them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from fst import assets
from fst.errors import AssetError, CheckpointError, InputError
from fst.image.painting import load_painting
from fst.nets.conditional import ConditionalNet
from fst.nets.predictor import USUAL_SIZE, USUAL_WEIGHT
from fst.styles.catalog import read_style, style_names
from fst.styles.headers import checkpoint_called, find_in_many, names_in
from fst.styles.many import load_many, row_of, shared_digest
from fst.styles.names import check_name, is_path
from fst.styles.painting_list import KNOWN, listed_painting
from fst.styles.paintings import as_path, checksum, find_painting, is_shipped
from fst.styles.predicted import ANY, AnyPainting, Asked, load_any
from fst.styles.trained import TrainedStyle, load_checkpoint


@dataclass(frozen=True)
class Row:
    """One style: its numbers, what is said of it, and the word that it was given by."""

    embedding: Tensor
    about: dict[str, Any]
    word: str


@dataclass
class Pack:
    """Styles that share convolutions.

    Attributes:
        shared: the any-painting net or many-file that has these convolutions; None of no style.
        source: the word that it was given by.
        rows: the styles, in the order in which they were given.
    """

    shared: TrainedStyle | None = None
    source: str = ""
    rows: list[Row] = field(default_factory=list)

    def add(self, shared: TrainedStyle, row: Row) -> None:
        """Takes one more style.

        Raises:
            InputError: of other convolutions, or of a name that is there already.
        """
        if self.shared is None:
            self.shared, self.source = shared, row.word
        elif self.shared is not shared and _digest(self.shared) != _digest(shared):
            raise InputError(
                f"{self.source} and {row.word} have other shared convolutions ({self.shared.name}, "
                f"{shared.name}): a pack has one; give the paintings' files, to predict all anew"
            )
        name = row.about["name"]
        for other in self.rows:
            if other.about["name"] == name:
                raise InputError(
                    f"two styles are called {name} ({other.word}, {row.word}): rename a file, or "
                    "leave one out"
                )
        self.rows.append(row)


def gather(
    words: Sequence[str],
    checkpoints: Path | None = None,
    style_weight: float | None = None,
    stroke_size: int | None = None,
) -> Pack:
    """The styles that some words mean.

    Args:
        words: many-files, with all their styles, or one style of such a file; paintings, and style
            files without a trained net, for which the any-painting net predicts the numbers.
        checkpoints: the folder of finished styles; None is :func:`fst.assets.checkpoint_folders`.
        style_weight: of the predictions; None is what a style file says, or usual.
        stroke_size: likewise.

    Raises:
        InputError: a word that means no such style; two styles of one name.
        CheckpointError: a damaged checkpoint, or no any-painting net where one is needed.
        AssetError: a painting that is not there.
    """
    if checkpoints is not None and not checkpoints.is_dir():
        raise InputError(f"no folder of checkpoints {str(checkpoints)!r}")
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    pack = Pack()
    for word in words:
        path = checkpoint_called(word, folders)
        if path is not None and names_in(path):
            many = load_many(path)
            for about in many.description["styles"]:
                pack.add(many, Row(*row_of(many, about["name"]), word))
        elif path is None and (among := find_in_many(word, folders)) is not None:
            many = load_many(among[0])
            pack.add(many, Row(*row_of(many, among[1]), word))
        elif path is not None:
            raise InputError(_alone(word, load_checkpoint(path)))
        else:
            any_painting = load_any(checkpoints)
            if any_painting is None:
                raise CheckpointError(
                    f"{word}: the numbers of a painting are predicted by the any-painting net, and "
                    f"there is no {ANY}.safetensors in {', '.join(map(str, folders))}"
                )
            pack.add(any_painting.trained, predict(any_painting, word, style_weight, stroke_size))
    return pack


def predict(
    any_painting: AnyPainting,
    word: str,
    style_weight: float | None = None,
    stroke_size: int | None = None,
) -> Row:
    """The row of a painting, as the any-painting net predicts it.

    Args:
        any_painting: from :func:`~fst.styles.predicted.load_any`.
        word: a painting's file or name, or a style file's name.
        style_weight: None is what the style file says, or usual.
        stroke_size: likewise.

    Raises:
        InputError: no such painting, none to learn from, or a value out of range.
    """
    about = read_style(word) if word in style_names() else {}
    image = str(about.get("image") or as_path(word))
    try:
        path = find_painting(image)
    except AssetError as error:
        raise InputError(f"{word} is neither a trained style nor a painting: {error}") from error
    name = re.sub(r"[\\=,:]", "-", word if about else path.stem).strip().lstrip(".")
    size = stroke_size or about.get("size")
    asked = Asked(style_weight or about.get("style_weight", USUAL_WEIGHT), size or int(USUAL_SIZE))
    painting = load_painting(path, asked.stroke_size)
    known = {key: about[key] for key in KNOWN if about.get(key)} or listed_painting(path)
    return Row(
        any_painting.embedding(painting, asked),
        {
            "name": check_name(name),
            **known,
            # a name, since a file that is passed on has nothing to say of folders
            "image": f"./{path.name}" if is_path(word) and is_shipped(path.name) else path.name,
            "image_sha256": checksum(path),
            "size": asked.stroke_size,
            "style_weight": asked.style_weight,
        },
        word,
    )


def _alone(word: str, trained: TrainedStyle) -> str:
    """Why a checkpoint can't be one of many."""
    name = trained.description["net"]["name"]
    if name == ANY:
        return f"{word} takes any painting, and is no style by itself: give the paintings' files"
    return (
        f"{word} has convolutions of its own: a pack shares them; train it in one: "
        f'fst train "style=[{trained.name},…]"; or give the file of its painting'
    )


def _digest(shared: TrainedStyle) -> str:
    assert isinstance(shared.net, ConditionalNet)
    return shared_digest(shared.net)
