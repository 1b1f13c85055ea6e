"""What a service is told, checked: addresses, limits, folders."""

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from fst.assets import checkpoint_folders
from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.system.checks import number, one_of, optional, shown, switch, text, whole_number

MAX_BYTES = 50_000_000
"""Of one file, unless told otherwise."""

MAX_PIXELS = 64_000_000
"""Of one picture, unless told otherwise: the largest cameras' photos."""

LEAST_TOKEN = 16
"""Characters of a token: what is shorter can be guessed."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a browser on this machine calls it."""


@dataclass(frozen=True)
class ServiceSettings:
    """Where a service listens, whom it lets in, and how much it takes.

    Attributes:
        host: the address to listen at. Beyond loopback a token is needed.
        port: of it; 0 takes one that is free.
        token: what a client has to know; None lets in whoever reaches it.
        allowed_hosts: names by which others reach it, as behind a proxy; they need a token, too.
        behind_proxy: a proxy on this machine says whose request it is (``X-Forwarded-For``), and
            whether it came by https; it needs a token, too.
        checkpoints: the folder of trained styles; None is
            :func:`fst.assets.checkpoint_folders`.
        photos: the folder of photos that trainings take; None is what the train command finds.
        folder: where trainings write: ``runs/``, ``paintings/`` and, unless ``checkpoints`` says
            otherwise, ``checkpoints/``. It need not be there yet: :func:`make_folder`.
        training_words: settings of every training, as ``fst train`` takes them.
        max_bytes: of one file.
        max_pixels: of one picture, in and out.
        workers: how many pictures are painted at a time.
        queue: how many may wait.
        per_client: how many requests of one client may be in work.
        training: whether trainings may be started.
        device: to paint on, ``"auto"``, ``"cpu"``, ``"cuda"`` ...
        precision: one of :data:`fst.choices.PRECISIONS`.
        patience: seconds that a client may be silent while it sends.

    Raises:
        InputError: a value that can't be; no token where one is needed.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    behind_proxy: bool = False
    checkpoints: Path | None = None
    photos: Path | None = None
    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS
    workers: int = 1
    queue: int = 16
    per_client: int = 4
    training: bool = True
    device: str = "auto"
    precision: str = "auto"
    patience: float = 10.0
    folder: Path = Path()
    training_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        text("host", self.host)
        whole_number("port", self.port, 0, 65_535)
        whole_number("max_bytes", self.max_bytes, 1000, 2_000_000_000)
        whole_number("max_pixels", self.max_pixels, 256, 1_000_000_000)
        whole_number("workers", self.workers, 1, 64)
        whole_number("queue", self.queue, 0, 10_000)
        whole_number("per_client", self.per_client, 1, 10_000)
        number("patience", self.patience, above=0)
        switch("training", self.training)
        switch("behind_proxy", self.behind_proxy)
        one_of("precision", self.precision, PRECISIONS)
        for name in ("checkpoints", "photos", "folder"):
            folder: Path | None = getattr(self, name)
            if folder is None or os.path.isdir(folder):
                continue
            if name != "folder" or os.path.exists(folder):  # that one is made where it is missing
                raise InputError(f"{name}: no folder {str(folder)!r}")
        for name in self.allowed_hosts:
            if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
                raise InputError(
                    f"an allowed host is a name like photos.example.org, not {shown(name)}"
                )
        optional(_token, "token", self.token)
        if self.token is None and self.is_public:
            where = self.host if not is_loopback(self.host) else "behind a proxy"
            raise InputError(f"a service {where} can be reached from elsewhere: it needs a token")

    @property
    def checkpoint_folders(self) -> tuple[Path, ...]:
        """Where trained styles lie."""
        if self.checkpoints is not None:
            return (self.checkpoints,)
        here, *others = checkpoint_folders()
        return (self.folder / here, *others)

    @property
    def is_public(self) -> bool:
        """Whether it can be reached from other machines."""
        return bool(self.allowed_hosts) or self.behind_proxy or not is_loopback(self.host)


def make_folder(settings: ServiceSettings) -> None:
    """Makes the folder that trainings write into, where it is not there.

    Raises:
        InputError: that can't be.
    """
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"folder: {str(settings.folder)!r} can't be made: {said}") from error


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, which no other reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _token(name: str, value: object) -> str:
    if isinstance(value, str) and len(value) >= LEAST_TOKEN and value.isascii():
        if value.isprintable() and not any(character in ' ",;\\' for character in value):
            return value
    raise InputError(
        f"a {name} has at least {LEAST_TOKEN} letters, digits and signs, without blanks, quotes, "
        f"commas and semicolons, not {shown(value)}"
    )
