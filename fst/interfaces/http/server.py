"""Runs a service under uvicorn: its socket, its patience, its end."""

import asyncio
import ipaddress
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from fst.errors import InputError
from fst.interfaces.http.errors import refusal, sentence
from fst.interfaces.http.service import Service
from fst.interfaces.http.settings import ServiceSettings
from fst.system.signals import TOGETHER, heeded

END = 3
"""Seconds that answers in work get at the end."""

HEADERS_WITHIN = 10.0
"""Seconds in which the head of a request has to come, or the rest of one that is answered."""

ANY_ADDRESS = ("0.0.0.0", "::", "")
"""Hosts that mean all addresses of this machine."""

ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of no machine (RFC 5737, RFC 3849): the way to them is the way to others."""

CONNECTIONS = 500
"""At a time; more are told to come later."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on clients who connect and don't ask, or ask without end."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            wait = {"Retry-After": "10", "Connection": "close"}
            self.app = refusal(503, "too many are connected: try again in a moment", wait)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """A request was answered."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(exc)
        self._stop_watching()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a sentence, too."""
        body = json.dumps({"error": sentence(msg[:1].lower() + msg[1:])}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        parts = (h11.Response(status_code=400, headers=headers), h11.Data(body), h11.EndOfMessage())
        try:
            self.transport.write(b"".join(self.conn.send(part) or b"" for part in parts))
        except h11.LocalProtocolError:  # an answer has begun
            pass
        self.transport.close()

    def _watch(self) -> None:
        """Waits for a head that is not whole, or for the rest of what was answered already."""
        answered = self.conn.our_state is h11.DONE and self.conn.their_state is not h11.DONE
        if self.transport.is_closing() or not (self.conn.their_state is h11.IDLE or answered):
            self._stop_watching()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEADERS_WITHIN, self.transport.close)

    def _stop_watching(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class Server(uvicorn.Server):
    """A server that tells its service at once when it is to stop.

    Args:
        app: from :func:`~fst.interfaces.http.app.make_app`.
    """

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=END,
                proxy_headers=app.state.service.settings.behind_proxy,
                h11_max_incomplete_event_size=32_768,
            )
        )
        self._service: Service = app.state.service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes all signals that ask to stop; what they were asked is done when it has ended."""
        main = threading.current_thread() is threading.main_thread()  # signals are that one's
        numbers = heeded() if main else []
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._captured_signals:
            signal.raise_signal(self._captured_signals[0])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first request to stop lets answers end; a second one does not.

        One that comes with the first is the first once more: see :mod:`fst.system.signals`.
        """
        now = time.monotonic()
        if not self.should_exit:
            self._asked = now
        elif now - self._asked < TOGETHER:
            return
        else:
            self.force_exit = True
        super().handle_exit(sig, frame)
        if self._loop is not None:  # not here: a signal may come while its lock is held
            self._loop.call_soon_threadsafe(self._service.stop)


def listen(settings: ServiceSettings) -> socket.socket:
    """The socket of a service, bound.

    Raises:
        InputError: the port is taken, the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
        found.listen(128)
    except OSError as error:
        found.close()
        where = f"{settings.host}:{settings.port}"
        raise InputError(
            f"can't listen at {where}: {error.strerror or error}; give another port (--port 0 "
            "takes a free one)"
        ) from error
    return found


def address(settings: ServiceSettings, bound: socket.socket) -> str:
    """What to type into a browser on this machine."""
    return _url("127.0.0.1" if settings.host in ANY_ADDRESS else settings.host, bound)


def addresses_elsewhere(settings: ServiceSettings, bound: socket.socket) -> list[str]:
    """What to type into a browser on another machine, where the service listens at all addresses.

    Nothing is sent to find them: the system is asked from which address it would.
    """
    if settings.host not in ANY_ADDRESS:
        return []
    only_6 = bound.family == socket.AF_INET6 and bound.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )
    families = [] if only_6 else [socket.AF_INET]
    families += [socket.AF_INET6] if bound.family == socket.AF_INET6 else []
    found = (_own_address(family) for family in families)
    return [_url(one, bound) for one in found if one is not None]


def _own_address(family: socket.AddressFamily) -> str | None:
    """By which others reach this machine; None where it has no way to them."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect((ELSEWHERE[family], 9))  # of a datagram's socket, this sends nothing
        found = ipaddress.ip_address(str(asking.getsockname()[0]).partition("%")[0])
        if not (found.is_loopback or found.is_link_local or found.is_unspecified):
            return str(found)
    return None


def _url(host: str, bound: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{bound.getsockname()[1]}/"
