import errno
import re
from pathlib import Path
from typing import Any

import pytest
from services import photo, settings
from starlette.testclient import TestClient

from fst.errors import InputError
from fst.interfaces.http import pages, uploads
from fst.interfaces.http.app import make_app
from fst.interfaces.http.safety import COOKIE, HEADERS
from fst.interfaces.http.settings import ServiceSettings, is_loopback, make_folder

TOKEN = "a-token-of-this-test"


def service(folder: Path, **others: Any) -> TestClient:
    return TestClient(
        make_app(settings(folder, **others)), base_url="http://127.0.0.1:8000",
        follow_redirects=False,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/health", "/styles", "/nosuch", "/docs", "/openapi.json",
                                  "/static/docs.css", "/stylize"])  # fmt: skip
def test_every_answer_keeps_browsers_from_mischief(client: TestClient, path: str) -> None:
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("localhost:8000", 200), ("127.0.0.1:1", 200), ("[::1]:8000", 200),
     ("LOCALHOST", 200), ("evil.example", 400), ("localhost.evil.example", 400), ("", 400),
     ("127.0.0.1.nip.io:8000", 400), ("192.168.1.2:8000", 400)],
)  # fmt: skip
def test_a_name_that_dns_may_give_this_machine_is_none_of_ours(
    client: TestClient, host: str, status: int
) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Origin": "http://localhost:8000"}, 200),
     ({"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}, 200),
     ({"Origin": "http://localhost:8001"}, 403), ({"Origin": "null"}, 403),
     ({"Origin": "https://evil.example"}, 403), ({"Origin": "http://[bad"}, 403),
     ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403)],
)  # fmt: skip
def test_other_sites_pages_change_nothing(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    sent = {"data": {"style": "dawn"}, "files": {"photo": ("a.png", photo())}}
    assert client.post("/stylize", headers=headers, **sent).status_code == status  # type: ignore[arg-type]
    if status == 403:
        assert client.delete("/jobs/x", headers=headers).status_code == 403
        assert client.get("/styles", headers=headers).status_code == 200


def test_a_token_is_asked_for(shelf_folder: Path) -> None:
    with service(shelf_folder, token=TOKEN) as client:
        for path in ("/styles", "/", "/docs", "/openapi.json", "/metrics", "/static/docs.css"):
            answer = client.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "token" in answer.json()["error"]
        assert client.get("/health").status_code == 200
        for wrong in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"):
            headers = [(b"authorization", wrong.encode())]
            assert client.get("/styles", headers=headers).status_code == 401
        for right in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
            assert client.get("/styles", headers={"Authorization": right}).status_code == 200
        assert client.get(f"/styles?token={TOKEN}").status_code == 401
        assert client.get("/?token=wrong").status_code == 401


def test_the_page_gets_a_cookie_for_its_token(shelf_folder: Path) -> None:
    with service(shelf_folder, token=TOKEN) as client:
        answer = client.get(f"/?token={TOKEN}")
        assert answer.headers["cache-control"] == "no-store"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/styles").status_code == 200  # with the cookie
        name = cookie.partition("=")[0]
        client.cookies.clear()
        assert client.get("/styles", headers={"Cookie": f"{name}=wrong"}).status_code == 401
        known = {"If-None-Match": answer.headers["etag"]}  # a page that the browser has kept
        again = client.get(f"/?token={TOKEN}", headers=known)
        assert again.headers["set-cookie"] == cookie


def test_two_services_of_a_machine_keep_their_cookies_apart(shelf_folder: Path) -> None:
    """Browsers send a cookie to all ports of a host."""
    names = set()
    for token in (TOKEN, f"{TOKEN}-2"):
        with service(shelf_folder, token=token) as client:
            cookie = client.get(f"/?token={token}").headers["set-cookie"]
            names.add(cookie.partition("=")[0])
    assert len(names) == 2
    assert all(name.startswith(COOKIE) for name in names)


def test_a_failure_is_an_answer_like_all_and_is_counted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(schema: Any) -> str:
        raise ZeroDivisionError("/a/path of ours")

    monkeypatch.setattr(pages, "docs_page", broken)
    answer = client.get("/docs")
    assert answer.status_code == 500
    assert answer.json() == {"error": "the service failed; its log says why."}
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "ZeroDivisionError" in caplog.text
    assert 'route="/docs",status="500"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_may_pass(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(**others: Any) -> Any:
        raise OSError(number, "full", "/a/path/of/ours")

    monkeypatch.setattr(uploads, "SpooledTemporaryFile", full)
    answer = client.post("/stylize", data={"style": "dawn"}, files={"photo": ("a.png", photo())})
    assert answer.status_code == 503
    assert "disk" in answer.json()["error"]
    assert "path" not in answer.json()["error"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("others", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "192.0.2.1"},
                                    {"allowed_hosts": ("a.example",)},
                                    {"behind_proxy": True}])  # fmt: skip
def test_beyond_loopback_a_token_is_needed(others: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="token"):
        ServiceSettings(**others)
    assert ServiceSettings(**others, token=TOKEN).is_public


def test_behind_a_proxy_its_name_is_ours(shelf_folder: Path) -> None:
    with service(shelf_folder, token=TOKEN, allowed_hosts=("a.example",)) as client:
        assert client.get("/health", headers={"Host": "a.example"}).status_code == 200
        assert client.get("/health", headers={"Host": "localhost"}).status_code == 200
        assert client.get("/health", headers={"Host": "b.example"}).status_code == 400
    with service(shelf_folder, token=TOKEN, host="0.0.0.0") as client:
        assert client.get("/health", headers={"Host": "whatever.lan"}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not ServiceSettings(host=host).is_public


@pytest.mark.parametrize(
    "others",
    [{"port": -1}, {"port": 65_536}, {"host": ""}, {"token": "short"},
     {"token": "with blanks here!"},
     {"token": 'quo"tes-quotes-quotes'}, {"max_bytes": 1}, {"max_pixels": 0}, {"workers": 0},
     {"queue": -1}, {"per_client": 0}, {"precision": "fp64"}, {"checkpoints": Path("nowhere")},
     {"photos": Path("nowhere")}, {"training": 1}, {"patience": 0},
     {"allowed_hosts": ("http://x",), "token": TOKEN}],
)  # fmt: skip
def test_settings_that_can_not_be(others: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        ServiceSettings(**others)
    assert "\n" not in str(error.value)


def test_a_person_without_the_token_gets_a_page(shelf_folder: Path) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    with service(shelf_folder, token=TOKEN) as client:
        for path in ("/", "/?token=wrong", "/docs"):
            answer = client.get(path, headers=browser)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-security-policy"]
            assert "fst serve" in answer.text
            assert "<script" not in answer.text
            assert TOKEN not in answer.text
        field = re.search(r'<form action="(.*?)">.*<input name="(.*?)"', answer.text, re.DOTALL)
        assert field is not None
        assert client.get(field[1], params={field[2]: TOKEN}, headers=browser).status_code == 200
        client.cookies.clear()
        assert "token" in client.get("/", headers={"Accept": "application/json"}).json()["error"]


@pytest.mark.parametrize("name", ["there", "a/new/one"])
def test_the_folder_is_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    told = ServiceSettings(folder=tmp_path / name)
    make_folder(told)
    assert told.folder.is_dir()


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="no folder"):
        ServiceSettings(folder=tmp_path / "file")
    for name in ("file/below", "x" * 300):
        with pytest.raises(InputError, match="can't be made"):
            make_folder(ServiceSettings(folder=tmp_path / name))
