"""fst.system.compiled: C code is compiled once, under a name that says what it was made of."""

import ctypes
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from fst.errors import InputError
from fst.system import compiled

needs_compiler = pytest.mark.skipif(
    compiled.level() is None or not (shutil.which("cc") or shutil.which("gcc")),
    reason="needs a C compiler and a processor that the code is for",
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "seven.c"
    file.write_text("int seven(void) { return 7; }\n")
    return file


@needs_compiler
def test_a_source_is_compiled_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = compiled.place(source)
    assert place is not None
    assert not place.exists()
    assert compiled.build(source) == place
    seven = compiled.opened(place).seven
    seven.restype = ctypes.c_int
    assert seven() == 7

    def never(*args: object, **options: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(subprocess, "run", never)
    assert compiled.build(source) == place


@needs_compiler
def test_another_source_or_processor_has_another_library(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiled.place(source)
    monkeypatch.setattr(compiled, "level", lambda: ("-msse4",))
    second = compiled.place(source)
    source.write_text("int seven(void) { return 8; }\n")
    third = compiled.place(source)
    source.with_name("eight.h").write_text("#define EIGHT 8\n")  # which it may include
    assert len({first, second, third, compiled.place(source)}) == 4


@needs_compiler
def test_code_that_does_not_compile_is_told_in_a_line_and_leaves_nothing(
    source: Path, own_cache: Path
) -> None:
    source.write_text("int seven(void) { return nine; }\n")
    with pytest.raises(InputError) as error:
        compiled.build(source)
    assert "seven.c" in str(error.value)
    assert "\n" not in str(error.value)
    assert [path for path in own_cache.rglob("*") if path.is_file()] == []


def test_without_a_compiler_it_says_to_install_one(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "level", lambda: ("-mavx2",))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="install a C compiler"):
        compiled.build(source)


def test_a_folder_that_cannot_be_written_to_is_named(
    source: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "level", lambda: ("-mavx2",))
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/cc")
    own_cache.write_text("a file where the folder would be")
    with pytest.raises(InputError, match=r"can't write to .*compiled"):
        compiled.build(source)


@pytest.mark.parametrize(
    ("machine", "able", "flag"),
    [
        ("x86_64", ("avx2", "fma3", "avx512_f", "avx512_vl"), "-mavx512f"),
        ("x86_64", ("avx2", "fma3", "avx512_f"), "-mavx2"),
        ("x86_64", ("avx2", "fma3"), "-mavx2"),
        ("x86_64", ("sse4_1",), None),
        ("arm64", ("avx2", "fma3"), None),
    ],
)
def test_the_flags_are_those_of_the_processor(
    machine: str, able: tuple[str, ...], flag: str | None,
    source: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(able, True))
    found = compiled.level()
    assert (found[0] if found else None) == flag
    if flag is None:
        assert compiled.place(source) is None
        with pytest.raises(InputError, match="AVX2"):
            compiled.build(source)


def test_a_damaged_library_is_to_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "seven.so").write_bytes(b"no library")
    with pytest.raises(InputError, match=r"can't load .*seven\.so.* delete it"):
        compiled.opened(tmp_path / "seven.so")


@needs_compiler
def test_work_for_several_threads_is_done_by_torchs(tmp_path: Path) -> None:
    if "OpenMP" not in torch.__config__.parallel_info() or platform.system() != "Linux":
        pytest.skip("torch's threads are not GNU's here")
    threads = Path(compiled.__file__).parents[1] / "nets" / "threads.h"
    source = tmp_path / "count.c"
    source.write_text(
        "#define _GNU_SOURCE\n#include <stdatomic.h>\n#include <unistd.h>\n"
        f'#include "{threads}"\n'
        "static atomic_int begun;\n"
        "static void note(void *task) { ((int *)task)[begun++] = gettid(); usleep(20000); }\n"
        "int run(int threads, int useful, int *ids)\n"
        "{ begun = 0; on_threads(note, ids, threads, useful); return begun; }\n"
    )
    library = compiled.opened(compiled.build(source))

    def workers(threads: int, useful: int) -> set[int]:
        ids = (ctypes.c_int * 8)()
        return set(ids[: library.run(threads, useful, ids)])

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        torch.ones(1 << 20).sqrt().sum()  # torch's three are there now
        there = {int(path.name) for path in Path("/proc/self/task").iterdir()}
        for useful in (2, 3, 100):  # all are called, so that none ends
            assert len(workers(3, useful)) == 3
            assert workers(3, useful) <= there
        assert len(workers(3, 1)) == len(workers(1, 3)) == 1
        library.fst_team(None)  # then it has its own, no more than are useful
        assert not workers(3, 3) <= there
        assert (len(workers(3, 3)), len(workers(3, 2))) == (3, 2)
    finally:
        torch.set_num_threads(before)
