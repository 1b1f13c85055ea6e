"""A real server: what comes slowly, what is no HTTP, and its end."""

import errno
import http.client
import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from services import Served, form_of, photo, save_styles, settings
from starlette.requests import Request

from fst.errors import InputError
from fst.interfaces.http import server
from fst.interfaces.http.app import make_app
from fst.interfaces.http.server import Server, address, addresses_elsewhere, listen
from fst.interfaces.http.service import client_of


def head(length: int, path: str = "/stylize") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}",
             "Content-Type: multipart/form-data; boundary=edge", "", ""]  # fmt: skip
    return "\r\n".join(lines).encode()


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    connection.settimeout(30)
    parts = []
    while piece := connection.recv(65_536):
        parts.append(piece)
    return b"".join(parts)


def test_a_body_that_stops_coming_is_ended(patient: tuple[FastAPI, int]) -> None:
    app, port = patient
    body, _ = form_of({"style": b"dawn"}, photo())
    for sent in (b"", body[:10], body[: len(body) // 2]):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head(len(body)) + sent)
            answer = answer_of(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"nothing came" in answer
    assert not list(app.state.service.folder.iterdir())
    assert not app.state.service.queue._seats


def is_hung_up(connection: socket.socket, piece: bytes) -> bool:
    """Whether the other side ends it while pieces are sent."""
    try:
        for _ in range(600):
            connection.sendall(piece)
            time.sleep(0.02)
    except OSError:  # a reset, or a pipe that is broken
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_stops_coming_is_ended(patient: tuple[FastAPI, int], sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", patient[1])) as connection:
        connection.sendall(sent)
        assert answer_of(connection) == b""


def test_a_head_that_comes_letter_by_letter_is_ended(patient: tuple[FastAPI, int]) -> None:
    with socket.create_connection(("127.0.0.1", patient[1])) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert is_hung_up(connection, b"x")


def test_what_is_sent_after_the_answer_is_not_read_without_end(
    patient: tuple[FastAPI, int],
) -> None:
    with socket.create_connection(("127.0.0.1", patient[1])) as connection:
        connection.sendall(head(10**9))  # refused by its length
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
        assert is_hung_up(connection, bytes(1000))


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01 hello", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n", bytes(100),
     b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 20_000 + b"\r\n",
     b"POST /stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
     b"POST /stylize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http_gets_a_sentence(patient: tuple[FastAPI, int], sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", patient[1])) as connection:
        try:
            connection.sendall(sent)
            answer = answer_of(connection)
        except ConnectionError:  # it has hung up while more was sent
            return
    assert answer[9:10] == b"4" or answer.startswith(b"HTTP/1.1 501")
    assert b"error" in answer.partition(b"\r\n\r\n")[2]


def test_a_chunked_body_without_end_is_refused(patient: tuple[FastAPI, int]) -> None:
    app, port = patient
    form = b'--edge\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    begin = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begin + b"%x\r\n%s\r\n" % (len(form), form))
        piece = b"%x\r\n%s\r\n" % (1 << 20, bytes(1 << 20))
        try:
            for _ in range(60):
                connection.sendall(piece)
            answer = connection.recv(65_536)
        except ConnectionError:
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 413 ")
    deadline = time.monotonic() + 10
    while app.state.service.queue._seats and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not app.state.service.queue._seats


def test_a_port_that_is_taken_is_a_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=str(port)):
            listen(settings(None, port=port))  # type: ignore[arg-type]


def test_a_request_to_stop_that_comes_twice_at_once_is_one(
    shelf_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``timeout`` and a terminal that closes send theirs twice; then clients are still told."""
    running = Server(make_app(settings(shelf_folder)))
    for later, forced in ((0.0, False), (0.1, False), (2.0, True)):
        monkeypatch.setattr(server.time, "monotonic", lambda later=later: 1000.0 + later)
        running.handle_exit(signal.SIGTERM, None)
        assert running.should_exit
        assert running.force_exit is forced
    monkeypatch.undo()
    running._service.close()


def test_what_to_type_into_a_browser() -> None:
    for host, name in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        told = settings(None, host=host, port=0, token="x" * 16)  # type: ignore[arg-type]
        with listen(told) as bound:
            assert address(told, bound) == f"http://{name}:{bound.getsockname()[1]}/"


def stylize(port: int, body: bytes) -> tuple[int, str]:
    """Status and sentence of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    connection.request("POST", "/stylize", body, kind)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, "" if answer.status == 200 else json.loads(content)["error"]


def seen_as(app: FastAPI) -> list[str]:
    """Whose requests it takes them for: with an address in the header, with two, with none."""
    found: list[str] = []

    @app.get("/seen")
    def seen(request: Request) -> str:
        found.append(f"{request.url.scheme} {client_of(request)}")
        return ""

    told = app.state.service.settings
    with listen(told) as bound:
        running = Server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        own = {"Authorization": f"Bearer {told.token}"}
        for more in ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
                     {"X-Forwarded-For": "192.0.2.1, 192.0.2.7"}, {}):  # fmt: skip
            connection = http.client.HTTPConnection("127.0.0.1", bound.getsockname()[1])
            connection.request("GET", "/seen", headers={**own, **more})
            assert connection.getresponse().status == 200
            connection.close()
        running.should_exit = True
        thread.join(30)
    return found


def test_who_asks_is_what_a_proxy_says_only_where_there_is_one(shelf_folder: Path) -> None:
    alone = make_app(settings(shelf_folder, port=0))
    assert seen_as(alone) == ["http 127.0.0.1"] * 3
    behind = make_app(settings(shelf_folder, port=0, behind_proxy=True, token="x" * 16))
    assert seen_as(behind) == [
        "https 192.0.2.7", "http 192.0.2.7", "http 127.0.0.1",
    ]  # fmt: skip


def test_where_too_many_are_connected_that_is_a_sentence(
    patient: tuple[FastAPI, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 1)
    with socket.create_connection(("127.0.0.1", patient[1])) as first:
        first.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection(("127.0.0.1", patient[1])) as second:
            second.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = answer_of(second)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 10" in answer.lower()
    assert "too many" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_tells_its_clients_and_ends(
    tmp_path: Path, environment: dict[str, str], number: int
) -> None:
    """One picture in work, several that wait; the folder of temporary files is gone."""
    save_styles(tmp_path / "checkpoints")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = {**environment, "TMPDIR": str(temporary)}
    served = Served(tmp_path, own, "--device", "cpu", "--precision", "fp32")
    try:
        assert len(list(temporary.iterdir())) == 1
        body, _ = form_of({"style": b"dawn"}, photo(5000, 4000, kind="JPEG"))
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(stylize, served.port, body) for _ in range(3)]
            wait_for_work(served.port)
            status, seconds = served.stop(number)
            told = [answer.result() for answer in answers]
        assert status == 128 + number
        assert seconds < 30  # five of an idle machine
        assert {status for status, _ in told} <= {503}, told
        assert all("stopping" in said for _, said in told)
        assert not list(temporary.iterdir())
    finally:
        served.stop(signal.SIGKILL)


def wait_for_work(port: int) -> None:
    """Until a picture is painted, and two wait."""
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/health")
        health: Any = json.loads(connection.getresponse().read())
        connection.close()
        if health["queue"] == 2:
            return
        time.sleep(0.02)
    raise AssertionError("nothing waits")


@pytest.mark.slow
def test_what_a_killed_one_left_is_removed_by_the_next(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    save_styles(tmp_path / "checkpoints")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = {**environment, "TMPDIR": str(temporary)}
    first = Served(tmp_path, own)
    first.stop(signal.SIGKILL)
    (left,) = temporary.iterdir()
    second = Served(tmp_path, own)
    assert not left.exists()
    second.stop()
    assert not list(temporary.iterdir())


def test_what_others_type_into_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {socket.AF_INET: "192.168.7.8", socket.AF_INET6: "2a00::7"}

    class Asking:
        def __init__(self, family: int, kind: int) -> None:
            assert kind == socket.SOCK_DGRAM
            self.family = family

        def __enter__(self) -> "Asking":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def connect(self, place: object) -> None:
            if not own:
                raise OSError(errno.ENETUNREACH, "no way there")

        def getsockname(self) -> tuple[str, int]:
            return own[self.family], 1  # type: ignore[index]

    def found(host: str, token: str | None = "x" * 16) -> list[str]:
        told = settings(None, host=host, port=0, token=token)  # type: ignore[arg-type]
        with listen(told) as bound, monkeypatch.context() as patch:
            patch.setattr(server.socket, "socket", Asking)
            port = str(bound.getsockname()[1])
            return [one.replace(port, "PORT") for one in addresses_elsewhere(told, bound)]

    assert found("0.0.0.0") == ["http://192.168.7.8:PORT/"]
    assert found("127.0.0.1", None) == []
    if has_ipv6():
        assert found("::")[-1] == "http://[2a00::7]:PORT/"
    for useless in ("127.0.0.1", "169.254.1.1", "0.0.0.0"):
        own[socket.AF_INET] = useless
        assert found("0.0.0.0") == []
    own.clear()
    assert found("0.0.0.0") == []


def has_ipv6() -> bool:
    """Whether this machine has."""
    try:
        with socket.socket(socket.AF_INET6) as trying:
            trying.bind(("::", 0))
    except OSError:
        return False
    return True
