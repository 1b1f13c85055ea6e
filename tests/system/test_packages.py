import re
import sys
import tomllib
import types

import pytest
from support import ROOT

from fst.errors import InputError
from fst.system.packages import EXTRAS, need


def test_a_package_that_is_here() -> None:
    assert need("json.decoder", "video", "fst video").JSONDecoder


def test_one_that_is_missing_names_the_pip_command() -> None:
    with pytest.raises(InputError) as caught:
        need("no_such_package", "video", "fst video")
    assert "fst video" in str(caught.value)
    assert "pip install av opencv-python" in str(caught.value)


def test_what_is_said_is_what_the_extra_brings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    for extra, packages in EXTRAS.items():
        assert packages.split() == [re.split("[<>=]", line)[0] for line in extras[extra]]


class _Finder:
    """Makes ``broken`` fail as a package does whose own imports are missing."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def find_spec(self, name: str, *_: object) -> None:
        if name == "broken":
            raise self.error


def test_one_that_can_not_be_loaded_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Finder(ImportError("libGL.so.1: cannot open shared object file"))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(InputError, match=r"broken.*libGL"):
        need("broken", "video", "fst live")


def test_a_bug_inside_a_package_is_no_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Finder(ModuleNotFoundError("No module named 'other'", name="other"))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(ModuleNotFoundError):
        need("broken", "video", "fst live")


def test_nothing_is_imported_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    here = types.ModuleType("already_here")
    monkeypatch.setitem(sys.modules, "already_here", here)
    assert need("already_here", "video", "fst video") is here
