"""What a painted clip says, in every kind of file; and what is no record is none."""

from pathlib import Path
from typing import Any

import pytest
from drawn_clips import pixels, write_clip
from PIL import Image
from support import make_photo

from fst.image.record import png_text, record_text
from fst.inference.targets import Job
from fst.inference.video.record import (
    clip_checksum,
    clip_comparison,
    clip_record,
    read_clip_record,
)

COMMON: dict[str, Any] = {
    "format": 1, "program": "fst 9", "styles": [{"name": "m", "weights_sha256": "w"}],
    "settings": {"strength": 0.5}, "computed": {"device": "cpu"},
}  # fmt: skip


def write_video(path: Path, comment: str) -> None:
    """As a container has a comment."""
    import av

    with av.open(str(path), "w") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("vp9" if path.suffix == ".webm" else "libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        frame = av.VideoFrame.from_ndarray(pixels(0), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_record_has_what_only_clips_have() -> None:
    record = clip_record(COMMON, Path("x/a.mp4"), "d", {"stable": "flow", "crf": None})
    assert record["settings"] == {"strength": 0.5, "stable": "flow"}
    assert record["clip"] == {"name": "a.mp4", "sha256": "d"}
    assert COMMON["settings"] == {"strength": 0.5}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif", ""])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    record = clip_record(COMMON, Path("söme name.mp4"), "d", {})
    path = tmp_path / f"clip{suffix}"
    if suffix == "":
        path.mkdir()
        make_photo().save(path / "1.png", pnginfo=png_text(record))
        make_photo().save(path / "2.png")
    elif suffix == ".gif":
        frames = [Image.fromarray(pixels(number)) for number in range(2)]
        comment = f"a sentence\n{record_text(record)}"
        frames[0].save(path, save_all=True, append_images=frames[1:], comment=comment)
    else:
        write_video(path, record_text(record))
    assert read_clip_record(path) == record


def test_what_is_no_record_is_none(tmp_path: Path) -> None:
    write_clip(clip := tmp_path / "clip.mp4", 2)
    make_photo().save(photo := tmp_path / "photo.png")
    (text := tmp_path / "text.mp4").write_text("no video")
    (folder := tmp_path / "folder").mkdir()
    for path in (clip, photo, text, folder, tmp_path / "nowhere"):
        assert read_clip_record(path) is None
    deep = "[" * 30 + "]" * 30
    for comment in (
        "",
        "[]",
        "{}",
        '{"format": 1}',
        "[" * 5000,
        f'{{"format": 1, "clip": {deep}}}',
    ):
        frames = [Image.fromarray(pixels(number)) for number in range(2)]
        frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:], comment=comment)
        assert read_clip_record(folder / "a.gif") is None


def test_a_checksum_is_the_files_or_of_all_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert clip_checksum(tmp_path / "a") == known
    whole = clip_checksum(tmp_path)
    assert clip_checksum(tmp_path / "%d.png") == whole
    (tmp_path / "a").rename(tmp_path / "b")
    assert clip_checksum(tmp_path) != whole
    (tmp_path / "b").rename(tmp_path / "a")
    assert clip_checksum(tmp_path) == whole
    (tmp_path / "c").touch()
    assert clip_checksum(tmp_path) != whole


def test_what_differs_is_told(tmp_path: Path) -> None:
    (folder := tmp_path / "out").mkdir()

    def differs(changed: dict[str, Any], trust: bool = False) -> str | None:
        record = clip_record({**COMMON, **changed}, Path("a.mp4"), changed.get("d", "d"), {})
        return clip_comparison(lambda _: record, trust)(Job(Path("a.mp4"), folder))

    assert differs({}) == "it does not say how it was painted"
    assert differs({}, trust=True) is None
    there = clip_record(COMMON, Path("other name.mp4"), "d", {})
    make_photo().save(folder / "1.png", pnginfo=png_text(there))
    assert differs({}) is None
    assert differs({"program": "fst 10", "computed": {}}) is None
    assert differs({"d": "e"}) == "it was painted from another clip"
    assert differs({"settings": {"strength": 1}}) == "strength 0.5, now 1"
    unsaid = clip_comparison(None)(Job(Path("a.mp4"), folder))
    assert unsaid == "it says how it was painted"
