"""Grids have room for their words; pages are self-contained and say what they are."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from fst.errors import InputError
from fst.image.picture import to_pil
from fst.research.studies.page import (
    Page,
    Section,
    Shown,
    check_place,
    check_room,
    draw_grid,
    is_study,
    write_grid,
    write_page,
)

PAGE = Page(
    "ratio",
    "A <title>",
    "About it.",
    [
        Section(tiles=[Shown("pictures/a b.png", "a & b", "a note")]),
        Section("grid", "", (), ["one", "two"], [("row", [Shown("pictures/1.png", "first")])]),
        Section("Figures", figures=(["picture", "content"], [["a", "0.5"]])),
    ],
    {"size": "64 px"},
    [("other", "other.html")],
)


def test_a_page_asks_nobody_else_and_escapes_what_it_shows(tmp_path: Path) -> None:
    write_page(tmp_path / "index.html", PAGE)
    text = (tmp_path / "index.html").read_text()
    assert "A &lt;title&gt;" in text
    assert "a &amp; b" in text
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert set(links) == {"pictures/a%20b.png", "pictures/1.png", "other.html"}
    assert "prefers-color-scheme" in text
    assert is_study(tmp_path / "index.html")
    assert text.count("<td>0.5</td>") == 1


def test_columns_are_of_one_width_and_the_first_only_stands_where_rows_have_words(
    tmp_path: Path,
) -> None:
    write_page(tmp_path / "index.html", PAGE)
    text = (tmp_path / "index.html").read_text()
    assert "--columns: 2" in text
    assert '<th scope="row">row</th>' in text
    bare = Section("", "", (), ["one"], [("", [Shown("pictures/1.png", "first")])])
    write_page(tmp_path / "index.html", replace(PAGE, sections=[bare], settings={}))
    text = (tmp_path / "index.html").read_text()
    assert 'scope="row"' not in text
    assert text.count("<td>") == 1
    assert "--columns: 1" in text


def test_another_s_page_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>mine</html>")
    assert not is_study(tmp_path / "index.html")
    assert not is_study(tmp_path / "nowhere.html")
    with pytest.raises(InputError, match="--overwrite"):
        check_place(tmp_path, False)
    check_place(tmp_path, True)
    check_place(tmp_path / "new", False)


def test_a_folder_of_others_files_is_no_place_for_a_study(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    check_place(tmp_path, False)
    (tmp_path / "holiday.jpg").touch()
    for files in (["index.html", "conv1_1.png"], []):
        with pytest.raises(InputError, match=r"other files.*--overwrite") as said:
            check_place(tmp_path, False, files)
        assert "\n" not in str(said.value)
    check_place(tmp_path, True)
    write_page(tmp_path / "index.html", PAGE)
    check_place(tmp_path, False)


def test_columns_have_room_for_their_words() -> None:
    small = to_pil(torch.zeros(1, 3, 16, 16))
    grid = draw_grid(["a rather long heading", "another one"], [("", [small, small])])
    dark = grid.convert("L").point(lambda level: 255 if level < 128 else 0)
    bottom = dark.getbbox()[3] - 1  # the last row of the pictures
    pictures = [x for x in range(grid.width) if dark.getpixel((x, bottom)) == 255]
    assert len(pictures) == 32
    begin = [b for a, b in itertools.pairwise(pictures) if b > a + 1]
    assert len(begin) == 1  # two pictures, apart
    assert begin[0] < 120  # no wider than the longest word, not than the heading
    # nothing of the first heading reaches the second one, and it goes on in further lines
    assert dark.crop((begin[0] - 6, 0, begin[0], bottom - 20)).getbbox() is None
    assert dark.crop((0, 50, begin[0], 72)).getbbox() is not None


def test_a_copy_is_small(tmp_path: Path) -> None:
    noise = torch.rand(1, 3, 900, 2000, generator=torch.Generator().manual_seed(0))
    write_grid(tmp_path / "grid.png", to_pil(noise), tmp_path / "docs", "ratio")
    with Image.open(tmp_path / "docs" / "ratio.webp") as copy:
        assert copy.size == (1600, 720)
    assert (tmp_path / "docs" / "ratio.webp").stat().st_size <= 400_000
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (2000, 900)


def test_a_grid_that_nobody_looks_at_is_refused() -> None:
    check_room(5 * 4096, 2 * 4096)
    with pytest.raises(InputError, match="--size"):
        check_room(20 * 4096, 20 * 4096)
