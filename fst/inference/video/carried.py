"""What a painted clip has of its source besides pictures: sound, subtitles, chapters, words."""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from fst.inference.video.chapters import carry_attachments, carry_chapters
from fst.inference.video.containers import load_av, opened
from fst.inference.video.frames import Source
from fst.inference.video.overlaps import cues_of, one_at_a_time, overlap
from fst.inference.video.tracks import Track, carried_tags, open_tracks

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_ONE_AT_A_TIME = ("mp4", "mov")
"""Containers that show one subtitle of a track at a time."""


def carry(
    source: Source, given: "InputContainer", made: "OutputContainer", until: Fraction
) -> "tuple[list[Iterator[Packet[Any]]], list[str]]":
    """Gives the target the source's tags, chapters and files, and tracks for all but the video.

    Args:
        source: as it is painted.
        given: its file.
        made: the target, before its header is written.
        until: when the target ends, in seconds.

    Returns:
        Packets to write, in several rows, each in the order of time; and lines to say.
    """
    start = source.about.details["start"]
    piece = source.about.details.get("piece", (None, None))
    if piece[1] is not None:  # the last frame is shown for longer
        until = min(until, piece[1] - start)
    made.metadata.update(carried_tags(given.metadata))
    carry_chapters(given, made, start, until)
    tracks, lines = open_tracks(given, made, start)
    lines += carry_attachments(given, made)
    words: dict[int, Track] = {}
    if made.format.name in _ONE_AT_A_TIME:
        words = {i: track for i, track in tracks.items() if given.streams[i].type == "subtitle"}
    rows: list[Iterator[Packet[Any]]] = []
    if words:  # looked at before the others, hence in a file of its own
        with opened(source.path) as again:
            rows, said = _in_sequence(_packets(again, words, piece), made.format.name)
        lines += said
    sound = {i: track for i, track in tracks.items() if i not in words}
    return [_packets(given, sound, piece), *rows], lines


def _in_sequence(
    packets: "Iterator[Packet[Any]]", container: str
) -> "tuple[list[Iterator[Packet[Any]]], list[str]]":
    """Subtitles, a row for each track, of which none overlaps; and lines to say."""
    found: dict[int, list[Packet[Any]]] = {}
    for packet in packets:
        found.setdefault(packet.stream.index, []).append(packet)
    rows, lines = [], list[str]()
    for row in found.values():
        cues = cues_of(row)
        if not overlap(cues):
            rows.append(iter(sorted(row, key=when)))
            continue
        texts = row[0].stream.codec_context.codec.name == "mov_text"
        rows.append(one_at_a_time(cues, texts))
        what = "those that overlap are put together"
        if not texts:
            what = "of those that overlap the newest is shown"
        line = f"{container} shows one subtitle at a time: {what}"
        if line not in lines:
            lines.append(line)
    return rows, lines


def _packets(
    given: "InputContainer",
    tracks: Mapping[int, Track],
    piece: tuple[Fraction | None, Fraction | None],
) -> Iterator["Packet[Any]"]:
    """What becomes of the source's packets between two moments, in its order."""
    begin, end = piece
    error = load_av().error
    if not tracks:
        return
    packets = given.demux(*(given.streams[index] for index in tracks))
    while True:
        try:
            packet = next(packets, None)
        except (error.InvalidDataError, error.EOFError):
            return  # a tail that is missing
        if packet is None:
            return
        if packet.pts is None or _cut(packet, begin, end):
            yield from tracks[packet.stream.index](packet)


def _cut(packet: "Packet[Any]", begin: Fraction | None, end: Fraction | None) -> bool:
    """Cuts a subtitle to the piece between two moments; whether a packet belongs to it at all.

    Subtitles last: one that goes on behind the end would make the clip longer.
    """
    lasts = packet.duration if packet.stream.type == "subtitle" else None
    if lasts and begin is not None and (before := begin - when(packet)) > 0:
        ticks = math.ceil(before / packet.time_base)
        lasts -= ticks
        packet.pts = packet.dts = (packet.pts or 0) + ticks
        if lasts <= 0:
            return False
    time = when(packet)
    if (begin is not None and time < begin) or (end is not None and time >= end):
        return False
    if lasts and end is not None:
        lasts = min(lasts, max(1, int((end - time) / packet.time_base)))
    if lasts:
        packet.duration = lasts
    return True


def when(packet: "Packet[Any]") -> Fraction:
    """When a packet is decoded, in seconds."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    return (stamp or 0) * packet.time_base
