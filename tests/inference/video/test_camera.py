"""A camera's newest frame; the camera is a file, or made by hand."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.inference.video import camera as module
from fst.inference.video.camera import Camera, open_camera, opencv


def clip(path: Path, count: int = 6, delay: int = 40) -> Path:
    """What OpenCV reads as a video: frame ``n`` has the gray ``20 n``."""
    first, *others = [Image.new("RGB", (32, 24), (20 * n,) * 3) for n in range(count)]
    first.save(path, save_all=True, append_images=others, duration=delay)
    return path


class ByHand:
    """A capture of OpenCV's whose frames come when they are let."""

    def __init__(self, count: int) -> None:
        self.count, self.let, self.read_so_far, self.released = (
            count,
            threading.Semaphore(0),
            1,
            False,
        )

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.let.acquire()
        self.read_so_far += 1
        if self.read_so_far > self.count:
            return False, None
        return True, frame(self.read_so_far)

    def release(self) -> None:
        self.released = True


def frame(number: int) -> np.ndarray:
    return np.full((4, 6, 3), (number, 0, 9), np.uint8)  # BGR


def wait_for(what: object) -> None:
    end = time.monotonic() + 20
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_newest_frame_is_given_and_those_before_are_left_out() -> None:
    capture = ByHand(5)
    camera = Camera(capture, frame(1), None)
    camera.start()
    first = camera.newest(0, 1)
    assert first is not None
    assert (first.number, first.pixels[0, 0].tolist()) == (1, [9, 0, 1])
    assert camera.newest(1, 0) is None
    capture.let.release(3)
    wait_for(lambda: camera.given == 4)
    newest = camera.newest(1, 0)
    assert newest is not None
    assert (newest.number, newest.pixels[0, 0].tolist()) == (4, [9, 0, 4])
    assert first.taken < newest.taken <= time.monotonic()
    assert camera.size == (6, 4)
    capture.let.release(3)
    wait_for(lambda: camera.ended)
    assert camera.given == 5
    camera.close()
    assert capture.released


def test_who_waits_is_told_of_the_next_frame_and_of_the_end() -> None:
    capture = ByHand(2)
    camera = Camera(capture, frame(1), None)
    camera.start()
    threading.Timer(0.05, capture.let.release).start()
    second = camera.newest(1, 20)
    assert second is not None
    assert second.number == 2
    threading.Timer(0.05, capture.let.release).start()
    assert camera.newest(2, 20) is None
    assert camera.ended
    camera.close()


def test_a_camera_that_breaks_ends() -> None:
    class Unplugged(ByHand):
        def read(self) -> tuple[bool, np.ndarray | None]:
            return False, None

    class Broken(ByHand):
        def read(self) -> tuple[bool, np.ndarray | None]:
            raise RuntimeError("no\nsignal")

    for kind, rate, said in (
        (Unplugged, None, "no further picture"),
        (Broken, None, "no signal"),
        (Unplugged, 1000.0, ""),  # a file's end
    ):
        camera = Camera(kind(1), frame(1), rate)
        camera.start()
        wait_for(lambda: camera.ended)  # noqa: B023
        assert camera.newest(1, 5) is None
        assert said in camera.problem
        assert bool(said) == bool(camera.problem)
        camera.close()


def test_a_camera_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    capture = ByHand(5)
    camera = Camera(capture, frame(1), None)
    camera.start()
    wait_for(lambda: camera.newest(1, 0.01) is None and camera.ended)
    assert "no picture for 0.1 seconds" in camera.problem
    camera.close()
    assert not capture.released  # while somebody is in it
    capture.let.release(5)


def test_an_address_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cv2 = pytest.importorskip("cv2")
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    opened: list[tuple[Any, ...]] = []
    capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda *how: (opened.append(how), capture(*how))[1])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for address in (f"http://127.0.0.1:{port}/a", f"rtsp://127.0.0.1:{port}/a"):
            with pytest.raises(InputError, match=rf"{port}/a gives no picture.*0\.3 seconds"):
                open_camera(address)
            _, _, limits = opened[-1]  # OpenCV itself would wait for half a minute
            assert dict(zip(limits[::2], limits[1::2], strict=True)) == {
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 300,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC: 300,
            }
    with pytest.raises(InputError, match="gives no picture"):
        open_camera(f"http://127.0.0.1:{port}/a")
    assert capfd.readouterr() == ("", "")


def test_a_camera_of_gray() -> None:
    camera = Camera(ByHand(1), np.full((4, 6), 7, np.uint8), None)
    shot = camera.newest(0, 1)
    assert shot is not None
    assert shot.pixels.tolist() == [[[7, 7, 7]] * 6] * 4
    camera.close()  # never started


def test_a_file_is_read_at_its_own_rate(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    camera = open_camera(str(clip(tmp_path / "a.gif", 8, 50)))
    first = camera.newest(0, 0)
    time.sleep(0.1)
    assert camera.given == 1  # it stands still until
    camera.start()
    began = camera.newest(0, 0)
    assert first is not None
    assert began is not None
    assert began.taken > first.taken
    wait_for(lambda: camera.ended)
    last = camera.newest(1, 0)
    assert last is not None
    assert last.number == camera.given == 8
    assert abs(int(last.pixels[0, 0, 0]) - 140) <= 2
    # the eighth is due seven times 50 ms after the first, however busy the machine is
    assert last.taken - began.taken == pytest.approx(0.35, abs=0.05)
    camera.close()


def test_what_is_no_camera_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "notes.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    make_photo().save(tmp_path / "photo.png")
    for name, said in (
        (str(tmp_path / "no.mp4"), "no such file"),
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "notes.mp4"), "no video that OpenCV can read"),
        (str(tmp_path / "empty.mp4"), "no video that OpenCV can read"),
        ("97", "no camera 97"),
        ("9" * 30, "the first one is 0"),
    ):
        with pytest.raises(InputError, match=said) as told:
            open_camera(name)
        assert "\n" not in str(told.value)
    assert capfd.readouterr() == ("", "")  # OpenCV and FFmpeg say nothing on their own


def test_a_system_without_what_opencv_needs_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def need(*words: str) -> None:
        raise InputError("fst live needs cv2, which can't be loaded: libGL.so.1: cannot open")

    monkeypatch.setattr(module, "need", need)
    with pytest.raises(InputError, match=r"apt install libgl1.*opencv-python-headless"):
        opencv()
