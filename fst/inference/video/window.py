"""The window of ``fst live``, by OpenCV; and what stands for it where there is none."""

import os
import subprocess
import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fst.errors import InputError
from fst.inference.video.camera import opencv

KEYS = {
    27: "esc", 32: "space",
    65361: "left", 65363: "right",  # X11
    2424832: "left", 2555904: "right",  # Windows
    63234: "left", 63235: "right",  # macOS
}  # fmt: skip
"""OpenCV's numbers of keys that are no letters -> their names."""

CLOSED = "closed"
"""The key that stands for closing the window."""

LONG_SIDE = 960
"""Of the window when it opens, in pixels."""

_PROBE = "import cv2; cv2.namedWindow('fst'); cv2.destroyAllWindows()"


class Screen(Protocol):
    """Where pictures are shown."""

    def show(self, pixels: NDArray[np.uint8], full: bool) -> list[str]:
        """Shows a picture ``(H, W, 3)``, RGB; the keys that were pressed meanwhile, by name."""
        ...

    def close(self) -> None:
        """Takes it away."""
        ...


class NoScreen:
    """Shows nothing, and has no keys."""

    def show(self, pixels: NDArray[np.uint8], full: bool) -> list[str]:
        """No keys."""
        return []

    def close(self) -> None:
        """Nothing to take away."""


class Window:
    """A window of OpenCV's.

    Args:
        title: of the window.

    Raises:
        InputError: there is no screen, or this OpenCV has no windows.
    """

    def __init__(self, title: str) -> None:
        self._cv2, self._title = opencv(), title
        check_screen()
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # of fonts that it would like
        kind = self._cv2.WINDOW_NORMAL | self._cv2.WINDOW_KEEPRATIO | self._cv2.WINDOW_GUI_NORMAL
        self._cv2.namedWindow(title, kind)
        self._full, self._opened = False, False

    def show(self, pixels: NDArray[np.uint8], full: bool) -> list[str]:
        """Shows a picture ``(H, W, 3)``, RGB; the keys that were pressed meanwhile, by name."""
        cv2 = self._cv2
        if not self._opened:
            scale = LONG_SIDE / max(pixels.shape[:2])
            cv2.resizeWindow(
                self._title, round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
            )
            self._opened = True
        elif self._is_closed():
            return [CLOSED]
        if full != self._full:
            value = cv2.WINDOW_FULLSCREEN if full else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, value)
            self._full = full
        cv2.imshow(self._title, np.ascontiguousarray(pixels[..., ::-1]))
        pressed: list[str] = []
        while (code := cv2.waitKeyEx(1)) != -1 and len(pressed) < 20:
            pressed.append(named(code))
        return pressed

    def close(self) -> None:
        """Takes it away."""
        self._cv2.destroyAllWindows()

    def _is_closed(self) -> bool:
        """Whether somebody closed it."""
        try:
            visible = self._cv2.getWindowProperty(self._title, self._cv2.WND_PROP_VISIBLE)
        except self._cv2.error:  # of Qt, which has ended with its last window
            return True
        return bool(visible < 1)


def named(code: int) -> str:
    """The name of a key: a letter as it is, others as in :data:`KEYS`; empty is none of these.

    Args:
        code: of OpenCV, with bits above the first 16 for what else is held down (Qt, GTK).
    """
    for known in (code, code & 0xFFFF):
        if known in KEYS:
            return KEYS[known]
    letter = code & 0xFF
    return chr(letter).lower() if code > 0 and 32 < letter < 127 else ""


def check_screen() -> None:
    """Makes sure that a window can be opened: OpenCV would end the process where it can't.

    Raises:
        InputError: it can't; says why and what to do.
    """
    cv2 = opencv()
    if not _has_windows(cv2.getBuildInformation()):
        raise InputError(
            "this OpenCV has no windows: pip uninstall opencv-python-headless, then pip install "
            "opencv-python; or --no-window"
        )
    if not sys.platform.startswith("linux"):
        return
    named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if named is None:
        raise InputError(
            "there is no screen (DISPLAY is not set): run it on a desktop, or with --no-window"
        )
    probe = [sys.executable, "-c", _PROBE]
    if subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode != 0:
        raise InputError(f"no window can be opened on the screen {named}: or --no-window")


def _has_windows(information: str) -> bool:
    """By what OpenCV says of how it was built."""
    line = next((one for one in information.splitlines() if one.strip().startswith("GUI:")), "")
    return "NONE" not in line
