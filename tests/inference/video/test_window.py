"""The window, by an OpenCV that is made by hand; a real one needs a screen."""

import ast
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support import ROOT

from fst.errors import InputError
from fst.inference.video import window as module
from fst.inference.video.window import NoScreen, Window, check_screen, named

PIXELS = np.full((30, 40, 3), (1, 2, 3), np.uint8)


class OpenCV(SimpleNamespace):
    """What a window asks for; ``keys`` are waiting."""

    class error(Exception):
        pass

    def __init__(self, gui: str = "QT5") -> None:
        names = ("WINDOW_NORMAL", "WINDOW_KEEPRATIO", "WINDOW_GUI_NORMAL", "WINDOW_FULLSCREEN",
                 "WND_PROP_VISIBLE", "WND_PROP_FULLSCREEN")  # fmt: skip
        super().__init__(**{name: 1 << place for place, name in enumerate(names)})
        self.information = f"General:\n  GUI:                           {gui}\n"
        self.shown: list[np.ndarray[Any, Any]] = []
        self.keys: list[int] = []
        self.done: list[tuple[Any, ...]] = []
        self.visible: float | Exception = 1.0

    def getBuildInformation(self) -> str:
        return self.information

    def imshow(self, title: str, pixels: np.ndarray[Any, Any]) -> None:
        self.shown.append(pixels)

    def waitKeyEx(self, delay: int) -> int:
        return self.keys.pop(0) if self.keys else -1

    def getWindowProperty(self, title: str, kind: int) -> float:
        if isinstance(self.visible, Exception):
            raise self.visible
        return self.visible

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *words: self.done.append((name, *words))


@pytest.fixture
def cv2(monkeypatch: pytest.MonkeyPatch) -> OpenCV:
    made = OpenCV()
    monkeypatch.setattr(module, "opencv", lambda: made)
    monkeypatch.setattr(module, "check_screen", lambda: None)
    return made


def test_a_window_shows_pictures_and_tells_keys(cv2: OpenCV) -> None:
    window = Window("title")
    cv2.keys = [ord("n"), 27, ord("S")]
    assert window.show(PIXELS, False) == ["n", "esc", "s"]
    assert cv2.shown[0][0, 0].tolist() == [3, 2, 1]  # BGR
    assert ("resizeWindow", "title", 960, 720) in cv2.done
    assert window.show(PIXELS, True) == []
    assert cv2.done[-1] == ("setWindowProperty", "title", cv2.WND_PROP_FULLSCREEN,
                            cv2.WINDOW_FULLSCREEN)  # fmt: skip
    window.show(PIXELS, True)
    assert [name for name, *_ in cv2.done].count("setWindowProperty") == 1
    window.close()
    assert cv2.done[-1][0] == "destroyAllWindows"


@pytest.mark.parametrize("visible", [0.0, -1.0, OpenCV.error("no window")])
def test_closing_the_window_is_a_key(cv2: OpenCV, visible: float | Exception) -> None:
    window = Window("title")
    window.show(PIXELS, False)
    cv2.visible = visible
    assert window.show(PIXELS, False) == ["closed"]
    assert len(cv2.shown) == 1  # showing it would open another


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (ord("a"), "a"), (ord("A"), "a"), (ord("+"), "+"), (32, "space"), (27, "esc"),
        (65361, "left"), (65363, "right"), (2424832, "left"), (63235, "right"),
        (0x100000 | ord("q"), "q"), (0x100000 | 65363, "right"), (-1, ""), (13, ""), (65505, ""),
    ],
)  # fmt: skip
def test_names_of_keys(code: int, name: str) -> None:
    assert named(code) == name


def test_opencv_without_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    made = OpenCV("NONE")
    monkeypatch.setattr(module, "opencv", lambda: made)
    with pytest.raises(InputError, match=r"pip install opencv-python; or --no-window"):
        check_screen()


def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    made = OpenCV()
    monkeypatch.setattr(module, "opencv", lambda: made)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="DISPLAY is not set"):
        check_screen()
    monkeypatch.setenv("DISPLAY", ":77")
    asked: list[list[str]] = []

    def run(words: list[str], **_: Any) -> SimpleNamespace:
        asked.append(words)
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(subprocess, "run", run)
    status = -6  # Qt ends the process
    with pytest.raises(InputError, match=r"screen :77.*--no-window"):
        check_screen()
    status = 0
    check_screen()
    assert "namedWindow" in asked[0][2]
    monkeypatch.setattr(sys, "platform", "darwin")
    status = -6
    check_screen()
    assert len(asked) == 2


def test_no_screen_has_no_keys() -> None:
    screen = NoScreen()
    assert screen.show(PIXELS, False) == []
    screen.close()


def test_importing_fst_needs_neither_opencv_nor_ffmpeg() -> None:
    for path in (ROOT / "fst").rglob("*.py"):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            words = ast.unparse(statement) if isinstance(statement, ast.Import) else ""
            if isinstance(statement, ast.ImportFrom):
                words = statement.module or ""
            assert not re.match(r"(import )?(av|cv2)\b", words), path
