"""A report goes into a folder that is new, empty or a report's; nobody else's is touched."""

import json
from pathlib import Path

import pytest
from support import make_photo

from fst.errors import InputError
from fst.evaluation.compare import Comparison, compare
from fst.evaluation.report_folder import (
    begin_report,
    check_report_folder,
    is_of_report,
    is_report,
)
from fst.system.temporaries import temporary_path


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", ["new", "new/newer", "empty", "begun", "killed", "finished"])
def test_a_folder_that_is_new_empty_or_a_reports_is_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    begin_report(tmp_path / "begun")
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / f".fst.{'0' * 16}.tmp").touch()  # of an earlier version
    temporary_path(tmp_path / "killed").touch()
    (tmp_path / "finished").mkdir()
    finished = {"schema": 2, "style": {}, "settings": {}, "photos": []}
    (tmp_path / "finished" / "report.json").write_text(json.dumps(finished))
    (tmp_path / "finished" / "notes.txt").touch()
    before = everything(tmp_path)
    check_report_folder(tmp_path / name)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        {"photo.jpg": b"a photo"},
        {"index.html": b"a page of mine"},
        {".profile": b"a home folder"},
        {"report.json": b"{}"},
        {"report.json": b"[]"},
        {"report.json": b"not JSON"},
        {"report.json": b'{"schema": "mine", "style": 1, "settings": 2, "photos": 3}'},
        {"photos/a.jpg": b"a photo", "pictures/b.png": b"another"},
    ],
    ids=str,
)
def test_a_folder_of_something_else_is_refused(content: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in content.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    before = everything(tmp_path)
    with pytest.raises(InputError, match="no report of fst compare") as caught:
        check_report_folder(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert everything(tmp_path) == before


def test_folders_inside_a_report_and_around_one_are_none(tmp_path: Path) -> None:
    begin_report(tmp_path / "report")
    (tmp_path / "report" / "pictures" / "a_fast.png").touch()
    (tmp_path / "report" / "photos" / "a.json").touch()
    for folder in (tmp_path, tmp_path / "report" / "pictures", tmp_path / "report" / "photos"):
        with pytest.raises(InputError, match=r"no report|part of a report"):
            check_report_folder(folder)
    for path in tmp_path.rglob("*.*"):
        if path.name != "report.json":
            path.unlink()
    for name in ("pictures", "photos"):  # empty, and still not for another's
        with pytest.raises(InputError, match="part of a report"):
            check_report_folder(tmp_path / "report" / name)
    assert is_report(tmp_path / "report")


def test_a_file_and_a_link_to_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name, says in (("file", "is a file"), ("file/below", "is a file"), ("link", "nowhere")):
        with pytest.raises(InputError, match=says):
            check_report_folder(tmp_path / name)


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    check_report_folder(tmp_path / "link")
    (tmp_path / "real" / "photo.jpg").touch()
    with pytest.raises(InputError, match="no report"):
        check_report_folder(tmp_path / "link")


def test_only_the_pictures_of_a_report_are_its_own(tmp_path: Path) -> None:
    begin_report(tmp_path / "report")
    (tmp_path / "elsewhere" / "pictures").mkdir(parents=True)
    (tmp_path / "report" / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "report" / "pictures")
    assert is_of_report(tmp_path / "report" / "pictures")
    assert is_of_report(tmp_path / "link")
    for folder in ("elsewhere/pictures", "report/mine", "report"):
        assert not is_of_report(tmp_path / folder)


def test_a_comparison_that_is_stopped_leaves_a_folder_that_it_goes_on_in(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    next(compare(comparison, photos, tmp_path / "report"))
    check_report_folder(tmp_path / "report")
    assert json.loads((tmp_path / "report" / "report.json").read_text())["unfinished"] is True


def test_a_folder_is_made_with_the_first_photo_that_can_be_read(
    comparison: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no")
    make_photo(24, 20).save(tmp_path / "whole.png")
    made = []

    def note(path: Path, problem: Exception) -> None:
        made.append((path.name, (tmp_path / "report").exists()))

    photos = [tmp_path / "broken.jpg", tmp_path / "whole.png"]
    list(compare(comparison, photos, tmp_path / "report", on_problem=note))
    assert made == [("broken.jpg", False)]
    assert (tmp_path / "report").exists()
