"""What one running service has: its settings, its folder, its styles, its queue, its numbers."""

import ipaddress
import os
import shutil
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request

from fst.interfaces.http.job_store import Jobs
from fst.interfaces.http.metrics import Metrics
from fst.interfaces.http.painting_queue import PaintingQueue
from fst.interfaces.http.settings import ServiceSettings
from fst.interfaces.http.shelf import Shelf
from fst.system.files import scratch_folder
from fst.system.temporaries import temporary_path

STOPPING_SECONDS = 3.0
"""For which work is waited for at the end, from when the service is asked to stop."""

SITE = 64
"""Bits of an IPv6 address that all of a household, or of a server, have in common."""


class Service:
    """The state of one service.

    Args:
        settings: what it is told.

    Attributes:
        settings: those.
        shelf: the styles.
        queue: of pictures to be painted.
        metrics: what is counted.
        jobs: work that takes minutes.
        took: budget of a training -> seconds that the last whole one took.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self._folder = _new_folder()
        self._renewing = threading.Lock()
        self.shelf = Shelf(settings)
        self.queue = PaintingQueue(settings.workers, settings.queue, settings.per_client)
        self.metrics = Metrics(self.queue)
        self.jobs = Jobs(lambda: self.folder, settings.queue, settings.per_client)
        self.took: dict[str, float] = {}
        self._asked: float | None = None

    @property
    def folder(self) -> Path:
        """The folder of its temporary files, open to nobody else.

        It is removed at the end, or by the next service where this one is killed. Where somebody
        has cleaned up meanwhile, as systemd does with what is old in ``/tmp``, it is another one.
        """
        with self._renewing:
            if self._asked is None and not _is_own(self._folder):
                self._folder = _new_folder()
            return self._folder

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self.queue.stopping

    def stop(self) -> None:
        """Takes nothing any more, and tells those who wait; quick."""
        if self._asked is None:
            self._asked = time.monotonic()
            self.jobs.stop_all()
            self.queue.stop()

    def close(self) -> None:
        """Ends what still runs, and removes the folder."""
        self.stop()
        until = (self._asked or 0.0) + STOPPING_SECONDS
        self.queue.join(until)
        self.jobs.join(until)
        shutil.rmtree(self._folder, ignore_errors=True)


def _new_folder() -> Path:
    folder = temporary_path(scratch_folder()).absolute()
    folder.mkdir(mode=0o700)
    return folder


def _is_own(folder: Path) -> bool:
    """Whether it is there, and nobody else has put it there."""
    with suppress(OSError):
        about = folder.lstat()
        return stat.S_ISDIR(about.st_mode) and about.st_uid == getattr(os, "getuid", int)()
    return False


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    found: Service = request.app.state.service
    return found


def client_of(request: Request) -> str:
    """Whose request it is: an address; of IPv6 what all addresses of a site have in common."""
    host = "unknown" if request.client is None else request.client.host
    try:
        found = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, SITE), strict=False))
