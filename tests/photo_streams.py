"""What the tests of the order of photos share."""

import io
import threading
from itertools import islice
from typing import Any

import torch

from fst.data.photo_list import PhotoList
from fst.data.photo_stream import PhotoStream

SHARDS = (7, 5, 9)
"""Photos in each file of the ``stream`` fixture."""

PHOTOS = sum(SHARDS)


def names(source: PhotoList | PhotoStream, count: int, start: int = 0) -> list[str]:
    """Which photos come, without decoding them."""
    places = source.places(start)
    found = [(place, pick(0)["path"]) for place, pick in islice(places, count)]
    places.close()
    assert [place for place, _ in found] == list(range(start, start + count))
    return [name for _, name in found]


def all_names(count: int = PHOTOS) -> list[str]:
    """Those of the first photos of the stream."""
    return sorted(f"{i}.png" for i in range(count))


def own_threads() -> list[str]:
    """The threads of ours that are still there."""
    return [t.name for t in threading.enumerate() if t.name.startswith(("photos", "decode"))]


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    """The state as a checkpoint gives it back."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    loaded: dict[str, Any] = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    assert loaded == state
    return loaded
