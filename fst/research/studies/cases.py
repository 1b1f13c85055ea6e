"""What a study is made of: photos, paintings, and pictures that are each optimized in a way."""

import importlib.resources
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.photos import file_stem, read_photo, shown_name
from fst.inference.options import PassOptions
from fst.losses.perceptual import STYLE_WEIGHT
from fst.styles.catalog import find_style
from fst.styles.style import Style
from fst.system.checksum import checksum


@dataclass(frozen=True)
class StudyPhoto:
    """A photo of a study: where it is from, its SHA-256, ``(1, 3, H, W)`` in [0, 1]."""

    path: Path
    sha256: str
    rgb: Tensor

    @property
    def name(self) -> str:
        """In words."""
        return shown_name(self.path.stem)


@dataclass(frozen=True)
class Case:
    """One picture of a study.

    Attributes:
        row: what stands beside it.
        column: what stands above it.
        file: its file's name without suffix.
        photo: that is painted.
        style: whose painting is compared with.
        chosen: how, over what is the same for all (:attr:`Asked.usual`): arguments of
            :class:`~fst.inference.pixel_options.PixelOptions`.
    """

    row: str
    column: str
    file: str
    photo: StudyPhoto
    style: Style
    chosen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What holds for all pictures of a study.

    Attributes:
        size: long side of the pictures in pixels.
        usual: arguments of :class:`~fst.inference.pixel_options.PixelOptions`.
        of_pass: device and precision.
    """

    size: int
    usual: Mapping[str, Any]
    of_pass: PassOptions

    @property
    def device(self) -> torch.device:
        """To compute on."""
        return self.of_pass.device or torch.device("cpu")


@dataclass(frozen=True)
class Study:
    """A study as it is planned.

    Attributes:
        kind: its name, as it is typed.
        title: of its page.
        about: what is to be seen, in a few sentences; for the page.
        cases: the pictures, row by row.
        shown: pictures that stand before the others and are not painted: words and
            ``(1, 3, H, W)``.
        corner: what the words of the rows and columns are.
    """

    kind: str
    title: str
    about: str
    cases: Sequence[Case]
    shown: Sequence[tuple[str, Tensor]] = ()
    corner: str = ""


Plan = Callable[[Any, Asked], Study]
"""From a command's options, and what holds for all pictures, to a study."""


def sample_photos() -> list[Path]:
    """Photos that come with scikit-image: a cup of coffee, a cat, a rocket.

    Raises:
        InputError: they are not there.
    """
    folder = Path(str(importlib.resources.files("skimage"))) / "data"
    found = [folder / name for name in ("coffee.png", "chelsea.png", "rocket.jpg")]
    if missing := [path.name for path in found if not path.is_file()]:
        raise InputError(f"the installed scikit-image is without {missing[0]}: give a photo")
    return found


def open_photo(path: Path | None, size: int) -> StudyPhoto:
    """A photo with its long side at ``size`` pixels; None is :func:`sample_photos`' first.

    Raises:
        InputError: it can't be read, or is too thin at this size.
    """
    path = sample_photos()[0] if path is None else path
    rgb = read_photo(path, size).rgb
    return StudyPhoto(path, checksum(path), rgb)


def open_style(name: str) -> Style:
    """A style that has a painting, or its portrait.

    Raises:
        InputError: there is none of that name, or it is a blend.
    """
    style = find_style(name)
    if style.image is None:
        raise InputError(f"{name} has no painting of its own: name one style, or a painting's file")
    return style


def style_weight_of(style: Style) -> float:
    """Of a style, against a content weight of one."""
    content = style.weights.get("content_weight", 1.0)
    return style.weights.get("style_weight", STYLE_WEIGHT) / (content or 1.0)


def named_apart(names: Sequence[str]) -> list[str]:
    """Names of files, without suffix; of two that are the same, the second one has a number."""
    found: list[str] = []
    for name in names:
        stem = file_stem(Path(f"{name}.png"), 60).replace(" ", "-")
        number = 1
        while (free := stem if number == 1 else f"{stem}-{number}") in found:
            number += 1
        found.append(free)
    return found


def check_different(option: str, values: Sequence[Any]) -> None:
    """That no value is given twice: its picture would be painted twice.

    Raises:
        InputError: one is.
    """
    for number, value in enumerate(values):
        if value in values[:number]:
            raise InputError(f"{option} names {value} twice: once is enough")
