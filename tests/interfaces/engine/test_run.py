"""``fst stylize --engine ray``: what it refuses, and a folder from the first photo to the last."""

import csv
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet
from support import encoded, make_photo

from fst.errors import InputError
from fst.image.io import load_pixels
from fst.interfaces.arguments.stylize import parser
from fst.interfaces.commands import stylize
from fst.interfaces.engine import pictures
from fst.interfaces.engine.manifest import FAILURES, NAME, opened

STYLE = ("--style", "monet_small", "--size", "48", "--precision", "fp32")


def call(*words: str) -> int:
    return stylize.main(parser().parse_args(list(words)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mask", "m.png"], "--mask"),
        (["--refine", "3"], "--refine"),
        (["--method", "optimize"], "--method optimize"),
        (["--iterations", "9"], "--iterations"),
        (["--save-every", "9"], "--save-every"),
        (["--resume"], "--resume"),
        (["--feather", "0.1"], "--feather"),
        (["--output", "-"], "stdin and stdout"),
        (["--output", "a.jpg"], "folder"),
    ],
)
def test_what_it_does_not_do_is_said(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_photo().save("a.jpg")
    with pytest.raises(InputError, match=said):
        call("a.jpg", "--output", "out", *words, *STYLE[:2], "--engine", "ray")
    with pytest.raises(InputError, match="--output"):
        call("a.jpg", *STYLE, "--engine", "ray")


@pytest.mark.parametrize("words", [["--workers", "2"], ["--address", "auto"], ["--batch", "3"]])
def test_its_options_are_not_for_the_plain_engine(words: list[str]) -> None:
    with pytest.raises(InputError, match=f"{words[0]}.*--engine ray"):
        call("a.jpg", "--output", "out", *words, *STYLE)


def test_tables_are_not_for_the_plain_engine(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hub:own/photos .*--engine ray"):
        call("hub:own/photos", "--output", "out", *STYLE)
    parquet.write_table(pyarrow.table({"image": [b""]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet .*--engine ray"):
        load_pixels(tmp_path / "a.parquet")


def test_without_ray_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="pip install ray"):
        call(str(tmp_path), "--output", str(tmp_path / "out"), *STYLE, "--engine", "ray")


def test_a_folder_in_which_somebody_paints(photo_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install ray")
    (tmp_path / "out").mkdir()
    with opened(tmp_path / "out"), pytest.raises(InputError, match="another"):
        call(str(photo_folder), "--output", str(tmp_path / "out"), *STYLE, "--engine", "ray")


def kill_a_worker(manifest: Path, token: str) -> None:
    """Once three photos are there."""
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
        time.sleep(0.05)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            if name.startswith(b"ray::_Actor") and token.encode() in (
                folder / "environ"
            ).read_bytes():  # fmt: skip
                os.kill(int(folder.name), signal.SIGKILL)
                return
        except OSError:
            continue
    raise AssertionError("no worker to kill")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for workers in /proc")
def test_a_worker_is_killed_and_the_command_is_given_again(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Twelve photos, two broken ones; then, mended, once more, and plainly."""
    pytest.importorskip("ray", reason="needs Ray: pip install ray")
    (photo_folder / "deep").mkdir()
    (photo_folder / "deep" / "empty.jpg").touch()
    (photo_folder / "text.png").write_text("no picture")
    out = tmp_path / "out"
    monkeypatch.setenv("FST_TEST_TOKEN", token := f"fst-test-{os.urandom(8).hex()}")
    killer = threading.Thread(target=kill_a_worker, args=(out / NAME, token), daemon=True)
    killer.start()
    words = [str(photo_folder), "--output", str(out), *STYLE]
    ray = ["--engine", "ray", "--workers", "1", "--batch", "2"]
    assert call(*words, *ray) == 1
    killer.join(5)
    assert "painted 12 of 14" in (said := capsys.readouterr()).out
    assert "1 workers died" in said.out
    assert "empty.jpg" in said.err
    # what is there
    lines = [json.loads(line) for line in (out / NAME).read_bytes().splitlines()]
    tried = Counter(line["target"] for line in lines)
    assert set(tried.values()) == {1}
    assert len(tried) == 14
    results = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert results == [f"photo_{i:02d}-monet_small.jpg" for i in range(12)]
    assert not list(out.rglob("*.tmp"))
    with open(out / FAILURES, encoding="utf-8", newline="") as file:
        failed = {Path(row["photo"]).name: row["reason"] for row in csv.DictReader(file)}
    assert set(failed) == {"empty.jpg", "text.png"}
    assert "empty" in failed["empty.jpg"]
    # the broken ones are taken away: nothing is left to do, and no worker is started
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    (photo_folder / "deep" / "empty.jpg").unlink()
    (photo_folder / "text.png").unlink()
    monkeypatch.setattr(pictures, "session", None)
    assert call(*words, *ray) == 0
    assert len((out / FAILURES).read_text().splitlines()) == 1
    assert "painted already: 12 of 12" in capsys.readouterr().out
    # the plain command knows what was painted, and paints the same
    assert call(*words) == 0
    assert "12 pictures were painted with these settings already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    one = photo_folder / "photo_03.jpg"
    assert call(str(one), "--output", f"{tmp_path}/plain/", *STYLE) == 0
    assert (tmp_path / "plain" / "photo_03-monet_small.jpg").read_bytes() == (
        out / "photo_03-monet_small.jpg"
    ).read_bytes()


def sources(tmp_path: Path, columns: dict[str, list[Any]]) -> Path:
    path = tmp_path / "p.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": [1]}, "no column image or bytes"),
        ({"bytes": ["text"]}, "no column image or bytes"),
        ({"bytes": [b"x"], "error": ["y"]}, "rename"),
    ],
)
def test_tables_without_photos(columns: dict[str, list[Any]], said: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install ray")
    path = sources(tmp_path, columns)
    with pytest.raises(InputError, match=said):
        call(str(path), "--output", str(tmp_path / "out"), *STYLE, "--engine", "ray")


def test_tables_and_files_are_not_mixed(photo_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install ray")
    path = sources(tmp_path, {"bytes": [encoded(make_photo())]})
    with pytest.raises(InputError, match="one after the other"):
        call(
            str(path), str(photo_folder), "--output", str(tmp_path / "out"), *STYLE,
            "--engine", "ray",
        )  # fmt: skip
