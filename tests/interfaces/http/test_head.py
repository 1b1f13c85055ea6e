"""``HEAD`` of every address that answers ``GET``."""

import http.client
from typing import Any

import pytest
from services import photo
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    "path",
    ["/", "/static/style.css", "/docs", "/openapi.json", "/styles", "/styles/dawn/thumbnail",
     "/sample", "/health", "/metrics", "/nosuch", "/jobs/nosuch", "/stylize"],
)  # fmt: skip
def test_the_head_of_an_address_is_its_answer_without_a_body(client: TestClient, path: str) -> None:
    given, head = client.get(path), client.head(path)
    assert head.status_code == given.status_code
    assert head.content == b""
    changing = {"content-length"} if path == "/metrics" else set()  # it counts these requests, too
    for name in given.headers.keys() - changing:
        assert head.headers[name] == given.headers[name], name


def test_a_result_has_a_head(client: TestClient) -> None:
    files = {"photo": ("a.png", photo())}
    fields = {"kind": "optimize", "style": "dawn", "iterations": "1"}
    url = client.post("/jobs", data=fields, files=files).json()["url"]
    assert client.head(url).headers["content-type"] == client.get(url).headers["content-type"]
    assert client.head(f"{url}/result").status_code == client.get(f"{url}/result").status_code
    assert client.delete(url).status_code < 300


def test_a_connection_goes_on_after_a_head(patient: tuple[Any, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", patient[1], timeout=30)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        connection.request(method, "/styles")
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200
        told = int(answer.headers["Content-Length"])
        assert len(content) == (0 if method == "HEAD" else told)
    connection.close()


def test_a_head_is_guarded_as_a_get_is(client: TestClient) -> None:
    head = client.head("/styles", headers={"Host": "evil.example"})
    assert (head.status_code, head.content) == (400, b"")
