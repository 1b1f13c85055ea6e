"""What a loss says of pictures of many photos in the styles of many paintings, in its two terms."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from fst import assets
from fst.errors import AssetError, InputError, in_a_line
from fst.evaluation.photos import count, shown_name
from fst.image.io import load_image
from fst.image.painting import load_painting
from fst.image.picture import Picture, resize
from fst.inference.painter import NetPainter
from fst.loss_networks.sources import at_hand
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import measure_style
from fst.styles.catalog import is_trained
from fst.styles.predicted import ANY, AnyPainting, Asked, load_any

_T = TypeVar("_T")


class Terms(NamedTuple):
    """The two terms of an objective, unweighted."""

    content: float
    style: float

    def objective(self, style_weight: float) -> float:
        """``content + style_weight * style``."""
        return self.content + style_weight * self.style


def means(terms: Sequence[Terms]) -> Terms:
    """Of each term by itself."""
    return Terms(*(statistics.mean(values) for values in zip(*terms, strict=True)))


class Judge:
    """One loss network that judges pictures of some photos, for one painting after the other.

    Args:
        photos: name -> ``(1, 3, H, W)``, RGB in [0, 1], on the device to compute on.
        weights: as for :class:`~fst.loss_networks.vgg.VGG19`.
        dtype: to run the loss network in.
    """

    def __init__(
        self,
        photos: Mapping[str, Tensor],
        weights: str = "auto",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        first = next(iter(photos.values()))
        self.loss = PerceptualLoss(first, 1, 1, 0, weights=weights, dtype=dtype).to(first.device)
        self.photos = photos
        self.targets = {name: self.loss.content_targets(photo) for name, photo in photos.items()}

    def grams(self, painting: Tensor) -> Mapping[str, Tensor]:
        """What pictures are compared with, of a painting ``(1, 3, H, W)``."""
        painting = painting.to(next(iter(self.photos.values())).device)
        return measure_style(self.loss.vgg, painting, self.loss.style_layers).grams

    @torch.no_grad()
    def terms(self, name: str, picture: Tensor, grams: Mapping[str, Tensor]) -> Terms:
        """Judges a picture of the photo called ``name``, as it would be in a file of 8 bits."""
        written = (picture * 255).round() / 255
        found = self.loss(written, self.targets[name], grams)
        return Terms(float(found.content), float(found.style))

    def describe(self) -> dict[str, Any]:
        """Which loss network judges."""
        described: dict[str, Any] = self.loss.vgg.describe()
        return described

    @property
    def name(self) -> str:
        """Which loss network judges, in words."""
        return f"{self.loss.vgg.architecture}, {self.loss.vgg.source} weights"


def judging_weights(asked: str) -> str:
    """Whose weights judge: of ``"auto"``, VGG-19's if they are here, or else the slim network's.

    A benchmark does not begin with a download of 550 MB; that the slim network judges is said.
    """
    if asked != "auto" or at_hand() is not None:
        return asked
    print("VGG-19 is not on this machine: the slim network judges (--weights torchvision "
          "downloads VGG-19; figures of the two can't be compared)", flush=True)  # fmt: skip
    return "slim"


def check_any(checkpoints: Path | None) -> None:
    """Makes sure that there is an any-painting net, without reading it.

    Raises:
        AssetError: there is none.
        InputError: no such folder of checkpoints.
    """
    if not is_trained(ANY, checkpoints):
        where = "the folders of checkpoints" if checkpoints is None else checkpoints
        raise AssetError(f"no {ANY}.safetensors, the any-painting net, in {where}")


def any_painting(checkpoints: Path | None, device: torch.device) -> AnyPainting:
    """The any-painting net, once :func:`check_any` has found it."""
    found = load_any(checkpoints, device)
    assert found is not None
    return found


def predict(net: AnyPainting, painting: Tensor, asked: Asked, dtype: torch.dtype) -> NetPainter:
    """What paints in the style of a painting, ``(1, 3, H, W)`` at ``asked.stroke_size``."""
    style = net.style(net.embedding(painting, asked), {"name": "predicted", "image": None}, asked)
    return NetPainter(style.net, dtype)


def find_paintings(places: Sequence[Path], sizes: Sequence[int]) -> list[Path]:
    """Paintings and those in folders, each file once; a line on each that is left out.

    Args:
        places: files and folders.
        sizes: pixels of their long side, at all of which they are to be read.

    Raises:
        InputError: a place that is not there, or no painting can be read.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise InputError(f"no painting or folder of paintings {str(place)!r}")
        found |= dict.fromkeys(assets.list_images(place) if place.is_dir() else [place])

    def read(path: Path) -> Path:
        for size in sizes:
            load_painting(path, size)
        return path

    return [path for _, path in readable(list(found), read)]


def unseen(paintings: Sequence[Path], net: AnyPainting) -> list[Path]:
    """Those paintings that were held back from the net's training, by their files' names.

    Raises:
        InputError: none was, or the net does not say.
    """
    held = net.trained.description.get("paintings", {}).get("held_out")
    if not isinstance(held, list) or not held:
        raise InputError("--unseen: the any-painting net does not say which paintings were held "
                         "back from its training: name them with --paintings")  # fmt: skip
    names = {Path(str(name)).stem for name in held}
    kept = [path for path in paintings if path.stem in names]
    if not kept:
        raise InputError("--unseen: none of these paintings was held back from the training")
    return kept


def readable(paths: Sequence[Path], read: Callable[[Path], _T]) -> list[tuple[Path, _T]]:
    """What is read of the pictures that can be read; a line on each of the others.

    Raises:
        InputError: none can be read.
    """
    found, problems = [], []
    for path in paths:
        try:
            found.append((path, read(path)))
        except InputError as error:
            problems.append(error)
    if not found and len(problems) == 1:
        raise problems[0]
    for problem in problems:
        print(f"left out: {in_a_line(problem)}", file=sys.stderr, flush=True)
    if not found:
        raise InputError(f"none of {count(len(paths), 'picture')} can be read")
    return found


def read_squares(paths: Sequence[Path], side: int, device: torch.device) -> dict[str, Tensor]:
    """Photos by their files' names, the middle square of each; a line on those left out.

    Args:
        paths: of the photos.
        side: of the squares, in pixels.
        device: for the photos.

    Raises:
        InputError: none can be read.
    """
    squares: dict[str, Tensor] = {}
    for path, picture in readable(paths, load_image):
        short = min(picture.size)
        left, top = ((full - short) // 2 for full in picture.size)
        square = Picture(picture.rgb[..., top : top + short, left : left + short])
        name = shown_name(path.stem if path.stem not in squares else str(path))
        squares[name] = resize(square, side).rgb.to(device)
    return squares
