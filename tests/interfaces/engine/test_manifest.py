"""The manifest: what is in it after a crash, and who may write into it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fst.errors import InputError
from fst.interfaces.engine.manifest import (
    FAILURES,
    NAME,
    Line,
    digest_of,
    opened,
    stamp_of,
)  # fmt: skip


def rows(folder: Path) -> list[list[str]]:
    with open(folder / FAILURES, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_what_is_noted_is_known_to_the_next_process(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:
        manifest.note([Line("a/x.jpg", "1-2", "s"), Line("b.jpg", "3-4", "s", {"b": "no"}, False)])
    with opened(tmp_path) as manifest:
        assert manifest.done("a/x.jpg", "1-2", "s")
        assert not manifest.done("a/x.jpg", "1-3", "s")  # another photo
        assert not manifest.done("a/x.jpg", "1-2", "t")  # other settings
        assert not manifest.done("b.jpg", "3-4", "s")  # it failed
        assert not manifest.done("c.jpg", "1-2", "s")
    assert len((tmp_path / NAME).read_text().splitlines()) == 2


def test_a_photo_without_a_stamp_is_never_done(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:
        manifest.note([Line("x", stamp_of(tmp_path / "gone"), "s")])
        assert not manifest.done("x", stamp_of(tmp_path / "gone"), "s")


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_line_that_was_cut_off_loses_only_itself(tmp_path: Path, cut: int) -> None:
    with opened(tmp_path) as manifest:
        manifest.note([Line("a", "1", "s"), Line("b", "1", "s")])
    content = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(content[:-cut])
    with opened(tmp_path) as manifest:
        assert manifest.done("a", "1", "s")
        # without its line break alone it is whole
        assert manifest.done("b", "1", "s") == (cut == 1)
        manifest.note([Line("c", "1", "s")])
    with opened(tmp_path) as manifest:
        assert manifest.done("a", "1", "s")
        assert manifest.done("c", "1", "s")


@pytest.mark.parametrize(
    "foreign",
    [b"\xff\xfe", b"[]", b"17", b'{"target": 3, "stamp": "1", "settings": "s"}', b'{"more": 1}',
     b'{"target": "b", "stamp": "1", "settings": "s", "failed": []}', b"[" * 9000, b"\0" * 99],
)  # fmt: skip
def test_foreign_lines_are_passed_over(tmp_path: Path, foreign: bytes) -> None:
    (tmp_path / NAME).write_bytes(foreign + b'\n{"target":"a","stamp":"1","settings":"s"}\n')
    with opened(tmp_path) as manifest:
        assert manifest.done("a", "1", "s")
        assert not manifest.done("b", "1", "s")


def test_the_last_line_on_a_result_holds(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:
        manifest.note([Line("a", "1", "s", {"a.jpg": "damaged"}, False)])
        assert manifest.list_failures() == 1
        assert rows(tmp_path) == [["photo", "reason"], ["a.jpg", "damaged"]]
        manifest.note([Line("a", "2", "s")])
        assert manifest.done("a", "2", "s")
        assert manifest.list_failures() == 0
        assert rows(tmp_path) == [["photo", "reason"]]


def test_no_list_where_nothing_ever_failed(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:
        manifest.note([Line("a", "1", "s")])
        assert manifest.list_failures() == 0
    assert not (tmp_path / FAILURES).exists()


def test_names_of_any_bytes_and_lines(tmp_path: Path) -> None:
    name = "caf\udce9 \n\u2028,\"'.jpg"
    with opened(tmp_path) as manifest:
        manifest.note([Line(name, "1", "s", {name: "why,\nnot"}, False)])
        manifest.list_failures()
    content = (tmp_path / NAME).read_bytes()
    assert content.count(b"\n") == 1
    assert json.loads(content)["target"] == name
    with opened(tmp_path) as manifest:
        assert manifest.list_failures(lambda target: target != name) == 0
        assert manifest.list_failures() == 1
    assert rows(tmp_path)[1][1] == "why,\nnot"


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """Another process, which tries while this one has it, and again when it has ended."""
    script = (
        "import sys; from pathlib import Path; from fst.errors import InputError\n"
        "from fst.interfaces.engine.manifest import opened\n"
        "try:\n    with opened(Path(sys.argv[1])): print('in')\n"
        "except InputError as error: print('refused', error)"
    )

    def tried() -> str:
        words = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    with opened(tmp_path):
        assert tried().startswith("refused")
        assert str(tmp_path) in tried()
    assert tried() == "in\n"


def test_a_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stop"), opened(tmp_path):
        raise InputError("stop")
    with opened(tmp_path):
        pass


def test_digests_tell_settings_apart_whatever_their_order() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert len(digest_of({})) == 16
