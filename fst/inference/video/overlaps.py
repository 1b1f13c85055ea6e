"""Subtitles for MP4, which shows one at a time: what is shown at once becomes one subtitle.

Samples of a track follow each other there, and FFmpeg's writer ends each with an empty one. What
begins before that is pushed behind it, and so is all that follows, later and later.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fst.inference.video.containers import load_av

if TYPE_CHECKING:
    from av.packet import Packet

TOGETHER = 8
"""Subtitles that are shown at once, at most, the newest ones: more would fill the picture."""

_LONGEST = 0xFFFF
"""Bytes of a text."""

_STYLE = 12
"""Bytes that a sample has for the style of some letters; the first four say of which."""


@dataclass(frozen=True)
class Cue:
    """A subtitle.

    Attributes:
        packet: that it is.
        begin: when it is shown, in ticks of the packet, and so is ``end``.
    """

    packet: "Packet[Any]"
    begin: int
    end: int


def cues_of(packets: "Sequence[Packet[Any]]") -> list[Cue]:
    """The subtitles of a track in their order; one of no length is shown until the next one.

    Args:
        packets: of the track, of one time base. Empty ones only end what is shown.
    """
    stamps = sorted({_begin(packet) for packet in packets})
    after = dict(zip(stamps, [*stamps[1:], stamps[-1] + 1], strict=True)) if stamps else {}
    cues = []
    for packet in packets:
        if packet.size > 2:
            begin = _begin(packet)
            end = begin + packet.duration if packet.duration else after[begin]
            cues.append(Cue(packet, begin, end))
    return sorted(cues, key=lambda cue: cue.begin)


def overlap(cues: Sequence[Cue]) -> bool:
    """Whether any subtitle begins before the one ahead of it has ended."""
    return any(cue.end > after.begin for cue, after in pairwise(cues))


def one_at_a_time(cues: Sequence[Cue], texts: bool) -> "Iterator[Packet[Any]]":
    """Subtitles of which none overlaps: whenever others are shown, the next one begins.

    Args:
        cues: in order.
        texts: they are texts as MP4 has them (``mov_text``), whose lines can be put together; else
            the newest is shown alone.
    """
    moments = sorted({moment for cue in cues for moment in (cue.begin, cue.end)})
    shown: list[Cue] = []
    place = 0
    for begin, end in pairwise(moments):
        shown = [cue for cue in shown if cue.end > begin]
        while place < len(cues) and cues[place].begin <= begin:
            shown.append(cues[place])
            place += 1
        shown = shown[-TOGETHER:]
        if not shown:
            continue
        last = shown[-1].packet
        contents = [bytes(cue.packet) for cue in (shown if texts else shown[-1:])]
        packet: Packet[Any] = load_av().Packet(_together(contents))
        packet.pts = packet.dts = begin
        packet.duration, packet.time_base, packet.stream = end - begin, last.time_base, last.stream
        yield packet


def _begin(packet: "Packet[Any]") -> int:
    return packet.pts if packet.pts is not None else packet.dts or 0


def _together(samples: Sequence[bytes]) -> bytes:
    """One sample with the lines of all, each once, and their styles; one alone stays as it is.

    Source:
        3GPP TS 26.245, section 5.17.
    """
    if len(samples) == 1:
        return samples[0]
    text, styles = "", list[bytes]()
    read = dict(map(_read, samples))  # often a text is there twice, once for its shadow
    for one, its in read.items():
        longer = f"{text}\n{one}" if text else one
        if len(longer.encode()) > _LONGEST or len(longer) > _LONGEST:
            break
        first = len(longer) - len(one)
        for style in its:
            start, stop = struct.unpack(">HH", style[:4])
            if max(start, stop) + first <= _LONGEST:
                styles.append(struct.pack(">HH", start + first, stop + first) + style[4:])
        text = longer
    content = text.encode()
    box = b""
    if styles:
        size = 10 + _STYLE * len(styles)
        box = struct.pack(">I4sH", size, b"styl", len(styles)) + b"".join(styles)
    return struct.pack(">H", len(content)) + content + box


def _read(sample: bytes) -> tuple[str, list[bytes]]:
    """The text of a sample, and the styles of its letters; whatever else is in it is left out."""
    (length,) = struct.unpack(">H", sample[:2])
    content, rest = sample[2 : 2 + length], sample[2 + length :]
    wide = content[:2] in (b"\xfe\xff", b"\xff\xfe")
    styles: list[bytes] = []
    while len(rest) >= 10:
        size, kind, _ = struct.unpack(">I4sH", rest[:10])
        entries = rest[10:size] if kind == b"styl" else b""
        places = range(0, len(entries) - _STYLE + 1, _STYLE)
        styles += [entries[place : place + _STYLE] for place in places]
        rest = rest[max(size, 8) :]
    return content.decode("utf-16" if wide else "utf-8", errors="replace"), styles
