"""The net of a process that paints for a pipeline: sent there, or found there, and built once."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.inference.ways import asked_of_painting, check_used, way_of
from fst.interfaces.api import found_style
from fst.interfaces.conversion import PICTURES, to_path
from fst.interfaces.own_modes import own_modes
from fst.styles.carried import CarriedStyle, carried, unpacked
from fst.styles.style import Style
from fst.system.checks import one_of
from fst.system.device import pick_device, pick_precision
from fst.system.memory import parse_memory

STYLES_HELD = 4
"""Nets that a process keeps, where styles take turns."""


@dataclass(frozen=True)
class Running:
    """How a net is run, in words that hold on any computer; see :func:`fst.load`.

    Raises:
        InputError: a value out of its range.
    """

    device: str = "auto"
    precision: str = "auto"
    memory: int | str | None = None
    backend: str = "auto"
    margin: int | None = None
    seamless: bool = False
    stroke_size: int | str | None = None
    style_weight: float | None = None

    def __post_init__(self) -> None:
        one_of("precision", self.precision, PRECISIONS)
        if self.device != "auto":  # whether it is there is known where it is painted
            try:
                device = str(torch.device(self.device))
            except (RuntimeError, TypeError) as error:
                raise InputError(
                    f"a device is auto, cpu, cuda, cuda:1 or mps, not {self.device!r}"
                ) from error
            object.__setattr__(self, "device", device)  # frozen for everybody else
        if isinstance(self.memory, str):
            object.__setattr__(self, "memory", parse_memory(self.memory))
        self.of_pass()

    @property
    def of_pixels(self) -> PixelOptions:
        """What is asked of the strokes."""
        size: Any = self.stroke_size  # pixels or a word, which the options check
        return PixelOptions(style_size=size, style_weight=self.style_weight)

    def of_pass(self, device: torch.device | None = None) -> PassOptions:
        """The options of a pass; on a device of this computer, with its precision."""
        dtype = None if device is None else pick_precision(self.precision, device)
        memory: Any = self.memory
        return PassOptions(device, dtype, memory, self.backend, self.margin, self.seamless)


@dataclass(frozen=True)
class Source:
    """Where the process that paints has its style from; two of one key are the same.

    Attributes:
        key: what tells it from others.
        carried: its net; or else
        style: what it is found by, as for :func:`fst.load`,
        checkpoints: and in which folder.
    """

    key: str
    carried: CarriedStyle | None = None
    style: Any = None
    checkpoints: str | None = None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.key == other.key


def source_of(
    given: Any, checkpoints: Any, running: Running, size: int | None, carry: bool
) -> Source:
    """Finds a style, checks that it takes the options, and packs its net.

    Args:
        given: as for :func:`fst.load`.
        checkpoints: likewise.
        running: how it is run.
        size: long side in pixels that photos are painted at; None where each has its own.
        carry: pack the net.

    Raises:
        FstError: no such style, one without a net, an option that it has no use for.
    """
    style = given if isinstance(given, PICTURES) else to_path(given, "style")
    if isinstance(style, str) and os.path.isfile(style):
        style = os.path.abspath(style)  # the process that paints may be in another folder
    folder = None
    if checkpoints is not None:
        folder = os.path.abspath(to_path(checkpoints, "folder of checkpoints"))
    with own_modes(torch.device("cpu")):
        found = _found(style, folder, running)
        way, why = way_of(found, "feedforward")
        check_used([*running.of_pass().given(), *running.of_pixels.given()], {way: why})
        if carry and found.fitted is not None and size is not None:  # strokes fit that size
            found = replace(found, trained=found.fitted(size), fitted=None)
        if carry and found.fitted is None:
            packed = carried(found)  # the same weights may be of a net that is built otherwise
            shares, about = packed.about["shares"], packed.about["about"]
            return Source(repr((packed.digest, packed.description, about, shares)), packed)
    if not isinstance(style, str):
        return Source(os.urandom(16).hex(), None, style, folder)
    # another net may come to lie under that name while the process that paints lives on
    which = found.net().digest if found.fitted is None else _written(style)
    return Source(repr((style, folder, which)), None, style, folder)


def _written(path: str) -> tuple[int, int] | None:
    """Size and time of a file; None of what is none."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def loaded(source: Source, running: Running) -> FeedForwardStylizer:
    """What paints in this process; built at the first call, for all threads.

    Raises:
        FstError: the style, the device or the backend is not here.
    """
    with _LOADING:
        return _loaded(source, running)


_LOADING = threading.Lock()


@lru_cache(maxsize=STYLES_HELD)
def _loaded(source: Source, running: Running) -> FeedForwardStylizer:
    device = pick_device(running.device)
    with own_modes(device):
        if source.carried is not None:
            style = unpacked(source.carried, device)
        else:
            style = _found(source.style, source.checkpoints, running, device)
        made = make_stylizer(style, "feedforward", running.of_pass(device), running.of_pixels)
    assert isinstance(made, FeedForwardStylizer)
    return made


def _found(
    style: Any, checkpoints: str | None, running: Running, device: torch.device | None = None
) -> Style:
    folder = None if checkpoints is None else Path(checkpoints)
    asked: Mapping[str, Any] | None = asked_of_painting("feedforward", 0, running.of_pixels.given())
    return found_style(style, folder, device or torch.device("cpu"), asked, "feedforward")
