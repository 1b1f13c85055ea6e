"""Every clip of the assets through reading, segments and joining, with its own pixels."""

import csv
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from tiny_clips import packets_of, psnr

from fst.errors import InputError
from fst.inference.video.codecs import Encoding
from fst.inference.video.sinks import open_sink
from fst.inference.video.sources import open_source

UNREADABLE = ("carphone_no_index.mp4", "sound_only.m4a")

DAMAGED = ("basketball_damaged_tail.mp4", "soccer_damaged_tail.avi")

QUICK = (
    "basketball_rotated_180.mov",
    "bikes_vfr.mp4",
    "bunny_odd_641x361_mono.mp4",
    "camcorder_interlaced_wide.mpg",
    "carphone.mp4",
    "cars_hevc_stereo.mov",
    "cartwheel.avi",
    "nasa_hdr_hevc10.mp4",
    "nasa_two_streams.mp4",
    "plant_pan_short.mp4",
    "segway_rotated_90.mp4",
    "single_frame.mp4",
    "soccer_damaged_tail.avi",
    "soccer_odd_319x239.webm",
    "tree_cinepak.avi",
)
"""Those that are small or short."""

SAID = {
    "basketball_damaged_tail.mp4": "7.1 s of 11.1 s",
    "soccer_damaged_tail.avi": "4.8 s of 8.4 s",
    "nasa_two_streams.mp4": "2 videos",
    "nasa_hdr_hevc10.mp4": "PQ",
}
"""What is found in a clip; in all others nothing is."""


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "videos" / "videos.csv").open(encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_every_clip_is_read_as_it_is_described(assets_folder: Path) -> None:
    for name, row in rows(assets_folder).items():
        path = assets_folder / "videos" / name
        if name in UNREADABLE:
            with pytest.raises(InputError, match=name):
                open_source(path)
            continue
        clip = open_source(path)
        width, height = (480, 270) if name == "nasa_two_streams.mp4" else size(row)
        assert (clip.about.width, clip.about.height) == (width, height), name
        if name not in DAMAGED:
            assert clip.about.frames in (None, *counts(name, row)), name
            continue
        assert len(list(clip.frames())) in counts(name, row)
        assert any(SAID[name] in note for note in clip.notes)


def size(row: dict[str, str]) -> tuple[int, ...]:
    """Width and height as shown."""
    width, height = map(int, row["size"].split("x"))
    return (height, width) if row["rotation_flag"] in ("90", "-90") else (width, height)


def counts(name: str, row: dict[str, str]) -> tuple[int, ...]:
    """How many frames the file has; AVIs also count one that holds nothing."""
    count = 390 if name == "nasa_two_streams.mp4" else int(row["frames"])
    return (count, count + 1) if name.endswith(".avi") else (count,)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_clip_comes_out_as_it_went_in(
    assets_folder: Path, tmp_path: Path, suffix: str
) -> None:
    """Times are exact in MP4, and within half a millisecond, its tick, in Matroska."""
    table = rows(assets_folder)
    for name in QUICK if suffix == ".mp4" else ("cars_hevc_stereo.mov", "plant_pan_short.mp4"):
        path, target = assets_folder / "videos" / name, tmp_path / f"{name}{suffix}"
        source = open_source(path)
        sink = open_sink(target, source, Encoding())
        times, kept, segments = [], {}, []
        frames = source.frames()
        while part := list(islice(frames, 60)):
            segments.append(tmp_path / f"{len(segments)}{sink.suffix}")
            sink.write_segment(segments[-1], part)
            times += [one.time for one in part]
            kept |= {one.number: one.pixels for one in part if one.number % 30 == 0}
        assert sink.join(segments, target) == []
        assert len(source.notes) == (name in SAID), name
        assert SAID.get(name, "") in "".join(source.notes), name
        assert len(times) in counts(name, table[name]), name
        assert all(a < b for a, b in pairwise(times)), name
        allowed = 0 if suffix == ".mp4" else Fraction(1, 2000)
        again = open_source(target)
        for one, time in zip(again.frames(), times, strict=True):
            assert abs(one.time - time) <= allowed, name
            if one.number in kept:
                before = kept[one.number]
                assert psnr(one.pixels, before) > 33, name
                bias = one.pixels.mean((0, 1)) - before.mean((0, 1))
                assert np.abs(bias).max() < 1, name
        same_sound(path, target, allowed)
        with av.open(str(path), metadata_errors="replace") as given, av.open(str(target)) as made:
            if name not in SAID and given.format.name != "avi":  # their lengths are not true
                gap = abs(given.duration - made.duration) / 1_000_000
                assert gap <= 1 / source.about.rate, name


def same_sound(path: Path, target: Path, allowed: Fraction | int) -> None:
    for kind in ("audio", "subtitle"):
        before, after = packets_of(path, kind), packets_of(target, kind)
        assert len(before) == len(after), path
        for one, other in zip(before, after, strict=True):
            assert [content for content, _ in one] == [content for content, _ in other], path
            assert all(abs(a - b) <= allowed for (_, a), (_, b) in zip(one, other, strict=True))
