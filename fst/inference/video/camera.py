"""A camera, or a file in its place: always its newest frame, whatever was missed meanwhile."""

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fst.errors import InputError
from fst.image.picture import reason
from fst.system.packages import need

USUAL, FASTEST = 25.0, 240.0
"""Frames a second of a file that doesn't say, and the most that is believed."""

PATIENCE = 10.0
"""Seconds after which a stream that doesn't answer, or a camera that gives nothing, is given up."""

MOST = 1000
"""Of cameras: OpenCV takes larger numbers for something else."""


@dataclass(frozen=True)
class Shot:
    """A frame of a camera.

    Attributes:
        pixels: RGB, ``(H, W, 3)``, uint8.
        number: from 1, of all that the camera gave.
        taken: when that was, as :func:`time.monotonic` counts, in seconds.
    """

    pixels: NDArray[np.uint8]
    number: int
    taken: float


def opencv() -> ModuleType:
    """OpenCV, which says nothing on its own.

    Raises:
        InputError: it is not installed, or can't be loaded.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        cv2 = need("cv2", "video", "fst live")
    except InputError as error:
        if "libGL" in str(error) or "libgthread" in str(error):
            raise InputError(
                f"{error}: install it (Debian, Ubuntu: apt install libgl1 libglib2.0-0), or take "
                "OpenCV without windows: pip install opencv-python-headless"
            ) from error
        raise
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def open_camera(name: str) -> "Camera":
    """A camera by its number, or a video file, or the address of a stream.

    Args:
        name: ``"0"``, ``"clip.mp4"`` or ``"rtsp://…"``.

    Raises:
        InputError: there is none, or it can't be read.
    """
    cv2 = opencv()
    is_number, is_stream = name.isdecimal(), "://" in name
    if not is_number and not is_stream and not Path(name).is_file():
        what = "is a folder" if Path(name).is_dir() else "no such file"
        raise InputError(
            f"{name}: {what}; a camera is a number, 0 being the first, or a video file"
        )
    if is_number and int(name) > MOST:
        raise InputError(f"no camera {name}: the first one is 0")
    if is_stream:
        patience = round(1000 * PATIENCE)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, patience]
        capture = cv2.VideoCapture(name, cv2.CAP_ANY, limits)
    else:
        capture = cv2.VideoCapture(int(name) if is_number else name)
    found, first = capture.read() if capture.isOpened() else (False, None)
    if not found or first is None:
        capture.release()
        raise InputError(_refusal(name, is_number, is_stream))
    rate = None
    if not is_number and not is_stream:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        rate = rate if 0 < rate <= FASTEST else USUAL
    return Camera(capture, first, rate)


def _refusal(name: str, is_number: bool, is_stream: bool) -> str:
    if is_stream:
        return (
            f"{name} gives no picture (waited for up to {PATIENCE:g} seconds): check the address, "
            "and whether it can be reached from here"
        )
    if not is_number:
        return f"{name} is no video that OpenCV can read"
    there = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video*"))
    has = f"there are {', '.join(there)}" if there else "there is none"
    return (
        f"no camera {name} that gives a picture ({has}): connect one, allow its use, or give a "
        "video file: --camera clip.mp4"
    )


class Camera:
    """Reads frames in a thread of its own, once it is started, and keeps the newest one.

    Args:
        capture: of OpenCV, opened, from which ``first`` was read.
        first: its first frame, ``(H, W, 3)`` uint8 in OpenCV's order, BGR.
        rate: frames a second of a file, which is read no faster; None is a camera's own pace.
    """

    def __init__(self, capture: Any, first: NDArray[np.uint8], rate: float | None) -> None:
        self._capture, self._rate = capture, rate
        self._news = threading.Condition()
        self._newest = _shot(first, 1, time.monotonic())
        self._over = threading.Event()
        self.ended = False
        """There will be no further frame."""
        self.problem = ""
        """Why, where that is not what a file ends with."""
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)

    def start(self) -> None:
        """Begins to read on: until then there is the first frame, and a file stands still."""
        with self._news:
            self._newest = replace(self._newest, taken=time.monotonic())
        self._thread.start()

    @property
    def given(self) -> int:
        """How many frames there were so far."""
        return self._newest.number

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the newest frame, in pixels."""
        height, width = self._newest.pixels.shape[:2]
        return width, height

    def newest(self, after: int, timeout: float) -> Shot | None:
        """The newest frame, or None where there was none after the one of that number.

        A camera that gives none for :data:`PATIENCE` has ended.

        Args:
            after: the number of the frame that is known.
            timeout: to wait for it at most, in seconds.
        """
        with self._news:
            self._news.wait_for(lambda: self._newest.number > after or self.ended, timeout)
            if self._newest.number > after:
                return self._newest
            silent = time.monotonic() - self._newest.taken
            if self._rate is None and not self.ended and silent > PATIENCE:
                self.problem = f"the camera has given no picture for {PATIENCE:g} seconds"
                self.ended = True
            return None

    def close(self) -> None:
        """Ends the reading."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(1 if self.problem else 5)
        if not self._thread.is_alive():  # a camera that hangs is left to the end of the process
            self._capture.release()

    def _read(self) -> None:
        began, number = time.monotonic(), 1
        try:
            while not self._over.is_set():
                taken = None
                if self._rate is not None:
                    taken = began + number / self._rate
                    if self._over.wait(max(0.0, taken - time.monotonic())):
                        break
                found, pixels = self._capture.read()
                if not found or pixels is None:
                    self.problem = "" if self._rate else "the camera gives no further picture"
                    break
                number += 1
                shot = _shot(pixels, number, time.monotonic() if taken is None else taken)
                with self._news:
                    self._newest = shot
                    self._news.notify_all()
        except Exception as error:  # OpenCV's, in a thread in which nobody else would see it
            self.problem = f"the camera can't be read any more: {reason(error)}"
        finally:
            with self._news:
                self.ended = True
                self._news.notify_all()


def _shot(pixels: NDArray[np.uint8], number: int, taken: float) -> Shot:
    if pixels.ndim == 2:  # a camera that sees gray
        pixels = np.repeat(pixels[..., None], 3, 2)
    return Shot(np.ascontiguousarray(pixels[..., 2::-1]), number, taken)
