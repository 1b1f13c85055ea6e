"""``HEAD`` of every address: the answer to ``GET``, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Headed:
    """Answers ``HEAD`` as ``GET``; what is sent are the status and the headers.

    Proxies and link checkers look so whether something is there (RFC 9110, 9.3.2).

    Args:
        app: the application, which sees a ``GET``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # a copy: the server looks at its own, and must know what was asked
        await self._app({**scope, "method": "GET"}, receive, bodiless)
