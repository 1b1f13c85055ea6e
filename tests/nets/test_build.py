"""fst.nets.build: the library is built on demand, or a line says why not."""

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
def test_it_says_where_the_library_lies(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main() == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.is_file()
    assert path.name.startswith("winograd-")


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
