"""The source's sound and subtitles, as the target can hold them."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

Track = Callable[["Packet[Any]"], Iterator["Packet[Any]"]]
"""Makes the target's packets of one of the source's."""

_OWN = ("major_brand", "minor_version", "compatible_brands", "encoder", "vendor_id", "duration")
"""Tags that say something of the source's file, not of what it shows; and so do counts."""


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
        if low in _OWN or low.startswith(("number_of_", "_statistics", "bps", "duration")):
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
        copy = made.add_stream_from_template(stream)
        copy.metadata.update(carried_tags(stream.metadata))
        copy.disposition = stream.disposition
        tracks[stream.index] = _copier(copy, start)
    return tracks, lines


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
