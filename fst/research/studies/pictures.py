"""Paints the pictures of a study into its folder, each once: one that was stopped goes on."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.io import load_image, save_image
from fst.image.record import read_record
from fst.inference.control import Control, Layer
from fst.inference.difference import NO_RECORD, differences
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.inference.record import painted_with
from fst.inference.stylizers import make_stylizer
from fst.losses.perceptual import PerceptualLoss
from fst.research.studies.cases import Asked, Case, Study, StudyPhoto, style_weight_of
from fst.research.studies.page import FIGURES, PICTURES
from fst.styles.style import Style
from fst.system.files import write_json
from fst.version import __version__

Figures = dict[str, float]
"""Of a picture: ``content`` and ``style`` as one and the same loss has them, ``objective``,
``seconds``."""


class Pictures:
    """The pictures of one study.

    Args:
        folder: of the study.
        study: what is to be painted.
        asked: what holds for all pictures.
        overwrite: pictures that were painted otherwise may be replaced.

    Raises:
        InputError: options that don't go together; pictures that are there and were painted
            otherwise, or are read.
    """

    def __init__(self, folder: Path, study: Study, asked: Asked, overwrite: bool = False) -> None:
        self.folder, self.study, self.asked = folder, study, asked
        self.options = {
            case.file: PixelOptions(**{**asked.usual, **case.chosen}) for case in study.cases
        }
        self.figures = self._kept()
        self._judges: dict[tuple[str, str], tuple[PerceptualLoss, Mapping[str, Tensor]]] = {}
        self.done = {case.file for case in study.cases if self._is_done(case, overwrite)}

    def path(self, case: Case) -> Path:
        """Of a picture's file."""
        return self.folder / PICTURES / f"{case.file}.png"

    def paint(self, say: Callable[[str], None] = print) -> None:
        """Paints what is not there yet.

        Args:
            say: told which picture of how many is done, and how long the rest takes.

        Raises:
            DivergedError: an objective that is not finite.
        """
        (self.folder / PICTURES).mkdir(parents=True, exist_ok=True)
        todo = [case for case in self.study.cases if case.file not in self.done]
        if len(todo) < len(self.study.cases):
            say(f"{len(self.done)} of {len(self.study.cases)} pictures are there already")
        began = time.perf_counter()
        for number, case in enumerate(todo, 1):
            taken = self._paint(case)
            left = (time.perf_counter() - began) / number * (len(todo) - number)
            name = " · ".join(filter(None, (case.row, case.column)))
            rest = f", about {in_words(left)} left" if number < len(todo) else ""
            say(f"picture {number} of {len(todo)}: {name}, {in_words(taken)}{rest}")

    def _paint(self, case: Case) -> float:
        """Paints a picture, judges it, writes it; how many seconds the painting took."""
        stylizer = self._stylizer(case)
        began = time.perf_counter()
        picture = stylizer(case.photo.rgb)
        if self.asked.device.type != "cpu":
            torch.accelerator.synchronize(self.asked.device)
        seconds = time.perf_counter() - began
        record = self._record(case, stylizer)
        # first, as a picture without figures is painted again, and figures alone do no harm
        self.figures[case.file] = {**self.judged(case.photo, case.style, picture),
                                   "seconds": seconds}  # fmt: skip
        write_json(self.folder / FIGURES, self.figures)
        save_image(self.path(case), picture, record=record)
        return seconds

    @property
    def judge_name(self) -> str:
        """Which loss network judges, in words."""
        first = self.study.cases[0]
        network = self._judge(first.photo, first.style)[0].vgg
        return f"{network.architecture}, {network.source} weights"

    @torch.no_grad()
    def judged(self, photo: StudyPhoto, style: Style, picture: Tensor) -> Figures:
        """Content and style error of a picture, ``(1, 3, H, W)``, as a file of 8 bits has it."""
        loss, targets = self._judge(photo, style)
        written = (picture.to(self.asked.device) * 255).round() / 255
        terms = loss(written, targets)
        content, wanted = float(terms.content), float(terms.style)
        objective = content + style_weight_of(style) * wanted
        return {"content": content, "style": wanted, "objective": objective}

    def _judge(self, photo: StudyPhoto, style: Style) -> tuple[PerceptualLoss, Any]:
        """One loss for all pictures of a photo in a style: that of preset gatys, in float32."""
        key = (photo.sha256, style.asked)
        if key not in self._judges:
            network = {name: self.asked.usual.get(name) for name in ("weights", "loss_network")}
            options = PixelOptions(**network, content_weight=1.0, style_weight=1.0, tv_weight=0.0)
            made = make_stylizer(style, "optimize", PassOptions(device=self.asked.device), options)
            assert isinstance(made, OptimizingStylizer)
            targets = made.loss.content_targets(photo.rgb.to(self.asked.device))
            self._judges = {key: (made.loss, targets)}  # the last one's alone are kept
        return self._judges[key]

    def _stylizer(self, case: Case) -> OptimizingStylizer:
        options = self.options[case.file]
        made = make_stylizer(case.style, "optimize", self.asked.of_pass, options)
        assert isinstance(made, OptimizingStylizer)
        return made

    def _record(self, case: Case, stylizer: OptimizingStylizer) -> dict[str, Any] | None:
        common = painted_with([case.style], [Layer(stylizer)], Control(size=self.asked.size),
                              style_size=self.options[case.file].style_size,
                              program=f"fst {__version__}")  # fmt: skip
        if common is None:
            return None
        return {**common, "photo": {"name": case.photo.path.name, "sha256": case.photo.sha256}}

    def _is_done(self, case: Case, overwrite: bool) -> bool:
        """Whether a picture is there as it would be painted.

        Raises:
            InputError: another one is, and may not be replaced.
        """
        path = self.path(case)
        if not path.exists() and not path.is_symlink():
            return False
        if not path.is_file():
            raise InputError(f"{path} is no picture that could be replaced: name another --output")
        there, now = read_record(path), self._record(case, self._stylizer(case))
        said = NO_RECORD if there is None or now is None else ", ".join(differences(there, now))
        if said and not overwrite:
            raise InputError(f"{path} is there already, and {said}: --overwrite replaces it, "
                             "another --output leaves it")  # fmt: skip
        return not said and case.file in self.figures and _is_whole(path)

    def _kept(self) -> dict[str, Figures]:
        """The figures of an earlier time; those that are damaged are measured anew."""
        try:
            kept = json.loads((self.folder / FIGURES).read_text(encoding="utf-8"))
            names = ("content", "style", "objective", "seconds")
            return {
                file: {name: float(of[name]) for name in names}
                for file, of in kept.items()
                if file in self.options
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}


def in_words(seconds: float) -> str:
    """``8 s``, ``3 min``: as exact as one cares."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _is_whole(path: Path) -> bool:
    """Whether a picture's file can be read."""
    try:
        load_image(path, min_side=1)
    except InputError:
        return False
    return True
