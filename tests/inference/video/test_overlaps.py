"""Subtitles of which none overlaps."""

import struct
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any

import av

from fst.inference.video.overlaps import cues_of, one_at_a_time, overlap

TICK = Fraction(1, 1000)


def sample(text: str, *styles: tuple[int, int]) -> bytes:
    """As MP4 has it: the length, the text, and a box with the style of some letters."""
    content = text.encode()
    entries = b"".join(struct.pack(">HHHBBI", *one, 1, 0, 18, 0xFF0000FF) for one in styles)
    box = struct.pack(">I4sH", 10 + len(entries), b"styl", len(styles)) + entries
    return struct.pack(">H", len(content)) + content + (box if styles else b"")


@cache
def stream() -> Any:
    """That packets belong to."""
    return av.open(BytesIO(), "w", format="matroska").add_mux_stream("subrip")


def track(*cues: tuple[int, int, bytes]) -> list[Any]:
    packets = []
    for begin, duration, content in cues:
        packet = av.Packet(content)
        packet.pts = packet.dts = begin
        packet.duration, packet.time_base = duration, TICK
        packet.stream = stream()
        packets.append(packet)
    return packets


def shown(packets: list[Any]) -> list[tuple[int, int, bytes]]:
    return [(one.pts, one.pts + one.duration, bytes(one)) for one in packets]


def at(packets: list[Any], moment: int) -> list[bytes]:
    return [content for begin, end, content in shown(packets) if begin <= moment < end]


def of(*cues: tuple[int, int, bytes], texts: bool = True) -> list[Any]:
    return list(one_at_a_time(cues_of(track(*cues)), texts))


def test_at_every_moment_there_is_what_there_was() -> None:
    """Looked at tick by tick, in a track in which all begins and ends in its own way."""
    cues = [(0, 10, "a"), (5, 10, "b"), (5, 3, "c"), (12, 20, "d"), (13, 2, "e"), (40, 5, "f")]
    made = of(*((begin, lasts, sample(text)) for begin, lasts, text in cues))
    for moment in range(50):
        there = [text for begin, lasts, text in cues if begin <= moment < begin + lasts]
        assert at(made, moment) == ([sample("\n".join(there))] if there else [])
    ends = [0]
    for begin, end, _ in shown(made):
        assert ends[-1] <= begin < end
        ends.append(end)


def test_whether_any_overlap() -> None:
    apart = track((0, 5, b"12a"), (5, 5, b"12b"), (20, 0, b"12c"), (30, 1, b"12d"))
    assert not overlap(cues_of(apart))
    assert overlap(cues_of(track((0, 5, b"12a"), (4, 5, b"12b"))))
    assert overlap(cues_of(track((0, 5, b"12a"), (0, 5, b"12b"))))
    # empty ones of an MP4 end what is shown, and are not shown themselves
    assert not overlap(cues_of(track((0, 5, b"12a"), (5, 9, b"\0\0"), (6, 5, b"12b"))))
    assert cues_of([]) == []


def test_one_of_no_length_is_shown_until_the_next_one() -> None:
    cues = cues_of(track((3, 0, b"12a"), (3, 0, b"12b"), (8, 0, b"12c")))
    assert [(cue.begin, cue.end) for cue in cues] == [(3, 8), (3, 8), (8, 9)]


def test_styles_go_along_with_their_letters() -> None:
    made = of((0, 10, sample("né", (0, 1))), (5, 10, sample("two", (1, 3))))
    assert at(made, 7) == [sample("né\ntwo", (0, 1), (4, 6))]
    assert at(made, 2) == [sample("né", (0, 1))]  # as it was
    wide = "weit".encode("utf-16")
    made = of((0, 9, struct.pack(">H", len(wide)) + wide), (0, 9, sample("x")))
    assert at(made, 0) == [sample("weit\nx")]


def test_a_text_that_is_there_twice_is_shown_once() -> None:
    made = of((0, 10, sample("shadow")), (0, 10, sample("shadow")), (5, 5, sample("x")))
    assert at(made, 0) == [sample("shadow")]
    assert at(made, 5) == [sample("shadow\nx")]


def test_pictures_give_way_to_the_next_one() -> None:
    made = of((0, 10, b"picture one"), (5, 2, b"picture two"), texts=False)
    assert shown(made) == [(0, 5, b"picture one"), (5, 7, b"picture two"), (7, 10, b"picture one")]


def test_a_track_that_would_fill_the_picture_is_cut_short() -> None:
    made = of(*((number, 1000, sample(f"line {number}")) for number in range(40)))
    assert at(made, 39) == [sample("\n".join(f"line {number}" for number in range(32, 40)))]
    long = sample("x" * 40_000)
    (text,) = at(of((0, 9, long), (0, 9, sample("y" * 40_000))), 0)
    assert text == long


def test_damaged_samples_are_shown_as_far_as_they_go() -> None:
    odd = [
        b"\xff\xffcut off",
        b"\x00\x02hi" + struct.pack(">I4sH", 0, b"styl", 9) + b"half",
        b"\x00\x03\xff\xfea",
        b"\x00\x04\xc3\xc3hi" + b"\0" * 12,
    ]
    for one in odd:
        (made,) = at(of((0, 9, one), (0, 9, sample("whole"))), 0)
        assert made.endswith(b"\nwhole")
