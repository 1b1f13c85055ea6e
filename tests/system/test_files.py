"""fst.system.files: whole or not at all, with the right permissions; where scratch files go."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support import ROOT

from fst.errors import InputError
from fst.system import files
from fst.system.files import (
    atomic_file,
    check_writable,
    files_below,
    free_path,
    identity,
    ignores_case,
    is_in_memory,
    nearest_folder,
    scratch_folder,
    utf8_path,
    write_json,
)
from fst.training.checkpoints import remove_leftovers

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")

WRITE = """
import os, sys
from pathlib import Path
from fst.system.files import atomic_file
os.umask(int(sys.argv[1], 8))
with atomic_file(Path(sys.argv[2])) as temporary:
    temporary.write_text("content")
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize(("umask", "expected"), [
    ("022", 0o644), ("077", 0o600), ("002", 0o664), ("000", 0o666), ("027", 0o640),
])  # fmt: skip
def test_the_umask_of_the_process_holds(umask: str, expected: int, tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    script = [sys.executable, "-c", WRITE, umask, str(target)]
    subprocess.run(script, cwd=ROOT, check=True)
    assert target.read_text() == "content"
    assert mode(target) == expected


@posix
def test_the_umask_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(mask: int) -> int:
        raise AssertionError("the umask belongs to all threads")

    monkeypatch.setattr(os, "umask", touched)
    with atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("content")
    write_json(tmp_path / "a.json", {})
    check_writable(tmp_path)


@posix
def test_files_of_other_threads_keep_their_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    plain, stop = mode(tmp_path / "plain"), threading.Event()
    seen: set[int] = set()

    def other() -> None:
        while not stop.is_set():
            handle = os.open(tmp_path / "other", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o666)
            seen.add(stat.S_IMODE(os.fstat(handle).st_mode))
            os.close(handle)
            (tmp_path / "other").unlink()

    def write(number: int) -> None:
        for i in range(50):
            with atomic_file(tmp_path / f"{number}-{i}") as temporary:
                temporary.write_bytes(b"content")

    watcher = threading.Thread(target=other)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    watcher.start()
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    watcher.join()
    assert seen == {plain}
    written = [path for path in tmp_path.iterdir() if path.name != "plain"]
    assert len(written) == 200
    assert {mode(path) for path in written} == {plain}


@posix
def test_whatever_writes_into_it_the_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_file(tmp_path / "a.safetensors") as temporary:
        save_file({"a": torch.zeros(3)}, temporary)
    with atomic_file(tmp_path / "a.png") as temporary:
        Image.new("RGB", (4, 4)).save(temporary, "PNG")
    with atomic_file(tmp_path / "a.pt") as temporary:
        torch.save({"a": torch.zeros(3)}, temporary)
    with atomic_file(tmp_path / "replaced") as temporary:
        (tmp_path / "private").touch(0o600)
        (tmp_path / "private").replace(temporary)
    assert len({mode(path) for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 5


def test_atomic_file_shows_the_file_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_file(path) as temporary:
        assert temporary.parent == tmp_path  # a rename across file systems would be a copy
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_atomic_file_gives_up_on_any_exception(tmp_path: Path) -> None:
    def stopped() -> None:
        with atomic_file(tmp_path / "a.bin") as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert os.listdir(tmp_path) == []


WRITE_AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from fst.system.files import atomic_file
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    with atomic_file(Path(sys.argv[2])) as temporary, temporary.open("wb") as file:
        for _ in range(64):
            file.write(sys.argv[1].encode() * 4096)
"""


def test_writers_of_one_file_at_the_same_time_leave_it_whole_and_nothing_else(
    tmp_path: Path,
) -> None:
    target, whole = tmp_path / "a.bin", {b"a" * 64 * 4096, b"b" * 64 * 4096}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE_AGAIN_AND_AGAIN, letter, target, "150"],
                         cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for letter in "ab"
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    seen: set[bytes] = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            seen.add(target.read_bytes())
    for writer in writers:
        writer.communicate()  # closes the pipes
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen | {target.read_bytes()} <= whole
    assert os.listdir(tmp_path) == ["a.bin"]


def test_threads_that_write_one_file_leave_it_whole_and_nothing_else(tmp_path: Path) -> None:
    target, both_inside = tmp_path / "a.bin", threading.Barrier(2, timeout=20)

    def write(content: bytes) -> None:
        for _ in range(20):
            with atomic_file(target) as temporary, temporary.open("wb") as file:
                file.write(content[: len(content) // 2])
                both_inside.wait()
                file.write(content[len(content) // 2 :])
            assert target.read_bytes() in contents

    contents = [b"a" * 10_000, b"b" * 7_000]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, contents))
    assert target.read_bytes() in contents
    assert os.listdir(tmp_path) == ["a.bin"]


@posix
def test_a_writer_that_is_killed_leaves_the_old_file_and_what_is_swept_away(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    dies = WRITE.replace('temporary.write_text("content")', "os.kill(os.getpid(), 9)")
    killed = subprocess.run([sys.executable, "-c", dies, "022", target], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert target.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    remove_leftovers(tmp_path)  # as a resumed run does with its folder of checkpoints
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write to any folder")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"can't write to .*locked"):
        check_writable(folder)


# --- where scratch files go ----------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own cache, and no temporary folder that the user has asked for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)  # what it remembers


@pytest.mark.usefixtures("own_cache")
def test_large_temporary_files_go_to_the_cache(tmp_path: Path) -> None:
    folder = scratch_folder()
    assert folder.is_dir()
    assert (tmp_path / "cache") in folder.parents


@pytest.mark.usefixtures("own_cache")
def test_the_users_own_temporary_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "mine"))
    assert scratch_folder() == tmp_path / "mine"


@pytest.mark.usefixtures("own_cache")
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


# --- what is there -------------------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_nothing(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system has no hard links."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.bin"
    with atomic_file(path, overwrite=False) as temporary:
        temporary.write_bytes(b"first")
    assert path.read_bytes() == b"first"
    (tmp_path / "lost").symlink_to("nowhere")
    for there in (path, tmp_path / "lost"):
        with (
            pytest.raises(FileExistsError) as caught,
            atomic_file(there, overwrite=False) as temporary,
        ):
            temporary.write_bytes(b"second")
        assert caught.value.filename == str(there)
    assert path.read_bytes() == b"first"
    assert (tmp_path / "lost").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "lost"]


def test_a_file_that_appears_at_the_last_moment_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with (  # noqa: PT012
        pytest.raises(FileExistsError),
        atomic_file(path, overwrite=False) as temporary,
    ):
        temporary.write_bytes(b"mine")
        path.write_bytes(b"another's")
    assert path.read_bytes() == b"another's"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_free_path_has_a_name_that_nobody_has(tmp_path: Path) -> None:
    path = tmp_path / "a.b.png"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "a.b-2.png").symlink_to("nowhere")
    assert free_path(path) == tmp_path / "a.b-3.png"


def test_the_nearest_folder_is_the_one_that_would_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert nearest_folder(tmp_path / "there" / "a.png") == tmp_path / "there"
    assert nearest_folder(tmp_path / "there" / "x" / "y" / "a.png") == tmp_path / "there"
    (tmp_path / "file").touch()
    (tmp_path / "lost").symlink_to("nowhere")
    with pytest.raises(InputError, match="file is not a folder"):
        nearest_folder(tmp_path / "file" / "x" / "a.png")
    with pytest.raises(InputError, match="lost is a link that leads nowhere"):
        nearest_folder(tmp_path / "lost" / "x" / "a.png")


def test_all_names_of_a_file_have_one_identity(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    os.link(tmp_path / "a", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "here").symlink_to(".")
    names = ["a", "hard", "soft", "here/a", "here/here/soft"]
    assert len({identity(tmp_path / name) for name in names}) == 1
    assert identity(tmp_path / "a") != identity(tmp_path / "b")
    assert identity(tmp_path / "gone") == identity(tmp_path / "here" / "gone")


def test_a_folder_that_ignores_case_is_known_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Photos" / "2024"  # without a letter: the folder above tells
    folder.mkdir(parents=True)
    if not (tmp_path / "pHOTOS").exists():
        assert not ignores_case(folder)
    seen: list[str] = []

    def same(one: Path, other: Path) -> bool:
        seen.append(Path(other).name)
        return True

    monkeypatch.setattr(os.path, "samefile", same)
    assert ignores_case(folder)
    assert seen == ["pHOTOS"]


def test_files_below_a_folder_are_found_once_whatever_links_there_are(tmp_path: Path) -> None:
    for name in ("top/a", "top/x/b", "beside/c", "beside/deep/d", "top/not/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name, to in [
        ("top/up", ".."), ("top/same", "."), ("top/0x", "x"), ("top/out", "../beside"),
        ("top/x/out", "../../beside"), ("beside/back", "../top"), ("top/self", "self"),
        ("beside/deep/up", ".."),
    ]:  # fmt: skip
        (tmp_path / name).symlink_to(to)
    found, failed = files_below(tmp_path / "top", lambda name: name != "not")
    assert failed == []
    names = sorted(path.relative_to(tmp_path / "top").as_posix() for path in found)
    assert names == ["a", "out/c", "out/deep/d", "self", "x/b"]


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1", "b/2", "c/3"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scan = os.scandir

    def scandir(place: Path) -> object:
        if Path(place).name == "b":
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", scandir)
    found, failed = files_below(tmp_path)
    assert sorted(path.name for path in found) == ["1", "3"]
    assert [error.filename for error in failed] == [str(tmp_path / "b")]


def test_an_error_of_the_disk_names_the_file_that_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(OSError, match="No space") as caught, atomic_file(path):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="denied") as caught, atomic_file(path) as temporary:
        raise PermissionError(13, "Permission denied", str(temporary))
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="denied") as caught, atomic_file(path):
        raise PermissionError(13, "Permission denied", "another")
    assert caught.value.filename == "another"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are UTF-8")
def test_a_file_of_any_name_has_a_path_in_utf8(tmp_path: Path) -> None:
    plain = tmp_path / "ü.txt"
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.txt"))
    for path in (plain, odd):
        path.write_text(path.name, encoding="utf-8", errors="surrogateescape")
        with utf8_path(path) as same:
            str(same).encode("utf-8")
            assert same.read_bytes() == os.fsencode(path.name)
    with utf8_path(plain) as same:
        assert same == plain
