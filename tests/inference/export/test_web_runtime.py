"""ONNX Runtime for browsers: taken as given, found, fetched; nothing else in its place."""

import hashlib
import http.server
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from fst.errors import InputError
from fst.inference.export import web_runtime
from fst.inference.export.web_runtime import FILES, PACKAGE, RUNTIMES, VERSION, runtime_files

CONTENT = {name: f"the content of {name}".encode() for name in FILES}


def packed(content: dict[str, bytes]) -> bytes:
    """As npm packs files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as package:
        for name, data in content.items():
            about = tarfile.TarInfo(f"package/dist/{name}")
            about.size = len(data)
            package.addfile(about, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, offline: None) -> bytes:
    """A runtime of a few bytes is the one that is meant; its package."""
    package = packed(CONTENT)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}
    monkeypatch.setattr(web_runtime, "FILES", digests)
    monkeypatch.setattr(web_runtime, "SHA256", hashlib.sha256(package).hexdigest())
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")  # nobody is there
    return package


@pytest.fixture
def registry(small: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A registry on this machine that has the package; what it was asked for."""
    asked: list[str] = []

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(small)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/npm/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_way_to_compute_has_its_files() -> None:
    assert sorted(name for parts in RUNTIMES.values() for name in parts.values()) == sorted(FILES)


def test_the_version_is_the_one_that_is_told_and_fetched_for_the_tests() -> None:
    for name in (".ci/run", "docs/export.md"):
        said = re.findall(r"onnxruntime-web@([\d.]+\d)", (ROOT / name).read_text())
        assert set(said) == {VERSION}, name


@pytest.mark.parametrize("below", ["", "dist"])
def test_a_folder_that_has_the_files_is_taken(tmp_path: Path, below: str) -> None:
    (tmp_path / "given" / below).mkdir(parents=True)
    for name, data in CONTENT.items():
        (tmp_path / "given" / below / name).write_bytes(data)
    assert runtime_files(tmp_path / "given") == CONTENT


def test_a_package_is_taken_as_npm_packs_it(tmp_path: Path, small: bytes) -> None:
    (tmp_path / "some.tgz").write_bytes(small)
    assert runtime_files(tmp_path / "some.tgz") == CONTENT


def test_it_is_found_among_the_assets(
    tmp_path: Path, small: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    (tmp_path / "runtimes").mkdir()
    (tmp_path / "runtimes" / PACKAGE).write_bytes(small)
    assert runtime_files() == CONTENT


def test_it_is_fetched_once_and_kept(
    registry: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert runtime_files() == CONTENT
    assert runtime_files() == CONTENT
    assert registry == [f"/npm/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"]
    assert capfd.readouterr().err == ""


def test_what_is_damaged_in_the_cache_is_fetched_again(registry: list[str], tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "fst" / "runtimes" / PACKAGE
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"half of it")
    assert runtime_files() == CONTENT
    assert len(registry) == 1


def test_another_file_from_a_registry_is_refused_and_not_kept(
    registry: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_runtime, "SHA256", "0" * 64)
    with pytest.raises(InputError, match="another file") as error:
        runtime_files()
    assert_helpful(error.value)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_without_a_network_a_line_says_what_to_do() -> None:
    with pytest.raises(InputError, match="could not be fetched") as error:
        runtime_files()
    assert "33 MB" in str(error.value)
    assert_helpful(error.value)


@pytest.mark.parametrize("kind", ["missing", "damaged", "other", "lacking"])
def test_what_is_given_and_is_not_it_is_refused_by_name(
    tmp_path: Path, small: bytes, kind: str
) -> None:
    given = tmp_path / "given.tgz"
    if kind == "damaged":
        given.write_bytes(small[: len(small) // 2])
    elif kind == "other":
        given.write_bytes(packed({**CONTENT, "ort.wasm.min.js": b"something else"}))
    elif kind == "lacking":
        given.write_bytes(packed({"ort.wasm.min.js": CONTENT["ort.wasm.min.js"]}))
    with pytest.raises(InputError, match=r"given\.tgz") as error:
        runtime_files(given)
    assert_helpful(error.value)


def test_npm_is_asked_where_its_packages_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: list[str]
) -> None:
    place = web_runtime._registry()
    program = tmp_path / "npm"
    program.write_text(f'#!/bin/sh\necho "{place}"\n')
    program.chmod(0o755)
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert runtime_files() == CONTENT
    assert len(registry) == 1


def assert_helpful(error: InputError) -> None:
    """One line that says what to do."""
    said = str(error)
    assert "\n" not in said
    assert VERSION in said
    assert "--runtime" in said
