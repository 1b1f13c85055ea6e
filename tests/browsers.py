"""A browser for tests: chromium, driven by playwright; what must never happen in it; a service."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

ARGUMENTS = (
    "--no-sandbox",  # a container's root may not make one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
"""The camera is a drawn one, and nobody is asked whether it may be used."""

PATIENCE = 30_000
"""Milliseconds for which something is waited, on a machine that has much to do."""

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shifts.push(entry.value);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
"""Runs in every page before its own scripts."""


@contextlib.contextmanager
def launched(*more: str) -> Iterator[Any]:
    """A browser, told ``more`` on its command line; where there is none, the test is skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("needs chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *more])
        yield browser
        browser.close()


@contextlib.contextmanager
def serving(settings: Any) -> Iterator[str]:
    """A service in a thread of this process; its address.

    Args:
        settings: :class:`fst.interfaces.http.settings.ServiceSettings`.
    """
    import uvicorn

    from fst.interfaces.http.app import make_app

    config = uvicorn.Config(make_app(settings), port=0, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    (bound,) = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


class Watched:
    """A page, and all that it should not do.

    Args:
        browser: that it is opened in.
        address: of the service.
        options: of the browser's context: ``viewport``, ``color_scheme`` ...

    Attributes:
        page: playwright's.
        errors: what it said on its console, or threw.
        foreign: addresses of other hosts that it asked.
    """

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(WATCH)
        self.page: Any = self.context.new_page()
        self.errors: list[str] = []
        self.foreign: list[str] = []
        host = urlsplit(address).netloc
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url, host))

    def _heard(self, message: Any) -> None:
        # the browser itself notes each answer of 4xx; what the page makes of it is tested elsewhere
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _asked(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data") and parts.netloc != host:
            self.foreign.append(url)

    def check(self) -> None:
        """Nothing was forbidden, thrown, or asked of others."""
        assert self.page.evaluate("window.violations ?? []") == []
        assert self.errors == []
        assert self.foreign == []

    def close(self) -> None:
        """Closes the page."""
        self.context.close()


def wait_until(page: Any, expression: str, *arguments: Any) -> None:
    """Until a function in the page gives something true.

    Playwright's own way evaluates text there, which the page's policy forbids.
    """
    for _ in range(PATIENCE // 20):
        if page.evaluate(expression, *arguments):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never came true: {expression}")


Open = Callable[..., Watched]
"""The ``open_page`` fixture: what follows the #, options of the browser's context."""
