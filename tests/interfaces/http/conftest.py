"""A service with tiny nets, and a client that talks to it without a network."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from services import LOCAL, save_styles, settings
from starlette.testclient import TestClient

from fst.interfaces.http import server
from fst.interfaces.http.app import make_app
from fst.interfaces.http.server import Server, listen


@pytest.fixture(scope="session")
def shelf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints that no test changes."""
    return save_styles(tmp_path_factory.mktemp("service") / "checkpoints")


@pytest.fixture
def client(
    shelf_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """Of a service whose temporary files lie in the test's folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with TestClient(make_app(settings(shelf_folder)), base_url=LOCAL) as found:
        yield found


@pytest.fixture
def patient(
    shelf_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FastAPI, int]]:
    """A server in a thread that waits half a second for whatever is slow."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(server, "HEADERS_WITHIN", 0.5)
    told = settings(shelf_folder, port=0, patience=0.5)
    app = make_app(told)
    with listen(told) as bound:
        running = Server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = bound.getsockname()[1]
        yield app, port
        running.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
    assert not app.state.service.folder.exists()
