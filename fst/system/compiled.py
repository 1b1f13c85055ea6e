"""C code of fst's own, compiled for this machine when somebody asks for it."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pooch
import torch

from fst.errors import InputError
from fst.system.files import atomic_file

FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC", "-pthread", "-Wno-psabi")

LEVELS = (
    (("avx512_f", "avx512_vl", "avx2", "fma3"), ("-mavx512f", "-mavx512vl", "-mavx2", "-mfma")),
    (("avx2", "fma3"), ("-mavx2", "-mfma")),
)
"""What a processor can do, as torch calls it, and the flags with which a compiler uses it; the best
first. Not ``-march=native``: a cache folder may be shared by unlike machines."""


def level() -> tuple[str, ...] | None:
    """The flags for what this processor can do; None where nothing here is written for it."""
    if platform.machine() not in ("x86_64", "AMD64") or platform.system() == "Windows":
        return None
    able = torch.cpu.get_capabilities()
    return next((flags for names, flags in LEVELS if all(map(able.get, names))), None)


def place(source: Path) -> Path | None:
    """Where the library of a source lies once it is built: in the user's cache folder.

    Its name says what it was made of, so that neither another version nor a cache folder that
    machines share can bring in a wrong one. None where there can be none for this processor.
    """
    flags = level()
    if flags is None:
        return None
    texts = [path.read_text(encoding="utf-8") for path in (source, *_headers(source))]
    made_of = [*FLAGS, *flags, platform.system(), *texts]
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]
    return Path(pooch.os_cache("fst")) / "compiled" / f"{source.stem}-{digest}.so"


def _headers(source: Path) -> list[Path]:
    """What a source may include: all headers beside it."""
    return sorted(source.parent.glob("*.h"))


def build(source: Path) -> Path:
    """The library of a source, compiled if it is not there yet: a second, once for a machine.

    Raises:
        InputError: not for this processor, no compiler, it fails, or nothing can be written.
    """
    path, flags = place(source), level()
    if path is None or flags is None:
        raise InputError(
            f"{source.name} is for x86-64 processors with AVX2, under Linux or macOS: "
            "this is another machine"
        )
    if path.is_file():
        return path
    names = (os.environ.get("CC", "cc"), "gcc", "clang")
    compiler = next(filter(None, map(shutil.which, names)), None)
    if compiler is None:
        raise InputError(f"to compile {source.name}, install a C compiler (gcc or clang)")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as temporary:
            command = [compiler, *FLAGS, *flags, str(source), "-o", str(temporary)]
            subprocess.run(command, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"{compiler} could not compile {source.name}: {said}") from error
    except OSError as error:
        raise InputError(f"can't write to {path.parent}: {error.strerror}") from error
    return path


def opened(path: Path) -> ctypes.CDLL:
    """A library that was built; where it has work for several threads, with torch's.

    Raises:
        InputError: it can't be loaded.
    """
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise InputError(f"can't load {path}: {error}; delete it to have it built anew") from error
    if hasattr(library, "fst_team"):
        library.fst_team(team())
    return library


@cache
def team() -> ctypes.c_void_p | None:
    """What begins work on torch's own threads, GNU's ``GOMP_parallel``; None: torch has others.

    A second OpenMP in the process would have threads of its own. So it is that which torch has
    loaded, from its own folder.
    """
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:  # another system than Linux
        return None
    folder = Path(torch.__file__).resolve().parent
    folders = (folder, folder.with_suffix(".libs"))
    for path in {Path(line.split(maxsplit=5)[5]) for line in lines if "libgomp" in line}:
        if any(folder in path.parents for folder in folders) and path.is_file():
            return ctypes.cast(ctypes.CDLL(str(path)).GOMP_parallel, ctypes.c_void_p)
    return None
