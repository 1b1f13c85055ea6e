"""The finished clip: the video of all segments as it is, and what the source has besides."""

import heapq
import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fst.errors import InputError
from fst.inference.video.carried import carry, when
from fst.inference.video.codecs import container_of
from fst.inference.video.containers import opened, written
from fst.inference.video.encode import BITEXACT, Recipe
from fst.inference.video.frames import Source
from fst.inference.video.timetable import Segment, Timetable, timetable
from fst.inference.video.tracks import carried_tags
from fst.system.files import atomic_file

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


_FINEST_SCALE = 1_000_000
"""Ticks a second: with more, the length of an hour no longer fits what old players read."""


def join_segments(
    segments: list[Path],
    target: Path,
    source: Source,
    recipe: Recipe,
    record: str | None = None,
) -> list[str]:
    """Writes the finished clip, whole or not at all.

    Args:
        segments: files that :func:`~fst.inference.video.encode.write_segment` wrote, in order.
        target: to write.
        source: of the frames; a video file lends its sound, subtitles, chapters and words.
        recipe: of the segments.
        record: kept in the file as its comment.

    Returns:
        Lines to say, as of a sound track that the container can't hold.

    Raises:
        InputError: the segments don't belong together.
        OSError: the disk is full, and the like.
    """
    read = [_read(path) for path in segments]
    table = timetable(read, source.about.time_base)
    container = container_of(target)
    options = {"fflags": BITEXACT, "max_interleave_delta": "1000000"}
    # sound may begin before zero, with what its decoder needs first: all times stay as they are
    options |= {"avoid_negative_ts": "disabled"}
    if container in ("mp4", "mov"):
        options |= {
            "movflags": "+faststart",
            "movie_timescale": str(_timescale(table.tick, source)),
        }
    lines: list[str] = []
    with (
        atomic_file(target) as temporary,
        written(temporary, container, options) as made,
        ExitStack() as stack,
    ):
        with opened(segments[0]) as first:
            video = _add_video(made, first.streams.video[0], recipe, table.tick)
        carried: list[Iterator[Packet[Any]]] = []
        if source.about.kind == "video":
            given = stack.enter_context(opened(source.path))
            stream = given.streams[source.about.details["stream"]]
            video.metadata.update(carried_tags(stream.metadata))
            carried, lines = carry(source, given, made, until=read[-1].times[-1])
        if record is not None:
            made.metadata["comment"] = record
        for packet in heapq.merge(_pictures(read, table, video), *carried, key=when):
            made.mux(packet)
    return lines


def _add_video(
    made: "OutputContainer", template: "VideoStream", recipe: Recipe, tick: Fraction
) -> "VideoStream":
    stream = made.add_stream_from_template(template, opaque=True)
    stream.time_base = tick
    context, colors = stream.codec_context, recipe.colors
    context.colorspace, context.color_range = colors.matrix, colors.range
    context.color_primaries, context.color_trc = colors.primaries, colors.transfer
    if recipe.pixel_aspect is not None:
        context.sample_aspect_ratio = recipe.pixel_aspect.limit_denominator(255)
    return stream


def _read(path: Path) -> Segment:
    stamps: list[int] = []
    words = b""
    with opened(path) as container:
        for packet in container.demux(container.streams.video[0], container.streams.subtitles[0]):
            if packet.stream.type == "subtitle":
                words += bytes(packet)
            elif packet.pts is not None:
                stamps.append(packet.pts)
    try:
        times = [Fraction(one) for one in json.loads(words)["times"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no segment of a painted clip") from error
    if len(times) != len(stamps) + 1:
        raise InputError(f"{path} is damaged: {len(stamps)} frames, and times of {len(times) - 1}")
    return Segment(path, stamps, times)


def _timescale(tick: Fraction, source: Source) -> int:
    """Of the whole file: an offset between its streams shall be as exact as their times."""
    rates = {tick.denominator}
    if source.about.kind == "video":
        with opened(source.path) as given:
            known = (one.codec_context for one in given.streams.audio if one.codec_context)
            rates |= {one.sample_rate or 1 for one in known}
    scale = math.lcm(*rates)
    return scale if 1000 <= scale <= _FINEST_SCALE else max(tick.denominator, 1000)


def _pictures(
    segments: list[Segment], table: Timetable, stream: "VideoStream"
) -> Iterator["Packet[Any]"]:
    place = 0
    head: bytes | None = None
    for segment in segments:
        with opened(segment.path) as container:
            video = container.streams.video[0]
            own = video.codec_context.extradata or b""
            if head not in (None, own):
                raise InputError(
                    f"{segment.path} was encoded in another way than those before it: paint anew"
                )
            head = own
            for packet in container.demux(video):
                if packet.pts is None:
                    continue
                packet.pts, packet.dts = table.shown[place], table.decoded[place]
                packet.duration = table.durations[place]
                packet.time_base = table.tick
                packet.stream = stream
                place += 1
                yield packet
