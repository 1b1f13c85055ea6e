"""Who may ask, and what a browser may do with the answers."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fst.interfaces.http.errors import LOG, refusal
from fst.interfaces.http.settings import LOCAL_NAMES, ServiceSettings

COOKIE = "fst_token"
"""Begins the name of what holds a digest of the token, for the page. Its end tells apart the
services of a machine: browsers send a cookie to all of its ports."""

OPEN = ("/health",)
"""What needs no token: those who watch over containers ask it."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "font-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a page of this service may load: nothing from elsewhere."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""

ASKED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>fst: the token is missing</title>
<h1>The token is missing or wrong</h1>
<p>Open the link that <code>fst serve</code> printed when it was started: it ends with
<code>/?token=</code> and a long word. If another person runs this service, ask them for the link.
<form action="/">
<label>Or type the token: <input name="token" type="password" autocomplete="off" required></label>
<button>Open</button>
</form>
</html>
"""
"""What a person sees who comes without the token."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


class Guarded:
    """Lets in whom it should, and sends the headers that keep browsers from mischief.

    Args:
        app: the application.
        settings: of the service.
        stopping: whether it is to end: who is cut off then is told so.
    """

    def __init__(
        self, app: ASGIApp, settings: ServiceSettings, stopping: Callable[[], bool]
    ) -> None:
        self._app, self._settings, self._stopping = app, settings, stopping
        token = settings.token
        self._seal = None if token is None else _digest(token)
        self._cookie_name = f"{COOKIE}_{_digest(self._seal or '')[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = self._given_in_address(scope)
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                if given and message["status"] in (200, 304):
                    answer.append("Set-Cookie", self._cookie(scope["scheme"] == "https"))
                    answer["Cache-Control"] = "no-store"  # its address has the token in it
            await send(message)

        app: ASGIApp = self._app
        if not self._is_known(headers.get("host", "")):
            app = refusal(400, "the Host header names none of this service's names")
        elif scope["method"] not in SAFE and not _is_own(headers):
            app = refusal(403, "a page of another site has sent this request")
        elif not (given or scope["path"] in OPEN or self._has_token(headers)):
            app = _unknown(headers.get("accept", ""))
        try:
            await app(scope, receive, guarded)
        except asyncio.CancelledError:
            if begun or not self._stopping():
                raise
            end = refusal(503, "the service is stopping", {"Retry-After": "10"})
            await end(scope, receive, guarded)
        except Exception:
            LOG.exception("%s %r has failed", scope["method"], scope["path"])
            if begun:
                raise
            end = refusal(500, "the service failed; its log says why")
            await end(scope, receive, guarded)

    def _is_known(self, host: str) -> bool:
        """Whether the name in the address is one of ours: DNS can give this machine any other."""
        settings = self._settings
        name = _name_of(host)
        if name in settings.allowed_hosts or name == settings.host:
            return True
        if settings.is_public and not settings.allowed_hosts:
            return bool(name)  # any: other machines know this one by names that it does not know
        return name in LOCAL_NAMES

    def _given_in_address(self, scope: Scope) -> bool:
        """Whether it is the page, with the token in its address: ``/?token=…``."""
        if self._settings.token is None or scope["path"] != "/" or scope["method"] != "GET":
            return False
        words = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        return _same(words[0], self._settings.token)

    def _has_token(self, headers: Headers) -> bool:
        if self._settings.token is None or self._seal is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(given.strip(), self._settings.token):
            return True
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie_name)
        except CookieError:
            return False
        return found is not None and _same(found.value, self._seal)

    def _cookie(self, secure: bool) -> str:
        said = f"{self._cookie_name}={self._seal}; Path=/; HttpOnly; SameSite=Strict"
        return f"{said}; Secure" if secure else said


def _unknown(accepted: str) -> Response:
    """The answer without the token: a page for browsers, which ask for one, else a sentence."""
    headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store", "Vary": "Accept"}
    if "text/html" in accepted.lower():
        return HTMLResponse(ASKED, 401, headers)
    said = "the token is missing or wrong: send it as Authorization: Bearer TOKEN"
    return refusal(401, said, headers)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())


def _name_of(host: str) -> str:
    """``localhost`` of ``localhost:8000``, ``[::1]`` of ``[::1]:8000``."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _is_own(headers: Headers) -> bool:
    """Whether a request that changes something comes from our page, or from no page at all."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False
