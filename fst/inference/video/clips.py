"""One clip after the other: opened, painted, joined; each goes on where it was left."""

import importlib.metadata
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from fst.choices import MAX_PIXELS
from fst.image.record import record_text
from fst.inference.control import Control, Layer
from fst.inference.targets import Job
from fst.inference.video.codecs import CONTAINERS
from fst.inference.video.frames import About
from fst.inference.video.paint import paint_clip
from fst.inference.video.parts import forget_parts, held_parts, remove_parts
from fst.inference.video.piece import Painted, Piece, with_even_sides
from fst.inference.video.record import clip_checksum, clip_comparison, clip_record
from fst.inference.video.segments import segment_length
from fst.inference.video.sinks import Encoding, check_encoding, open_sink
from fst.inference.video.sources import open_source
from fst.inference.video.steady import SteadyPainter, measure_taken
from fst.inference.video.targets import has_sound, is_of_frames, place_of
from fst.system.files import free_path

FORMAT = 1
"""Of the folder of parts; one of another format is another painting's."""


@dataclass(frozen=True)
class Way:
    """How clips are painted.

    Attributes:
        layers: styles and masks, as for :func:`fst.inference.control.paint`.
        control: size, strength and the like.
        common: the part of the record that all clips have, from
            :func:`~fst.inference.record.painted_with`.
        stable: how they are kept steady, one of :data:`fst.choices.STABLE`.
        encoding: of videos.
        piece: of every clip.
        rate: frames a second of numbered frames; None is the usual.
        max_pixels: refuse larger frames.
        says: results say how they were painted.
        overwrite: a file that is at the target when all is painted is replaced.
        replace_frames: a folder of painted frames is replaced, too.
    """

    layers: Sequence[Layer]
    control: Control
    common: Mapping[str, Any]
    stable: str = "auto"
    encoding: Encoding = field(default_factory=Encoding)
    piece: Piece = field(default_factory=Piece)
    rate: Fraction | None = None
    max_pixels: int = MAX_PIXELS
    says: bool = True
    overwrite: bool = False
    replace_frames: bool = False

    def record(self, source: Path) -> dict[str, Any]:
        """What a clip's result says, or would say, of how it was painted."""
        seconds = None if self.piece.seconds is None else float(self.piece.seconds)
        settings = {
            "stable": measure_taken(self.stable, self.control),
            "crf": self.encoding.crf,
            "codec": self.encoding.codec,
            "start": float(self.piece.start) or None,
            "seconds": seconds,
            "rate": None if self.rate is None else str(self.rate),
        }
        return clip_record(self.common, source, clip_checksum(source), settings)


@dataclass
class Progress:
    """How far the painting of one clip is.

    Attributes:
        job: the clip, and where it goes.
        target: where it went.
        about: the clip; None until it is opened.
        total: frames that there are going to be, where that is known.
        frames: how many there are; at ``began`` so many were there already.
        parts: folder of what is painted and not joined yet.
        before: lines to say when it is opened: what is left out, what stays of another painting.
        lines: to say at the end: what was found in the clip, what could not be written.
    """

    job: Job
    target: Path
    about: About | None = None
    total: int | None = None
    began: int = -1
    frames: int = 0
    parts: Path | None = None
    before: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def comparison(way: Way, trust: bool = False) -> Callable[[Job], str | None]:
    """What tells how the clip at a job's target differs from the one that would be painted.

    Where it differs, options that can't be are told first, by an error.

    Args:
        way: how it would be painted.
        trust: as of :func:`~fst.inference.video.record.clip_comparison`.
    """
    compared = clip_comparison(way.record if way.says else None, trust)

    def differs(job: Job) -> str | None:
        if (reason := compared(job)) is not None:
            check_encoding(job.target, way.encoding)
            Painted(open_source(job.source, way.max_pixels, way.rate), way.piece, way.control)
        return reason

    return differs


def paint_file(job: Job, way: Way, on_change: Callable[[Progress], None]) -> Progress:
    """Paints a clip, or what is missing of it.

    Args:
        job: the clip, and where it goes.
        way: how.
        on_change: is told when the clip is opened, and after every frame.

    Returns:
        How it ended.

    Raises:
        FstError: it can't be read, painted or written.
        OSError: no room on the disk.
    """
    progress = Progress(job, job.target)
    clip = open_source(job.source, way.max_pixels, way.rate)
    control = way.control
    if job.target.suffix.lower() in CONTAINERS:
        control = with_even_sides(control, clip.about)
    source = Painted(clip, way.piece, control)
    painter = SteadyPainter(way.layers, control, way.stable)
    record = way.record(job.source)
    text = record_text(record) if way.says else None
    sink = open_sink(job.target, source, way.encoding, text, way.replace_frames)
    length = segment_length(source.about, source.about.width * source.about.height)
    with held_parts(place_of(job.target), sink.suffix, _job(record, length)) as parts:
        progress.about, progress.total = source.about, source.about.frames
        progress.parts = parts.folder
        progress.before.extend(parts.others)
        if clip.about.details.get("sound") and not has_sound(job.target):
            what = "a folder of frames" if is_of_frames(job.target) else job.target.name
            progress.before.append(f"{what} has no sound: the clip's is left out")

        def count(frames: int) -> None:
            progress.frames = frames
            if progress.began < 0:
                progress.began = frames
            on_change(progress)

        segments = paint_clip(source, sink, painter, parts, length, count)
        if not (way.overwrite or is_of_frames(job.target)) and os.path.lexists(job.target):
            progress.target = free_path(job.target)
            progress.lines.append(f"{job.target} was made by somebody else meanwhile, and stays")
        said = sink.join(segments, progress.target)
        remove_parts(parts)
    progress.lines[:0] = [*source.notes, *said]
    return progress


def forget(job: Job, way: Way) -> None:
    """Removes what was left of a clip that is painted, as where its program was killed then."""
    forget_parts(
        place_of(job.target), lambda: json.loads(json.dumps(_same(way.record(job.source))))
    )


def _same(record: Mapping[str, Any]) -> dict[str, Any]:
    """Of a job, what is the record's: but for what changes nothing, as the clip's name."""
    same = {name: one for name, one in record.items() if name not in ("program", "computed")}
    return {"record": {**same, "clip": record["clip"]["sha256"]}}


def _job(record: Mapping[str, Any], length: int) -> dict[str, Any]:
    """What has to be the same for a painting to go on."""
    try:
        encoder = importlib.metadata.version("av")
    except importlib.metadata.PackageNotFoundError:  # pictures need none
        encoder = ""
    return {"format": FORMAT, **_same(record), "length": length, "av": encoder}
