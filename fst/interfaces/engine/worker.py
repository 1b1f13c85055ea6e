"""What a worker does: it knows how to paint, and paints the batches that it is given.

Ray is not known here. A worker is an object in a process of its own, which may end at any moment.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fst.errors import FstError
from fst.inference.batch import run
from fst.inference.control import Control, Layer
from fst.inference.difference import comparison
from fst.inference.painter import ENOUGH
from fst.inference.record import painted_with, record_of
from fst.inference.targets import Job, is_there
from fst.interfaces.chosen_styles import find_styles, make_stylizers
from fst.interfaces.engine.manifest import digest_of
from fst.styles.style import Style
from fst.system.device import pick_device
from fst.system.memory import free_memory, keep_freed_memory
from fst.version import __version__


@dataclass(frozen=True)
class Painting:
    """How photos are painted: the words of a command, and what they mean here.

    Attributes:
        styles: that are painted: one.
        layers: what paints.
        control: size, strength and the like.
        common: of all records; None where results say nothing.
        settings: digest of what decides the pixels, the same wherever it is painted.
    """

    styles: list[Style]
    layers: list[Layer]
    control: Control
    common: dict[str, Any] | None
    settings: str


def prepare(options: argparse.Namespace) -> Painting:
    """Finds the style, and makes ready what paints in it.

    Raises:
        FstError: no such style, or an option of no use.
    """
    styles = find_styles(options)
    control = Control(
        options.strength, options.preserve_color, options.size, options.upsample,
        seamless=options.seamless,
    )  # fmt: skip
    layers = [Layer(stylizer) for stylizer in make_stylizers(options, styles)]
    common = painted_with(
        styles, layers, control, keep_location=options.keep_location,
        program=f"fst {__version__}",
    )  # fmt: skip
    compared = {name: (common or {}).get(name) for name in ("format", "styles", "settings")}
    settings = digest_of({**compared, "quality": options.quality})
    return Painting(styles, layers, control, common, settings)


@dataclass(frozen=True)
class Place:
    """Where a worker finds itself.

    Attributes:
        folder: the current one, from which paths lead on.
        threads: to compute with.
        beside: workers that share the computer's memory.
    """

    folder: str
    threads: int
    beside: int


class Worker:
    """Paints batches of photos.

    Args:
        options: of the command.
        place: where it is.
        settings: digest of how the command's own process would paint.
    """

    def __init__(self, options: argparse.Namespace, place: Place, settings: str) -> None:
        self.options, self.place, self.settings = options, place, settings
        self._painting: Painting | None = None

    def ready(self) -> str | None:
        """Makes all ready; returns why that can't be, in a line, or None."""
        computer = platform.node()
        try:
            os.chdir(self.place.folder)
        except OSError as error:
            return (
                f"{computer} has no folder {self.place.folder} ({error.strerror}): the computers "
                "of a cluster need a disk that all of them share"
            )
        torch.set_num_threads(self.place.threads)
        keep_freed_memory()
        try:
            if self.options.memory is None:
                free = free_memory(pick_device(self.options.device))
                self.options.memory = max(1, min(ENOUGH, free * 3 // 4 // self.place.beside))
            painting = prepare(self.options)
        except FstError as error:
            return f"{computer}: {error}"
        if painting.settings != self.settings:
            return f"{computer} finds another {self.options.style or self.options.blend} or fst"
        self._painting = painting
        return None

    def process(self) -> int:
        """Its number on its computer."""
        return os.getpid()

    def paint(self, photos: Sequence[tuple[Job, str]]) -> list[str | None]:
        """Paints photos from files into files.

        What is there already, painted just so, is left: a worker that died has done a part.

        Args:
            photos: the files, each with its stamp, which is for the manifest.

        Returns:
            For each None where its result is written, or else why not, in a line.
        """
        if self._painting is None:
            raise RuntimeError("a worker paints once it is ready")
        painting, options, jobs = self._painting, self.options, [job for job, _ in photos]
        common = None if options.no_record else painting.common

        def record(job: Job, digest: str) -> dict[str, Any]:
            return record_of(common or {}, job, digest, options.quality)

        differs = comparison(common, options.quality, trust=options.no_record)
        told: dict[Job, str | None] = {
            job: None
            for job in jobs
            if not options.overwrite and is_there(job.target) and differs(job) is None
        }
        while left := [job for job in jobs if job not in told]:
            try:
                for outcome in run(
                    left, painting.layers, painting.control, options.max_pixels, options.quality,
                    overwrite=options.overwrite, record=record if common else None,
                    keep_location=options.keep_location,
                ):  # fmt: skip
                    told[outcome.job] = outcome.error
            except Exception as error:  # of a million photos, one may find a mistake of ours
                alone = [job for job in left if job not in told]
                told[alone[0]] = f"{alone[0].source}: {type(error).__name__}: {error}"
        return [told[job] for job in jobs]
