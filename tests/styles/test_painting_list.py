"""fst.styles.painting_list: what the list beside a painting says of it."""

from pathlib import Path

import pytest

from fst.styles.painting_list import listed_painting


def test_the_row_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "paintings.csv").write_text(
        "\ufefffile,painter,title,year,rights,source\n"
        'a.jpg,"Monet, Claude","The  Sea",1874,free,there\n'
        "b.jpg,,Wood,c. 1010,,\n",
        encoding="utf-8",
    )
    assert listed_painting(tmp_path / "a.jpg") == {
        "title": "The Sea", "painter": "Monet, Claude", "year": 1874, "rights": "free",
    }  # fmt: skip
    assert listed_painting(tmp_path / "b.jpg") == {"title": "Wood", "year": "c. 1010"}
    assert listed_painting(tmp_path / "c.jpg") == {}


@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\xfe\0", b"no list", b"file\na.jpg\n", b"file,title\na.jpg"]
)
def test_without_a_list_that_can_be_read_nothing_is_known(
    content: bytes | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "paintings.csv").write_bytes(content)
    assert listed_painting(tmp_path / "a.jpg") == {}


def test_a_title_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "paintings.csv").write_text(f"file,title\na.jpg,{'x' * 2000}\n")
    assert len(str(listed_painting(tmp_path / "a.jpg")["title"])) == 500
