"""ONNX Runtime for browsers: found, or fetched once and kept; no byte of it is another's."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch

from fst.assets import search_path
from fst.errors import InputError

VERSION = "1.30.0"

PACKAGE = f"onnxruntime-web-{VERSION}.tgz"
"""As npm packs it, which is what ``npm pack`` downloads."""

SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
"""Of the package."""

MEGABYTES = 33
"""Of the package."""

REGISTRY = "https://registry.npmjs.org/"
"""Where the package comes from, unless npm is told of another place."""

Parts = dict[str, str]
"""What a part is -> its file in the package's ``dist``."""

RUNTIMES: dict[str, Parts] = {
    "wasm": {
        "js": "ort.wasm.min.js",
        "mjs": "ort-wasm-simd-threaded.mjs",
        "wasm": "ort-wasm-simd-threaded.wasm",
    },
    "webgpu": {
        "js": "ort.webgpu.min.js",
        "mjs": "ort-wasm-simd-threaded.asyncify.mjs",
        "wasm": "ort-wasm-simd-threaded.asyncify.wasm",
    },
}
"""For the processor, and for the graphics card. The second one could do both, more slowly."""

FILES = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": (
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
    "ort.webgpu.min.js": "7d65dad7eb4564ad98db9924a259af2e2c68ebfbdbf254fa5d728f1c5736e07a",
    "ort-wasm-simd-threaded.asyncify.mjs": (
        "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28"
    ),
    "ort-wasm-simd-threaded.asyncify.wasm": (
        "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da"
    ),
}
"""SHA-256 of each of these files."""


def runtime_files(given: Path | None = None) -> dict[str, bytes]:
    """The files of :data:`FILES`, whichever way they come.

    Looked for as the user gives them, in ``FST_ASSETS/runtimes``, in the cache (``~/.cache/fst``)
    and at npm's registry, or the one that npm is set to; what is fetched is kept in the cache.

    Args:
        given: the package as ``npm pack`` downloads it; or a folder with these files in it or in
            its ``dist``, as npm installs it.

    Raises:
        InputError: not there, can't be fetched, or not of this version; says what to do.
    """
    source = given.expanduser() if given is not None else _found()
    if source.is_dir():
        folder = source / "dist" if (source / "dist").is_dir() else source
        return _checked(source, lambda name: (folder / name).read_bytes())
    if not source.is_file():
        raise InputError(f"there is no {source}: give {PACKAGE}, or a folder with it (--runtime)")
    try:
        with tarfile.open(source) as package:
            return _checked(source, lambda name: _member(package, f"package/dist/{name}"))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{source} is no whole npm package ({error}); {_advice()}") from error


def _found() -> Path:
    """The package: where assets lie, or fetched."""
    *assets, cache = search_path("runtimes")
    for folder in assets:
        if (place := folder / PACKAGE).is_file():
            return place
    if (place := cache / PACKAGE).is_file() and pooch.file_hash(str(place)) == SHA256:
        return place
    registry = _registry().rstrip("/")
    log = pooch.get_logger()
    level = log.level
    log.setLevel("ERROR")
    try:
        fetched: str = pooch.retrieve(
            f"{registry}/onnxruntime-web/-/{PACKAGE}",
            known_hash=f"sha256:{SHA256}",
            fname=PACKAGE,
            path=cache,
            downloader=pooch.HTTPDownloader(timeout=30),
        )
    except (OSError, ValueError) as error:  # what requests raises is an OSError
        reason = "another file came" if isinstance(error, ValueError) else type(error).__name__
        raise InputError(
            f"a page needs onnxruntime-web {VERSION} ({MEGABYTES} MB, once), which could not be "
            f"fetched from {registry} ({reason}); {_advice()}"
        ) from error
    finally:
        log.setLevel(level)
    return Path(fetched)


def _advice() -> str:
    return (
        f"connect, or get {PACKAGE} elsewhere (npm pack onnxruntime-web@{VERSION}) and give it "
        "by --runtime"
    )


def _registry() -> str:
    """npm's, or what npm is set to where there is one: a company's mirror."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if found := os.environ.get(name):
            return found
    if npm := shutil.which("npm"):
        command = [npm, "config", "get", "registry"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return REGISTRY
        if said.returncode == 0 and said.stdout.startswith("http"):
            return said.stdout.strip()
    return REGISTRY


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file: Any = package.extractfile(name)
    content: bytes = file.read()
    return content


def _checked(source: Path, read: Callable[[str], bytes]) -> dict[str, bytes]:
    """All files; each is of the version that is meant."""
    found = {}
    for name, digest in FILES.items():
        try:
            found[name] = read(name)
        except (KeyError, OSError) as error:
            raise InputError(f"{source} lacks {name} of onnxruntime-web; {_advice()}") from error
        if hashlib.sha256(found[name]).hexdigest() != digest:
            raise InputError(
                f"{name} in {source} is not that of onnxruntime-web {VERSION}; {_advice()}"
            )
    return found
