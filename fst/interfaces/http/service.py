"""What one running service has: its settings, its folder, its styles, its queue, its numbers."""

import shutil
from collections.abc import Callable
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
"""For which threads are waited at the end."""


class Service:
    """The state of one service.

    Args:
        settings: what it is told.

    Attributes:
        settings: those.
        folder: of its temporary files, open to nobody else; removed at the end, or by the next
            service where this one is killed.
        shelf: the styles.
        queue: of pictures to be painted.
        metrics: what is counted.
        jobs: work that takes minutes.
        took: budget of a training -> seconds that the last whole one took.
        on_stop: called once when it is asked to stop, before clients are told; must be quick.
        on_close: called at the very end, before the folder is removed.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.folder: Path = temporary_path(scratch_folder()).absolute()
        self.folder.mkdir(mode=0o700)
        self.shelf = Shelf(settings)
        self.queue = PaintingQueue(settings.workers, settings.queue, settings.per_client)
        self.metrics = Metrics(self.queue)
        self.jobs = Jobs(self.folder, settings.queue, settings.per_client)
        self.took: dict[str, float] = {}
        self.on_stop: list[Callable[[], None]] = [self.jobs.stop_all]
        self.on_close: list[Callable[[], None]] = [self.jobs.join]
        self._told = False

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self.queue.stopping

    def stop(self) -> None:
        """Takes nothing any more, and tells those who wait."""
        if self._told:
            return
        self._told = True
        for call in self.on_stop:
            call()
        self.queue.stop()

    def close(self) -> None:
        """Ends what still runs, and removes the folder."""
        self.stop()
        self.queue.join(STOPPING_SECONDS)
        for call in self.on_close:
            call()
        shutil.rmtree(self.folder, ignore_errors=True)


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    found: Service = request.app.state.service
    return found


def client_of(request: Request) -> str:
    """Whose request it is: the address, which a proxy on this machine passes on."""
    return "unknown" if request.client is None else request.client.host
