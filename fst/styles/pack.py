"""What can lie in one many-file: styles of many-files, and paintings whose numbers are predicted.

A style whose net was trained alone has convolutions of its own, and can't be among them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from fst import assets
from fst.errors import AssetError, CheckpointError, InputError
from fst.image.formats import open_picture
from fst.image.painting import load_painting
from fst.nets.conditional import ConditionalNet
from fst.nets.predictor import USUAL_SIZE
from fst.styles.catalog import BASE, read_style, style_names
from fst.styles.headers import SUFFIX, checkpoint_called, find_in_many, names_in
from fst.styles.kept import AMPLE
from fst.styles.many import load_many, row_of, shared_digest
from fst.styles.names import check_name, is_path
from fst.styles.painting_list import KNOWN, listed_painting
from fst.styles.paintings import as_path, checksum, find_painting, is_shipped
from fst.styles.predicted import ANY, PREDICTED_WEIGHT, AnyPainting, Asked, load_any
from fst.styles.trained import TrainedStyle, load_checkpoint


@dataclass(frozen=True)
class Meant:
    """One style that a word means, before anything is computed.

    Attributes:
        word: as it was given.
        name: of the style.
        file: the many-file that holds it; None of a painting.
        painting: the file of a painting, whose numbers are to be predicted.
        known: what is said of the painting.
        asked: of the prediction.
    """

    word: str
    name: str
    file: Path | None = None
    painting: Path | None = None
    known: Mapping[str, Any] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)


@dataclass(frozen=True)
class Pack:
    """Styles that share convolutions.

    Attributes:
        shared: an any-painting net or a many-file that has these convolutions.
        rows: the numbers of each style and what is said of it, in the order that was asked for.
    """

    shared: TrainedStyle
    rows: list[tuple[Tensor, dict[str, Any]]]


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
        InputError: a word that means no such style; two styles of one name, or of convolutions
            that differ.
        CheckpointError: a damaged checkpoint, or no any-painting net where one is needed.
    """
    if checkpoints is not None and not checkpoints.is_dir():
        raise InputError(f"no folder of checkpoints {str(checkpoints)!r}")
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    all_of_them = [
        one for word in words for one in _meant(word, folders, style_weight, stroke_size)
    ]
    _check_names(all_of_them)
    files = dict.fromkeys(one.file for one in all_of_them if one.file is not None)
    held = {file: load_many(file) for file in files}
    digests = {str(file): _digest(many) for file, many in held.items()}
    predicted = next((one for one in all_of_them if one.painting is not None), None)
    _check_alike(digests)
    any_painting = None
    if predicted is not None:
        any_painting = _any_painting(predicted.word, checkpoints)
        _check_alike({**digests, f"{ANY} ({predicted.word})": _digest(any_painting.trained)})
    rows = []
    for one in all_of_them:
        if one.file is not None:
            rows.append(row_of(held[one.file], one.name))
        else:
            assert any_painting is not None
            rows.append(predict(any_painting, one))
    shared = any_painting.trained if any_painting is not None else next(iter(held.values()))
    return Pack(shared, rows)


def predict(any_painting: AnyPainting, meant: Meant) -> tuple[Tensor, dict[str, Any]]:
    """The numbers of a painting, and what is said of it.

    Args:
        any_painting: from :func:`~fst.styles.predicted.load_any`.
        meant: from :func:`meant_painting`.

    Raises:
        InputError: no painting to learn from.
    """
    path = meant.painting
    assert path is not None
    painting = load_painting(path, meant.asked.stroke_size, AMPLE)
    about = {
        "name": meant.name,
        **meant.known,
        # a name, since a file that is passed on has nothing to say of folders
        "image": f"./{path.name}" if is_path(meant.word) and is_shipped(path.name) else path.name,
        "image_sha256": checksum(path),
        "size": meant.asked.stroke_size,
        "style_weight": meant.asked.style_weight,
    }
    return any_painting.embedding(painting, meant.asked), about


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
    name = check_name(re.sub(r"[\\=,:]", "-", word if about else path.stem).strip().lstrip("."))
    size = stroke_size or about.get("size", int(USUAL_SIZE))
    asked = Asked(style_weight or about.get("style_weight", PREDICTED_WEIGHT), size)
    known = {key: about[key] for key in KNOWN if about.get(key)} or listed_painting(path)
    return Meant(word, name, painting=path, known=known, asked=asked)


def _meant(
    word: str, folders: Sequence[Path], style_weight: float | None, stroke_size: int | None
) -> list[Meant]:
    path = checkpoint_called(word, folders)
    if path is not None:
        if names := names_in(path):
            return [Meant(word, name, path) for name in names]
        raise InputError(_alone(word, load_checkpoint(path)))
    if (among := find_in_many(word, folders)) is not None:
        return [Meant(word, among[1], among[0])]
    if Path(word).suffix == SUFFIX:
        raise CheckpointError(f"no checkpoint {word!r}")
    return [meant_painting(word, style_weight, stroke_size)]


def _check_names(all_of_them: Sequence[Meant]) -> None:
    seen: dict[str, str] = {}
    for one in all_of_them:
        if one.name in seen:
            raise InputError(
                f"two styles are called {one.name} ({seen[one.name]}, {one.word}): rename a file, "
                "or leave one out"
            )
        seen[one.name] = one.word


def _check_alike(digests: Mapping[str, str]) -> None:
    """That nets have the same shared convolutions."""
    first = next(iter(digests), "")
    for name, digest in digests.items():
        if digest != digests[first]:
            raise InputError(
                f"{first} and {name} have other shared convolutions, and a pack has one kind: give "
                "the files of all paintings, to predict their numbers anew"
            )


def _any_painting(word: str, checkpoints: Path | None) -> AnyPainting:
    if (found := load_any(checkpoints)) is not None:
        return found
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    raise CheckpointError(
        f"{word}: the numbers of a painting are predicted by the any-painting net, and there is no "
        f"{ANY}.safetensors in {', '.join(map(str, folders))}"
    )


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


def _digest(shared: TrainedStyle) -> str:
    assert isinstance(shared.net, ConditionalNet)
    return shared_digest(shared.net)
