"""The source's sound and subtitles: copied bit for bit, or converted where they can't be."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from fst.inference.video.containers import load_av

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

Track = Callable[["Packet[Any]"], Iterator["Packet[Any]"]]
"""Makes the target's packets of one of the source's."""

_SOUND = {"mp4": "aac", "mov": "aac", "webm": "libopus", "matroska": "libopus"}
_WORDS = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "subrip"}
"""Container -> the encoder for what it can't hold."""

_BITS = 80_000
"""Bits a second for each channel of sound that is coded anew."""

_OWN = ("major_brand", "minor_version", "compatible_brands", "encoder", "vendor_id")
_COUNTS = ("number_of_", "_statistics", "bps", "duration")
"""Tags that say something of the source's file, not of what it shows."""


def carried_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The words of a file or a stream that its painting keeps: all but where it was taken.

    Args:
        tags: names and values, as the source has them.
    """
    kept = {}
    for name, value in tags.items():
        low = name.lower()
        if any(place in low for place in ("location", "gps", "xyz", "coordinates")):
            continue
        if low in _OWN or low.startswith(_COUNTS):
            continue
        if value := "".join(one for one in value if one.isprintable()).strip():
            kept[name] = value
    return kept


def open_tracks(
    given: "InputContainer", made: "OutputContainer", start: Fraction
) -> tuple[dict[int, Track], list[str]]:
    """Adds the source's streams of sound and subtitles to the target.

    Args:
        given: the source.
        made: the target, before its header is written.
        start: seconds to be taken off all times.

    Returns:
        For each stream of the source by its index what makes the target's packets of its own, and
        lines to say.
    """
    tracks: dict[int, Track] = {}
    lines: list[str] = []
    for stream in given.streams:
        if stream.type not in ("audio", "subtitle"):
            continue
        what = "sound" if stream.type == "audio" else "subtitles"
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
        fate = ""
        added = _copied(stream, made)
        track = None if added is None else _copier(added, start)
        if track is None and stream.codec_context is not None:
            try:
                added, track = _converted(stream, made, start)
                fate = f"converted to {added.codec_context.codec.canonical_name}"
            except (load_av().error.FFmpegError, ValueError, RuntimeError):
                added = None
        if added is None or track is None:
            fate = "left out"
        if fate:
            line = f"the {what} ({codec}) can't be held by {made.format.name}: {fate}"
            if line not in lines:  # tracks are often of one kind
                lines.append(line)
        if added is None or track is None:
            continue
        added.metadata.update(carried_tags(stream.metadata))
        added.disposition = stream.disposition
        tracks[stream.index] = track
    return tracks, lines


def _copied(stream: "Stream", made: "OutputContainer") -> "Stream | None":
    try:
        return made.add_stream_from_template(stream)
    except ValueError:  # the container can't hold it, or nobody knows the codec
        return None


def _copier(stream: "Stream", start: Fraction) -> Track:
    def copy(packet: "Packet[Any]") -> Iterator["Packet[Any]"]:
        if packet.pts is None and packet.dts is None:
            return  # the end
        shift = round(start / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = stream
        yield packet

    return copy


def _converted(
    stream: "Stream", made: "OutputContainer", start: Fraction
) -> tuple["Stream", Track]:
    """A stream of the container's usual codec, and what codes packets anew."""
    if stream.type == "audio":
        return _recoded(cast("AudioStream", stream), made, start)
    words = cast("SubtitleStream", stream)
    words.codec_context.open(strict=False)
    if words.codec_context.subtitle_header is None:
        raise ValueError("subtitles that are pictures")
    added = cast("SubtitleStream", made.add_stream(_WORDS[made.format.name]))
    added.codec_context.subtitle_header = words.codec_context.subtitle_header
    added.codec_context.time_base = Fraction(1, 1000)
    added.codec_context.open()

    def convert(packet: "Packet[Any]") -> Iterator["Packet[Any]"]:
        if packet.pts is None or not (shown := words.codec_context.decode2(packet)):
            return
        line = added.codec_context.encode_subtitle(shown)
        line.pts = line.dts = packet.pts - round(start / packet.time_base)
        line.duration, line.time_base = packet.duration, packet.time_base
        line.stream = added
        yield line

    return added, convert


def _recoded(
    stream: "AudioStream", made: "OutputContainer", start: Fraction
) -> tuple["Stream", Track]:
    av = load_av()
    name, rate = _SOUND[made.format.name], stream.codec_context.sample_rate
    if name == "libopus":
        rate = 48_000  # the one that it is made for
    layout = _layout(name, rate, stream.codec_context.layout.name)
    added = cast("AudioStream", made.add_stream(name, rate))
    context = added.codec_context
    context.layout, context.bit_rate = layout, _BITS * len(av.AudioLayout(layout).channels)
    context.time_base = Fraction(1, rate)
    context.open()
    resampler = av.AudioResampler(
        format=context.format, layout=layout, rate=rate, frame_size=context.frame_size or None
    )

    def recode(packet: "Packet[Any]") -> Iterator["Packet[Any]"]:
        try:
            frames = stream.codec_context.decode(packet)
        except av.error.InvalidDataError:
            return  # a damaged one: silence
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(start / frame.time_base)
            for part in resampler.resample(frame):
                yield from added.encode(part)
        if packet.size == 0:  # the end
            for part in resampler.resample(None):
                yield from added.encode(part)
            yield from added.encode(None)

    return added, recode


def _layout(encoder: str, rate: int, layout: str) -> str:
    """Channels that an encoder takes: those of the source, or close to them."""
    av = load_av()
    for one in (layout, layout.partition("(")[0], "stereo"):
        context = av.CodecContext.create(encoder, "w")
        try:
            context.sample_rate, context.layout = rate, one
            context.format = context.codec.audio_formats[0]
            context.open()
        except (av.error.FFmpegError, ValueError):
            continue
        return one
    raise ValueError(f"{encoder} can't encode it")
