"""fst.research.benchmarks.output: figures and a sheet in a folder, nothing replaced unasked."""

import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from fst.errors import InputError
from fst.research.benchmarks.output import Output, console, progress

ROWS = [("row", [Image.new("RGB", (20, 20), "red")])]


def output(folder: Path | None, overwrite: bool = False) -> Output:
    return Output(argparse.Namespace(output=folder, overwrite=overwrite))


def test_figures_and_sheet_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "figures"
    output(folder).write({"a": 1}, ["column"], ROWS)
    assert json.loads((folder / "figures.json").read_text()) == {"a": 1}
    with Image.open(folder / "sheet.jpg") as sheet:
        assert min(sheet.size) > 20
    assert sorted(path.name for path in folder.iterdir()) == ["figures.json", "sheet.jpg"]


def test_what_is_there_is_replaced_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "sheet.jpg").write_text("mine")
    with pytest.raises(InputError, match=r"sheet\.jpg.*--overwrite"):
        output(tmp_path)
    output(tmp_path, overwrite=True).write({}, ["column"], ROWS)
    assert (tmp_path / "sheet.jpg").read_bytes()[:2] == b"\xff\xd8"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        output(tmp_path / "file")


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output(None).write({"a": 1}, ["column"], ROWS)
    assert not list(tmp_path.iterdir())


def test_names_of_paintings_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(progress(1, [Path("a.jpg"), Path("b[red].jpg")]))
    assert capsys.readouterr().out.strip() == "painting 2 of 2: b[red]"
