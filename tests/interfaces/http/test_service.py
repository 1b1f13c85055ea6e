"""The state of a service: its folder, and whom it takes a request for."""

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from services import photo
from starlette.requests import Request
from starlette.testclient import TestClient

from fst.interfaces.http import service, uploads
from fst.interfaces.http.service import client_of


def state_of(client: TestClient) -> Any:
    app: Any = client.app
    return app.state.service


def test_its_folder_is_nobody_elses(client: TestClient) -> None:
    assert stat.S_IMODE(state_of(client).folder.stat().st_mode) == 0o700


def test_where_its_folder_was_cleaned_up_it_makes_another(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemd does with what has lain in /tmp for ten days."""
    first = state_of(client).folder
    assert client.get("/styles/dawn/thumbnail").status_code == 200
    shutil.rmtree(first)
    assert client.get("/styles/dawn/thumbnail").status_code == 200
    monkeypatch.setattr(uploads, "IN_MEMORY", 100)
    shutil.rmtree(state_of(client).folder)
    answer = client.post("/stylize", data={"style": "dawn"}, files={"photo": ("a.png", photo())})
    assert answer.status_code == 200
    assert state_of(client).folder != first
    assert stat.S_IMODE(state_of(client).folder.stat().st_mode) == 0o700


def test_a_folder_that_somebody_else_has_put_there_is_not_taken(
    client: TestClient, tmp_path: Path
) -> None:
    first = state_of(client).folder
    shutil.rmtree(first)
    (tmp_path / "theirs").mkdir()
    first.symlink_to(tmp_path / "theirs")
    assert client.get("/styles/dawn/thumbnail").status_code == 200
    assert state_of(client).folder != first
    assert not list((tmp_path / "theirs").iterdir())


def test_at_its_end_all_of_it_is_waited_for_together(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.time, "monotonic", lambda: 100.0)
    asked: list[float] = []
    found = state_of(client)
    monkeypatch.setattr(found.queue, "join", asked.append)
    monkeypatch.setattr(found.jobs, "join", asked.append)
    found.stop()
    monkeypatch.setattr(service.time, "monotonic", lambda: 102.0)
    found.close()
    assert asked == [100.0 + service.STOPPING_SECONDS] * 2


@pytest.mark.parametrize(
    ("address", "client"),
    [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("testclient", "testclient"),
     ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
     ("2001:db8:1:3::9", "2001:db8:1:3::/64"), ("fe80::1%eth0", "fe80::/64"),
     (None, "unknown")],
)  # fmt: skip
def test_all_addresses_of_a_site_are_one_client(address: str | None, client: str) -> None:
    where = None if address is None else (address, 1)
    assert client_of(Request({"type": "http", "client": where})) == client
