import os
from pathlib import Path

import pytest
from support import encoded, make_photo
from tiny_clips import moving, write_clip

from fst.errors import InputError
from fst.inference.video.containers import opened, written


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught, opened(path):
        pass
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    contents = {
        b"": "empty",
        b"dear diary\n" * 40: "text",
        b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n": "text",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n": "text",
        encoded(make_photo(), "JPEG"): "fst stylize",
        encoded(make_photo(), "PNG"): "fst stylize",
        b"PK\3\4" + bytes(100): "ZIP",
        bytes(range(256)) * 20: "can't be read as a video",
    }
    for content, said in contents.items():
        path.write_bytes(content)
        assert said in refused(path)


def test_a_file_that_is_missing_and_a_folder(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.mp4")
    assert "folder" in refused(tmp_path)


def test_an_index_that_is_missing_is_named(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "clip.mp4", moving(3)).read_bytes()
    start = whole.index(b"moov") - 4
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[:start])
    assert "moov" in refused(path)


def test_a_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = write_clip(tmp_path / "clip.mp4", moving(3)).read_bytes()
    monkeypatch.chdir(tmp_path)
    for name in ("http:clip", "pipe:0", "-", "%03d.mp4", os.fsdecode(b"caf\xe9.mp4")):
        Path(name).write_bytes(content)
        with opened(Path(name)) as container:
            assert len(container.streams.video) == 1


def test_an_error_of_the_disk_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "clip.mkv"
    with pytest.raises(OSError, match="No such file") as caught:
        write_clip_to(path)
    assert caught.value.filename == str(path)


def write_clip_to(path: Path) -> None:
    with written(path, "matroska", {}) as container:
        container.add_mux_stream("subrip")
        container.start_encoding()
