"""One style, used by several threads: the pictures are those of one thread."""

import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import make_photo, shaken_net

import fst
from fst.inference.backends import is_installed
from fst.interfaces.api import LoadedStyle
from fst.styles.trained import TrainedStyle, save_checkpoint

THREADS = 8
SIZES = ((40, 30), (48, 32), (33, 50), (20, 20), (64, 40))
PHOTOS = [np.asarray(make_photo(*size, seed=n)) for n, size in enumerate(SIZES * 2)]

pytestmark = pytest.mark.filterwarnings("ignore:.*(torch.jit|LeafSpec).*")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    arguments = {"width": 4, "residual_blocks": 2, "upsampling": "bilinear"}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "mine"}}
    save_checkpoint(tmp_path / "mine.safetensors", TrainedStyle(shaken_net("bilinear"), about))
    return tmp_path / "mine.safetensors"


def at_once(work: Callable[[int], None]) -> None:
    """Runs ``work(0)`` ... in threads that begin together; raises what went wrong in one."""
    gate = threading.Barrier(THREADS)
    wrong: list[BaseException] = []

    def run(number: int) -> None:
        gate.wait()
        try:
            work(number)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def load(path: Path, backend: str, precision: str = "fp32") -> LoadedStyle:
    if not is_installed(backend):
        pytest.skip(f"{backend} is not installed: pip install -e .[{backend}]")
    return fst.load(path, device="cpu", precision=precision, backend=backend)


def paint_at_once(paint: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> None:
    expected = [paint(photo) for photo in PHOTOS]

    def work(number: int) -> None:
        for step in range(len(PHOTOS)):  # every thread begins with another photo
            place = (step + number) % len(PHOTOS)
            assert np.array_equal(paint(PHOTOS[place]), expected[place])

    at_once(work)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("backend", ["eager", "onnxruntime", "openvino"])
def test_threads_paint_what_one_does(path: Path, backend: str, precision: str) -> None:
    paint_at_once(load(path, backend, precision))


def test_compiled_nets_run_one_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling itself takes a C compiler and half a minute; it fails when two threads meet."""
    inside: list[int] = []

    def compiled(module: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        def run(photos: torch.Tensor) -> torch.Tensor:
            inside.append(1)
            assert len(inside) == 1
            painted: torch.Tensor = module(photos)
            inside.clear()
            return painted

        return run

    monkeypatch.setattr(torch, "compile", compiled)
    styles = [load(path, "compile") for _ in range(2)]
    expected = styles[0](PHOTOS[0])
    at_once(lambda n: np.testing.assert_array_equal(styles[n % 2](PHOTOS[0]), expected))


def test_threads_share_masks_tiles_and_little_memory(path: Path) -> None:
    mask = np.zeros((30, 40), bool)
    mask[:, :20] = True
    style = fst.load(path, device="cpu", precision="fp32", memory="16MB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the mask is resized
        paint_at_once(lambda photo: style(photo, mask=mask, strength=0.7, preserve_color="lab"))
    paint_at_once(lambda photo: style(photo, seamless=True))


def test_threads_optimize_what_one_does(tmp_path: Path) -> None:
    make_photo(32, 32, seed=4).save(tmp_path / "sea.png")
    slow = fst.load(
        tmp_path / "sea.png", device="cpu", precision="fp32", weights="random", iterations=2,
        style_layers={"relu1_1": 1.0}, content_layers={"relu1_2": 1.0}, init="noise", seed=3,
    )  # fmt: skip
    expected = slow(PHOTOS[0])
    at_once(lambda number: np.testing.assert_array_equal(slow(PHOTOS[0]), expected))


def test_threads_load_at_the_same_time(path: Path) -> None:
    """What libraries keep for the whole process is as it was afterwards: streams, warnings."""
    kinds = [kind for kind in ("eager", "onnxruntime", "openvino") if is_installed(kind)]
    expected = {kind: load(path, kind)(PHOTOS[0]) for kind in kinds}
    before = (sys.stdout, sys.stderr, warnings.showwarning, list(warnings.filters))

    def work(number: int) -> None:
        kind = kinds[number % len(kinds)]
        assert np.array_equal(load(path, kind)(PHOTOS[0]), expected[kind])

    at_once(work)
    assert before == (sys.stdout, sys.stderr, warnings.showwarning, list(warnings.filters))
