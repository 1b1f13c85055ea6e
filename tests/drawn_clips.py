"""Clips of a few frames, with and without FFmpeg, and a painter that looks back."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fst.image.picture import Picture
from fst.inference.video.frames import About, Frame


def pixels(number: int, width: int = 32, height: int = 24) -> NDArray[np.uint8]:
    """Of one frame: a bright square that moves over a smooth ground."""
    rows, columns = np.mgrid[0:height, 0:width]
    ground = np.stack([rows * 5, columns * 5, rows + columns + 60], 2).clip(0, 200)
    left = (3 * number) % (width - 8)
    ground[6:14, left : left + 8] = 240
    return np.ascontiguousarray(ground.astype(np.uint8))


class Drawn:
    """A clip that is drawn; ``fails`` says before which frame reading ends in an error."""

    def __init__(self, count: int, rate: int = 10, fails: int | None = None) -> None:
        self.path, self.notes = Path("drawn.mp4"), list[str]()
        self.count, self.fails, self.began = count, fails, 0
        self.about = About(
            32, 24, Fraction(rate), count, Fraction(count, rate), Fraction(1, rate * 100)
        )

    def frames(self) -> Iterator[Frame]:
        self.began += 1
        for number in range(self.count):
            if number == self.fails:
                raise OSError(5, "Input/output error", str(self.path))
            time = number / self.about.rate
            yield Frame(pixels(number), number, time, 1 / self.about.rate)
        if "read to the end" not in self.notes:
            self.notes.append("read to the end")


class Arrays:
    """Segments are NumPy files, and so is the clip; ``full`` says at which frame the disk is."""

    suffix = ".npy"
    transparent = False

    def __init__(self, full: int | None = None) -> None:
        self.full, self.written = full, 0

    def write_segment(self, path: Path, frames: Iterable[Frame]) -> None:
        kept = []
        for frame in frames:
            if self.written == self.full:
                path.write_bytes(b"half")
                raise OSError(28, "No space left on device", str(path))
            self.written += 1
            kept.append(frame.pixels)
        with path.open("wb") as file:
            np.save(file, np.stack(kept))

    def join(self, segments: list[Path], target: Path) -> list[str]:
        with target.open("wb") as file:
            np.save(file, np.concatenate([np.load(path) for path in segments]))
        return ["joined"]


class LooksBack:
    """A painter that mixes a frame with what it painted before: wrong state, wrong pixels."""

    def __init__(self) -> None:
        self.last: Tensor | None = None
        self.painted = 0

    def __call__(self, picture: Picture) -> Picture:
        self.painted += 1
        rgb = 1 - picture.rgb if self.last is None else (1 - picture.rgb + 3 * self.last) / 4
        self.last = rgb
        return Picture(rgb, picture.alpha)

    def reset(self) -> None:
        self.last = None

    def state(self) -> dict[str, Tensor]:
        return {} if self.last is None else {"last": self.last}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.last = state["last"]


def negatives(count: int) -> NDArray[np.uint8]:
    """What :class:`LooksBack` makes of all frames, computed by itself."""
    last: Any = None
    found = []
    for number in range(count):
        one = 1 - torch.from_numpy(pixels(number).astype(np.float32)) / np.float32(255)
        last = one if last is None else (one + 3 * last) / 4
        found.append((last * 255).round().to(torch.uint8).numpy())
    return np.stack(found)


def write_clip(
    path: Path, count: int, rate: int = 10, size: tuple[int, int] = (32, 24), sound: bool = False
) -> Path:
    """An H.264 clip of :func:`pixels`."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.options = {"crf": "10", "preset": "ultrafast"}
        heard = container.add_stream("aac", rate=8000) if sound else None
        for number in range(count):
            one = av.VideoFrame.from_ndarray(pixels(number, *size), format="rgb24")
            container.mux(video.encode(one))
        container.mux(video.encode(None))
        if heard is not None:
            samples = np.zeros((1, 8000 * count // rate), np.float32)
            tone = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            tone.sample_rate = 8000
            container.mux(heard.encode(tone))
            container.mux(heard.encode(None))
    return path


def read_clip(path: Path) -> NDArray[np.uint8]:
    """All frames of a video, ``(N, H, W, 3)``."""
    import av

    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
