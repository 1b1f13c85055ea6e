"""One segment of a clip: frames to a file, encoded once and for all.

A segment is a Matroska file with the video and, after it, one line of text: the exact times of its
frames, which Matroska itself rounds to milliseconds.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from fst.errors import InputError
from fst.inference.video.codecs import RULES, Rules
from fst.inference.video.colors import Colors, to_frame
from fst.inference.video.containers import is_of_the_disk, load_av, written
from fst.inference.video.frames import Frame

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_MILLISECOND = Fraction(1, 1000)

_X265_WIDTH = 64
"""Pixels; x265 (of PyAV 18) writes beyond its memory where frames are narrower."""

BITEXACT = "+bitexact"
"""Of ``fflags``: no random numbers and no versions in a file."""


@dataclass(frozen=True)
class Recipe:
    """How the frames of a clip are encoded.

    Attributes:
        encoder: FFmpeg's name.
        crf: constant rate factor; None where the encoder has none.
        kind: pixel format.
        rate: frames a second, in the mean.
        colors: what the encoded numbers mean.
        pixel_aspect: width over height of a pixel; None is square.
    """

    encoder: str
    crf: int | None
    kind: str
    rate: Fraction
    colors: Colors
    pixel_aspect: Fraction | None = None


def write_segment(file: Path | IO[bytes], frames: Iterable[Frame], recipe: Recipe) -> None:
    """Encodes frames to a file, taking them one by one.

    Args:
        file: to write, or an open one.
        frames: at least one, of one size.
        recipe: how.

    Raises:
        InputError: the encoder can't do this.
        OSError: the disk is full, and the like.
    """
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 else tells about itself on stderr
    errors = load_av().error
    options = {"fflags": BITEXACT, "max_interleave_delta": "1"}
    with written(file, "matroska", options) as container:
        try:
            _encode(container, frames, recipe)
        except (errors.FFmpegError, ValueError) as error:
            if isinstance(error, InputError) or is_of_the_disk(error):
                raise
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"the encoder {recipe.encoder} can't do this: {reason}") from error


def _encode(container: "OutputContainer", frames: Iterable[Frame], recipe: Recipe) -> None:
    stream: VideoStream | None = None
    times: list[Fraction] = []
    stamps: list[int] = []
    last: Frame | None = None
    for number, frame in enumerate(frames):
        height, width = frame.pixels.shape[:2]
        if stream is None:
            stream = new_stream(container, recipe, width, height)
            line = container.add_mux_stream("subrip")
            line.time_base = _MILLISECOND
        picture = to_frame(frame.pixels, recipe.kind, recipe.colors)
        picture.pts, picture.time_base = number, stream.codec_context.time_base
        times.append(frame.time)
        stamp = round((frame.time - times[0]) / _MILLISECOND)
        stamps.append(max(stamp, stamps[-1] + 1) if stamps else 0)
        last = frame
        container.mux(_stamped(stream.encode(picture), stamps))
    if stream is None or last is None:
        raise InputError("there is no frame to encode")
    container.mux(_stamped(stream.encode(None), stamps))
    end = times[-1] + (last.duration or 1 / recipe.rate)
    container.mux(_line(line, {"times": [str(one) for one in (*times, end)]}, stamps[-1] + 1))


def new_stream(
    container: "OutputContainer", recipe: Recipe, width: int, height: int
) -> "VideoStream":
    """A stream with its encoder, which is told what the numbers mean."""
    rate = recipe.rate.limit_denominator(1001)
    rate = min(max(rate, Fraction(1, 10)), Fraction(1000))
    rules = RULES.get(recipe.encoder, Rules())
    options = dict(rules.options)
    if recipe.crf is not None:
        options["crf"] = str(recipe.crf)
    if recipe.encoder == "libx265" and width < _X265_WIDTH:
        raise InputError(
            f"{width}x{height} is too narrow for hevc, which needs {_X265_WIDTH} pixels; "
            "another codec (--codec) can encode it"
        )
    made = container.add_stream(
        recipe.encoder, rate, options, width=width, height=height, time_base=1 / rate
    )
    stream = cast("VideoStream", made)
    context = stream.codec_context
    context.pix_fmt = recipe.kind
    context.colorspace, context.color_range = recipe.colors.matrix, recipe.colors.range
    context.color_primaries = recipe.colors.primaries
    context.color_trc = recipe.colors.transfer
    if recipe.pixel_aspect is not None:
        context.sample_aspect_ratio = recipe.pixel_aspect.limit_denominator(255)
    if recipe.encoder not in RULES:  # else FFmpeg's 200 kbit/s
        context.qscale, context.global_quality = True, 2 * 118
    return stream


def _stamped(packets: "list[Packet[Any]]", stamps: list[int]) -> "list[Packet[Any]]":
    """Packets whose times are numbers of frames, with times in milliseconds."""
    for packet in packets:
        assert packet.pts is not None
        early = 0 if packet.dts is None else packet.dts
        packet.pts = stamps[packet.pts]
        # only the order counts: Matroska has no times of decoding
        packet.dts = min(stamps[early] if 0 <= early < len(stamps) else early, packet.pts)
        packet.time_base = _MILLISECOND
    return packets


def _line(stream: Any, content: dict[str, Any], stamp: int) -> "Packet[Any]":
    packet: Packet[Any] = load_av().Packet(json.dumps(content).encode())
    packet.stream = stream
    packet.pts = packet.dts = stamp
    packet.duration = 1
    packet.time_base = _MILLISECOND
    return packet
