"""A service with tiny nets, and a client that talks to it without a network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from services import LOCAL, save_styles, settings
from starlette.testclient import TestClient

from fst.interfaces.http.app import make_app


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
