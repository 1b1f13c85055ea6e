"""Services with tiny nets, for tests: their settings, pictures to send, a real server."""

import io
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support import make_photo
from tiny_any import save_any
from tiny_runs import save_style

from fst.interfaces.http.settings import ServiceSettings

LOCAL = "http://localhost:8000"
"""What a client calls a service that is no server."""


def save_styles(folder: Path) -> Path:
    """A folder of checkpoints: two styles, and a net for any painting."""
    folder.mkdir(parents=True, exist_ok=True)
    save_style(folder / "dawn.safetensors", seed=1)
    save_style(folder / "dusk.safetensors", seed=2)
    save_any(folder)
    return folder


def settings(checkpoints: Path, **others: Any) -> ServiceSettings:
    """Of a service on this machine."""
    return ServiceSettings(checkpoints=checkpoints, device="cpu", precision="fp32", **others)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    image.save(memory := io.BytesIO(), kind, **options)
    return memory.getvalue()


def photo(width: int = 48, height: int = 40, seed: int = 0, kind: str = "PNG") -> bytes:
    """A small photo as a file."""
    return encoded(make_photo(width, height, seed), kind)


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    """Of a picture's file."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def form_of(values: dict[str, bytes], content: bytes) -> tuple[bytes, bytes]:
    """A form with a photo, as bytes, and its type."""
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value)
        for name, value in values.items()
    ]
    about = b'--edge\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n'
    return b"".join(parts) + about + content + b"\r\n--edge--\r\n", (
        b"multipart/form-data; boundary=edge"
    )


class Served:
    """``fst serve`` in a process of its own, on a free port.

    Args:
        folder: to run it in.
        environment: of the process.
        words: behind ``fst serve``.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fst", "serve", "--port", "0", "--no-browser", *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.address = next(word for word in self.said.split() if word.startswith("http"))
        self.port = int(self.address.rpartition(":")[2].partition("/")[0])

    def connect(self) -> socket.socket:
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def stop(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Ends it by a signal; its status, and how many seconds that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        assert self.process.returncode is not None
        return self.process.returncode, time.monotonic() - began
