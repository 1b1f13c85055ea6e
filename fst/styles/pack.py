"""What can lie in one many-file: styles of many-files, and paintings whose numbers are predicted.

A style whose net was trained alone has convolutions of its own, and can't be among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from fst import assets
from fst.errors import CheckpointError, InputError
from fst.image.picture import resize
from fst.nets.conditional import ConditionalNet
from fst.nets.predictor import USUAL_SIZE
from fst.styles.kept import looked_at
from fst.styles.many import load_many, row_of, shared_digest
from fst.styles.meant import Meant, meant_by
from fst.styles.names import is_path
from fst.styles.paintings import is_shipped
from fst.styles.predicted import ANY, PREDICTED_WEIGHT, AnyPainting, Asked, load_any
from fst.styles.trained import TrainedStyle
from fst.system.checksum import checksum


@dataclass(frozen=True)
class Pack:
    """Styles that share convolutions.

    Attributes:
        shared: an any-painting net or a many-file that has these convolutions.
        rows: the numbers of each style and what is said of it, in the order that was asked for.
        left_out: why, of each of a folder's pictures that is no painting.
    """

    shared: TrainedStyle
    rows: list[tuple[Tensor, dict[str, Any]]]
    left_out: list[str] = field(default_factory=list)


def gather(
    words: Sequence[str],
    checkpoints: Path | None = None,
    style_weight: float | None = None,
    stroke_size: int | None = None,
) -> Pack:
    """The styles that some words mean.

    Args:
        words: many-files, with all their styles, or one style of such a file; paintings, folders
            of paintings, and style files without a trained net, for which the any-painting net
            predicts the numbers.
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
    Asked(style_weight or PREDICTED_WEIGHT, stroke_size or int(USUAL_SIZE))  # in their ranges
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    left_out: list[str] = []
    all_of_them = [
        one
        for word in words
        for one in meant_by(word, folders, style_weight, stroke_size, left_out)
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
            try:
                rows.append(predict(any_painting, one))
            except InputError as error:
                if not one.of_folder:
                    raise
                left_out.append(str(error))
    if not rows:
        raise InputError(f"nothing to pack: {left_out[0]}")
    shared = any_painting.trained if any_painting is not None else next(iter(held.values()))
    return Pack(shared, rows, left_out)


def predict(any_painting: AnyPainting, meant: Meant) -> tuple[Tensor, dict[str, Any]]:
    """The numbers of a painting, and what is said of it.

    Args:
        any_painting: from :func:`~fst.styles.predicted.load_any`.
        meant: from :func:`~fst.styles.meant.meant_painting`.

    Raises:
        InputError: no painting to learn from.
    """
    path = meant.painting
    assert path is not None
    size = meant.asked.stroke_size
    painting = resize(looked_at(path, size), size).rgb
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


def _digest(shared: TrainedStyle) -> str:
    assert isinstance(shared.net, ConditionalNet)
    return shared_digest(shared.net)
