"""Where large temporary files go, and whether that is a disk."""

import tempfile
from pathlib import Path

import pytest

from fst.system import files
from fst.system.files import is_in_memory, scratch_folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)  # what it remembers


def test_large_temporary_files_go_to_the_cache(tmp_path: Path) -> None:
    folder = scratch_folder()
    assert folder.is_dir()
    assert (tmp_path / "cache") in folder.parents


def test_the_users_own_temporary_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "mine"))
    assert scratch_folder() == tmp_path / "mine"


def test_without_a_cache_the_systems_folder_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert scratch_folder() == Path(tempfile.gettempdir())


MOUNTS = """/dev/vda / ext4 rw,relatime 0 0
tmpfs {0} tmpfs rw,nosuid 0 0
/dev/vdb {0}/disk ext4 rw 0 0
ramfs {0}/disk/a\\040b ramfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "memory"),
    [(".", True), ("deep/er", True), ("disk", False), ("disk/x", False), ("disk/a b/c", True),
     ("..", False)],
)  # fmt: skip
def test_what_is_mounted_nearest_tells_whether_a_folder_is_memory(
    tmp_path: Path, folder: str, memory: bool
) -> None:
    place = (tmp_path / "place").resolve()
    (place / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "mounts").write_text(MOUNTS.format(place))
    assert is_in_memory(place / folder, tmp_path / "mounts") is memory


def test_where_nothing_is_listed_it_is_taken_for_a_disk(tmp_path: Path) -> None:
    assert files.is_in_memory(tmp_path, tmp_path / "nothing") is False
