"""``fst study``: grid, page and figures, from the command line to the files."""

from pathlib import Path

import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.interfaces.arguments.study import parser
from fst.interfaces.commands.study import main
from fst.research.studies import optimized
from fst.research.studies.kinds import PLANS


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    monkeypatch.chdir(tmp_path)
    make_photo(40, 32).save("photo.png")
    make_photo(40, 40, seed=3).save("sea.png")
    return tmp_path


COMMON = ["--size", "32", "--iterations", "2", "--weights", "slim", "--device", "cpu"]


def study(kind: str, *words: str) -> int:
    named = ["--photo", "photo.png"] if kind != "presets" else ["--photos", "photo.png"]
    style = ["--styles" if kind == "reconstruction" else "--style", "sea.png"]
    return main(parser().parse_args([kind, *named, *style, *COMMON, *words]))


@pytest.mark.usefixtures("place")
def test_a_study_writes_grid_page_and_copy(capsys: pytest.CaptureFixture[str]) -> None:
    assert study("pooling", "--output", "out", "--copies", "docs") == 0
    output = capsys.readouterr()
    assert "picture 2 of 2" in output.out
    assert "out/index.html" in output.out
    page = Path("out/index.html").read_text()
    for file in ("pictures/max.png", "pictures/avg.png", "pictures/shown-0.png"):
        assert f'src="{file}"' in page
        assert (Path("out") / file).is_file()
    assert "max pooling" in page
    with Image.open("out/grid.png") as grid:
        assert grid.width >= 4 * 32  # photo, painting, and two pictures
    assert Path("docs/pooling.webp").is_file()
    assert study("pooling", "--output", "out") == 0
    assert "2 of 2 pictures are there already" in capsys.readouterr().out


@pytest.mark.usefixtures("place")
def test_presets_are_compared_in_a_table_with_means() -> None:
    make_photo(40, 32, seed=5).save("other.png")
    assert study("presets", "--output", "out", "--photos", "photo.png", "other.png") == 0
    page = Path("out/index.html").read_text()
    assert page.count("<td>mean</td><td>gatys</td>") == 1
    assert page.count("<td>other</td><td>course</td>") == 1


@pytest.mark.usefixtures("place")
def test_another_s_folder_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(optimized, "Pictures", never)
    Path("out").mkdir()
    Path("out/grid.png").write_text("mine")
    with pytest.raises(InputError, match=r"grid\.png is there already"):
        study("pooling", "--output", "out")
    with pytest.raises(InputError, match="is a file"):
        study("pooling", "--output", "photo.png")
    assert Path("out/grid.png").read_text() == "mine"


@pytest.mark.usefixtures("place")
def test_what_is_read_is_never_written() -> None:
    Path("out/pictures").mkdir(parents=True)
    for name in ("pictures/shown-0.png", "grid.png"):
        Path("photo.png").rename(Path("out") / name)
        Path("photo.png").symlink_to(Path("out").resolve() / name)
        before = Path("photo.png").read_bytes()
        with pytest.raises(InputError, match="is read by this command"):
            study("pooling", "--output", "out", "--overwrite")
        assert Path("photo.png").read_bytes() == before
        Path("photo.png").unlink()
        (Path("out") / name).rename("photo.png")
    Path("docs").mkdir()
    Path("docs/pooling.webp").write_text("mine")
    with pytest.raises(InputError, match=r"--copies docs/pooling\.webp is there already"):
        study("pooling", "--output", "new", "--copies", "docs")
    Path("out/pictures/max.png").write_text("mine")
    with pytest.raises(InputError, match="pictures is there already"):
        study("pooling", "--output", "out")


@pytest.mark.slow
@pytest.mark.usefixtures("place")
def test_all_are_made_in_folders_of_their_own() -> None:
    words = ["--styles", "sea.png", "--photos", "photo.png", "--ratios", "1", "--seeds", "0",
             "--style-sizes", "32", "--output", "out"]  # fmt: skip
    assert study("all", *words) == 0
    assert {path.parent.name for path in Path("out").glob("*/index.html")} == set(PLANS)
