"""Numbered pictures: which belong together, in which order, and which is missing."""

from pathlib import Path

import pytest

from fst.errors import InputError
from fst.inference.video.series import Naming, find_series, is_pattern, read_pattern


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_order_is_that_of_the_numbers(tmp_path: Path) -> None:
    folder = touch(
        tmp_path / "f", *(f"shot2-{n}.png" for n in range(8, 13)), "notes7.txt", ".x_9.png"
    )
    naming, files, notes = find_series(folder, None)
    assert [path.name for path in files.values()] == [f"shot2-{n}.png" for n in range(8, 13)]
    assert (list(files), notes) == ([8, 9, 10, 11, 12], [])
    assert (str(naming), naming.name(7)) == ("shot2-%d.png", "shot2-7.png")


def test_zeros_in_front_are_kept(tmp_path: Path) -> None:
    folder = touch(tmp_path / "f", *(f"{n:03d}_a.JPG" for n in range(998, 1002)), "cover.jpg")
    naming, files, notes = find_series(folder, None)
    assert list(files) == [998, 999, 1000, 1001]
    assert (str(naming), naming.name(5)) == ("%03d_a.JPG", "005_a.JPG")
    assert "1 picture" in notes[0]


def test_the_first_gap_is_named(tmp_path: Path) -> None:
    folder = touch(tmp_path / "f", *(f"f_{n:04d}.png" for n in (3, 4, 6, 9, 10)))
    with pytest.raises(InputError, match=r"f_0005\.png is missing, and 2 more, between f_0003"):
        find_series(folder, None)
    (folder / "f_0009.png").unlink()
    (folder / "f_0010.png").unlink()
    with pytest.raises(InputError, match=r"f_0005\.png is missing, between"):
        find_series(folder, None)


def test_several_series_are_named_and_one_is_picked_by_its_pattern(tmp_path: Path) -> None:
    folder = touch(tmp_path / "f", "a_01.png", "a_02.png", "b_1.png", "a_03.jpg")
    with pytest.raises(InputError, match=r"3 series .*a_%02d\.png \(2\).*b_%d\.png \(1\)"):
        find_series(folder, None)
    _, files, _ = find_series(folder, Naming("a_", 2, ".png"))
    assert [path.name for path in files.values()] == ["a_01.png", "a_02.png"]


def test_two_of_one_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"01\.png and 1\.png"):
        find_series(touch(tmp_path / "f", "1.png", "01.png"), None)


def test_no_frames(tmp_path: Path) -> None:
    folder = touch(tmp_path / "f", "cover.png", "notes_1.txt")
    with pytest.raises(InputError, match="no numbered frames"):
        find_series(folder, None)
    with pytest.raises(InputError, match=r"looked for a_%04d\.png"):
        find_series(folder, Naming("a_", 4, ".png"))


@pytest.mark.parametrize(
    ("text", "first", "tenth"),
    [
        ("%04d.png", "0001.png", "0010.png"), ("a_%d.jpg", "a_1.jpg", "a_10.jpg"),
        ("100%%_%03d_b.png", "100%_001_b.png", "100%_010_b.png"),
        ("%%d%d.png", "%d1.png", "%d10.png"),
    ],
)  # fmt: skip
def test_patterns_are_those_of_ffmpeg(text: str, first: str, tenth: str) -> None:
    naming = read_pattern(Path("frames") / text)
    assert (naming.name(1), naming.name(10)) == (first, tenth)


@pytest.mark.parametrize("text", ["%d_%d.png", "%s%d.png", "%5d%d.png", "%099d.png"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(InputError, match=r"frame_%04d\.png|digits"):
        read_pattern(Path(text))


def test_a_file_of_that_name_is_no_pattern(tmp_path: Path) -> None:
    assert is_pattern(tmp_path / "a_%d.png")
    touch(tmp_path, "a_%d.png")
    assert not is_pattern(tmp_path / "a_%d.png")
    assert not is_pattern(tmp_path / "100%%d.png")
