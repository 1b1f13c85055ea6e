"""What a service counts, for Prometheus."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fst.interfaces.http.errors import GONE
from fst.interfaces.http.painting_queue import PaintingQueue

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Bounds of the histogram."""


class Metrics:
    """The numbers of one service.

    Args:
        queue: whose length is told.
    """

    def __init__(self, queue: PaintingQueue) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "fst_requests", "Requests that were answered.", ("route", "method", "status"),
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "fst_request_seconds", "Seconds from a request to its answer.", ("route",),
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.net_seconds = Histogram(
            "fst_net_seconds", "Seconds that nets took for a picture.", buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        waiting = Gauge("fst_queue_length", "Pictures that wait.", registry=registry)
        waiting.set_function(lambda: queue.waiting)
        running = Gauge("fst_paintings_in_work", "Pictures in work.", registry=registry)
        running.set_function(lambda: queue.running)
        ProcessCollector(registry=registry)  # memory, processor time, open files

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class Counted:
    """Counts and times what an application answers.

    Args:
        app: the application.
        metrics: gets the numbers.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), GONE

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = route_of(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)


METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")


def route_of(scope: Any) -> str:
    """The address as it is declared, so that there are few; ``"other"`` where there is none."""
    return str(getattr(scope.get("route"), "path", "other"))
