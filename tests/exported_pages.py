"""Pages for tests of the export to the web: made of a tiny net, opened, used."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from browsers import Watched

from fst.assets import search_path
from fst.inference.export import web, web_runtime
from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions
from fst.nets.needs import TransformerNet

PLACES = search_path("runtimes")
"""Where ONNX Runtime for browsers may lie, before a test has a cache of its own."""


def runtime_or_skip() -> Path:
    """ONNX Runtime for browsers, where it is; no test fetches it."""
    for folder in PLACES:
        if (place := folder / web_runtime.PACKAGE).is_file():
            return place
    pytest.skip(
        f"needs onnxruntime-web: npm pack onnxruntime-web@{web_runtime.VERSION} "
        f"--pack-destination {PLACES[-1]}"
    )


@torch.no_grad()
def make_page(net: TransformerNet, folder: Path, runtime: Path, **metadata: str) -> Path:
    """The page of a net, as ``fst export`` makes it."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra onnxruntime")
    stages = net.stages(torch.float32)
    assert stages is not None
    options = ExportOptions(name="dawn", metadata=metadata, runtime=runtime)
    return web.write(ExportedNet(stages, options.margin), folder, options)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static host; one that isolates its pages lets them use threads."""

    isolated = False

    def end_headers(self) -> None:
        if self.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Isolated(Quiet):
    """With threads."""

    isolated = True


@contextmanager
def hosted(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address of a host of static files that has ``folder``."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Opened(Watched):
    """The page in a browser, and every address that it asks for.

    Attributes:
        asked: addresses, but for those of its own memory.
    """

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.asked: list[str] = []
        super().__init__(browser, address, **options)
        self.page.goto(address)

    def _asked(self, url: str, host: str) -> None:
        super()._asked(url, host)
        if urlsplit(url).scheme not in ("blob", "data"):
            self.asked.append(url)

    def _heard(self, message: Any) -> None:
        if "No available adapters" not in message.text:  # a machine without a graphics card
            super()._heard(message)


def wait_until_painted(page: Any) -> None:
    """Until the painting is there, and nothing is in work."""
    page.locator("#view[aria-busy=false] .view-after:not([hidden])").wait_for()
    page.locator("#download:enabled").wait_for()


def drop(page: Any, name: str, content: bytes, kind: str = "image/png") -> None:
    """As with a mouse."""
    page.evaluate(
        """([name, kind, bytes]) => {
          const dropped = new DataTransfer();
          dropped.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
          for (const what of ["dragenter", "dragover", "drop"])
            document.querySelector("#view").dispatchEvent(
              new DragEvent(what, { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }""",
        [name, kind, list(content)],
    )


def paste(page: Any, content: bytes) -> None:
    """As with the keyboard, a picture from elsewhere."""
    page.evaluate(
        """(bytes) => {
          const pasted = new DataTransfer();
          pasted.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted }));
        }""",
        list(content),
    )


def choose_size(page: Any, words: str) -> None:
    """Of the painting."""
    page.locator("#sizes label", has_text=words).click()


def as_file(page: Any, kind: str) -> tuple[str, bytes]:
    """Name and bytes of the download, ``"png"`` or ``"jpeg"``."""
    page.get_by_label("Format of the download").select_option(kind)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()
