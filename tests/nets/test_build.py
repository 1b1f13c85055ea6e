"""fst.nets.build: the libraries are built on demand, or a line says why not."""

import shutil
from pathlib import Path

import pytest

from fst.nets import build
from fst.system import compiled


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.pooch, "os_cache", lambda name: tmp_path)


@pytest.mark.skipif(
    compiled.level() is None or not (shutil.which("cc") or shutil.which("gcc")),
    reason="needs a C compiler and a processor that the code is for",
)
def test_it_says_where_the_libraries_lie(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main() == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert all(path.is_file() for path in paths)
    assert [path.name.split("-")[0] for path in paths] == ["winograd", "fused"]


def test_without_a_compiler_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiled, "level", lambda: ("-mavx2",))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert build.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "compiler" in said.err
    assert said.err.count("\n") == 1
