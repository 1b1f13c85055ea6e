from pathlib import Path

import av
import numpy as np
from tiny_clips import moving, write_clip

from fst.inference.video.containers import opened
from fst.inference.video.decoding import Decoded, decoded


def all_of(path: Path, size: tuple[int, int] | None = None) -> tuple[list[av.VideoFrame], Decoded]:
    found = Decoded()
    with opened(path) as container:
        return list(decoded(container, container.streams.video[0], size, found)), found


def test_every_frame_of_any_stream(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(9), options={"bf": "3"}, sound=1)
    with av.open(str(path)) as given, av.open(str(tmp_path / "b.mkv"), "w") as made:
        order = sorted(given.streams, key=lambda one: one.type)  # the sound is first
        copies = {one.index: made.add_stream_from_template(one, opaque=True) for one in order}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                made.mux(packet)
    frames, found = all_of(tmp_path / "b.mkv")
    assert [frame.pts - frames[0].pts for frame in frames] == [40 * one for one in range(9)]
    assert (found.damaged, found.resized, found.encrypted) == (0, False, False)
    assert 0.9 < float(found.end) < 1.1  # a second of sound


def test_damaged_frames_are_left_out_and_counted(tmp_path: Path) -> None:
    frames = [*moving(9)]
    path = write_clip(tmp_path / "a.avi", frames, encoder="png", kind="rgb24", options={})
    content = bytearray(path.read_bytes())
    places = [at for at in range(len(content)) if content[at : at + 8] == b"\x89PNG\r\n\x1a\n"]
    assert len(places) == 9
    for place in places[3], places[6]:
        content[place + 16 : place + 20] = bytes(4)  # the width
    path.write_bytes(content)
    left, found = all_of(path)
    assert found.damaged == 2
    kept = [one for place, one in enumerate(frames) if place not in (3, 6)]
    assert [(a.to_ndarray() == b).all() for a, b in zip(left, kept, strict=True)] == [True] * 7


def test_as_many_frames_as_there_were_interlaced_ones(tmp_path: Path) -> None:
    """A bar that moves between the two fields of each frame."""
    frames = []
    for number in range(6):
        fields = np.zeros((2, 32, 96, 3), np.uint8)
        for late in range(2):
            start = 6 * (2 * number + late)
            fields[late, :, start : start + 12] = 255
        whole = fields[0].copy()
        whole[1::2] = fields[1, 1::2]
        frames.append(whole)
    options = {"flags": "+ildct+ilme", "b": "4M"}
    path = write_clip(
        tmp_path / "a.mkv", frames, encoder="mpeg2video", kind="yuv420p", options=options
    )
    mended, _ = all_of(path)
    assert [one.pts * one.time_base * 1000 for one in mended] == [40 * one for one in range(6)]
    for before, after in zip(frames, mended, strict=True):
        luma = after.to_ndarray()[:32].astype(int)
        comb = np.abs(np.diff(luma, axis=0)).mean()
        assert comb < 0.25 * np.abs(np.diff(before[..., 0].astype(int), axis=0)).mean()


def test_frames_of_another_size_are_brought_to_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    widths = (48, 64)
    parts = [write_clip(tmp_path / f"{one}.ts", moving(3, one, 32)) for one in widths]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, found = all_of(path, (48, 32))
    assert {(one.width, one.height) for one in frames} == {(48, 32)}
    assert len(frames) == 6
    assert found.resized
