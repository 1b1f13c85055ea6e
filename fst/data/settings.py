"""What can be set of the photos to train on, checked once, before any photo is opened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from typing import Any

from fst.errors import InputError
from fst.image.picture import MIN_SIDE
from fst.system.checks import number, one_of, optional, shown, switch, text, whole_number

SOURCES = ("auto", "folder", "hub", "sample")


@dataclass(frozen=True)
class PhotoSettings:
    """The ``data`` group of a run's configuration; each field is a setting ``data.NAME``.

    Raises:
        InputError: a value of the wrong type or outside of its range; one line that names the
            setting, what was given and what is allowed.
    """

    source: str
    """``"folder"``, ``"hub"``, ``"sample"``, or ``"auto"``: the folder, if the assets have it,
    else COCO from the hub; says which."""

    path: str | None = None
    """The folder, or the hub's name of the data set."""

    size: int = 256
    """Side of the square crops, in pixels; at least 16."""

    batch_size: int = 4
    """Photos a step, of all devices together."""

    val_path: str | None = None
    """A folder of validation photos; without one ``val_photos`` are held out."""

    val_photos: int = 16
    """How many photos to validate on."""

    max_photos: int | None = None
    """Use only the first so many; None uses all."""

    min_scale: float = 0.5
    """The smallest share of a photo's area that a crop shows; above 0, at most 1."""

    num_workers: int = 0
    """Threads that decode ahead; 0 decodes when a step asks for its photos."""

    cache: str | None = None
    """A folder that keeps the photos pre-shrunk, for later epochs and runs."""

    device_cache: bool | str = "auto"
    """``True`` keeps all photos decoded on the training device and crops there; ``"auto"`` does so
    on a GPU where they fit into half of its free memory."""

    shuffle_buffer: int = 1000
    """How many photos of a stream are shuffled together."""

    seed: int = 0
    """Of order, crops and flips."""

    split: str = "train"
    """Of a hub data set."""

    streaming: bool = True
    """Of a hub data set."""

    column: str = "image"
    """Of a hub data set: where the photos are."""

    sizes: Sequence[int] | None = None
    """Sides that the steps take in turn instead; validation stays at ``size``."""

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(f"data.{name}", getattr(self, name)))
        if self.source != "sample" and not self.path:
            raise InputError("name the photos to train on: data=folder data.path=FOLDER")

    @property
    def sides(self) -> list[int]:
        """The sides of the crops, which the steps take in turn."""
        return list(self.sizes) if self.sizes else [self.size]


def check_shares(batch_size: int, ranks: int) -> None:
    """That ``ranks`` processes can share a batch.

    Raises:
        InputError: not evenly.
    """
    if batch_size % ranks:
        raise InputError(
            f"data.batch_size={batch_size} counts the photos of all devices together: "
            f"give a multiple of {ranks}"
        )


def _path(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    return text(name, fspath(value) if isinstance(value, PathLike) else value)


def _device_cache(name: str, value: Any) -> bool | str:
    value = bool(value) if type(value) is int and value in (0, 1) else value
    chosen: bool | str = one_of(name, value, (True, False, "auto"))
    return chosen


def _sides(name: str, value: Any) -> list[int] | None:
    if value is None:
        return None
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        raise InputError(f"{name} must be a list of sides, like [256, 128], not {shown(value)}")
    return [whole_number(name, side, MIN_SIDE) for side in value]


_positive = partial(whole_number, least=1)

_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "source": partial(one_of, options=SOURCES),
    "path": _path,
    "size": partial(whole_number, least=MIN_SIDE),
    "batch_size": _positive,
    "val_path": _path,
    "val_photos": _positive,
    "max_photos": partial(optional, _positive),
    "min_scale": partial(number, above=0, most=1),
    "num_workers": partial(whole_number, least=0),
    "cache": _path,
    "device_cache": _device_cache,
    "shuffle_buffer": _positive,
    "seed": whole_number,
    "split": text,
    "streaming": switch,
    "column": text,
    "sizes": _sides,
}
