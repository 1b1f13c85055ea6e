"""Whole commands on a CUDA device: they run, and come to what a CPU comes to."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import fst

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(data.astronaut()[:200, :301]).save(path)
    return path


def run(*words: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "fst", *words], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture, float)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_pass_equals_a_cpus(precision: str) -> None:
    picture = Image.fromarray(data.astronaut()[:200, :301])
    expected = np.asarray(fst.load("the_scream", device="cpu", precision="fp32")(picture), float)
    painted = fst.load("the_scream", device="cuda", precision=precision)(picture)
    off = np.abs(np.asarray(painted, float) - expected).mean()
    assert off < (0.05 if precision == "fp32" else 1.0)


@pytest.mark.parametrize(
    "options", [("--memory", "30MB"), ("--seamless",), ("--size", "128", "--upsample", "guided")]
)
def test_what_is_painted_in_other_ways_equals_a_cpus(photo: Path, options: tuple[str, ...]) -> None:
    painted = {}
    for device in ("cpu", "cuda"):
        target = photo.with_name(f"{device}.png")
        words = ("--device", device, "--precision", "fp32", "--output", str(target))
        run("stylize", str(photo), "--style", "monet", *words, *options)
        painted[device] = pixels(target)
    assert np.abs(painted["cuda"] - painted["cpu"]).mean() < 0.5  # TF32 rounds


def test_pixels_are_optimized(photo: Path) -> None:
    target = photo.with_name("optimized.png")
    words = ("--method", "optimize", "--iterations", "5", "--weights", "slim", "--size", "128")
    run(
        "stylize",
        str(photo),
        "--style",
        "monet",
        "--device",
        "cuda",
        "--output",
        str(target),
        *words,
    )
    assert pixels(target).std() > 10


def test_a_net_is_trained_compared_and_painted_with(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("photos").mkdir()
    Path("photos/one.png").write_bytes(photo.read_bytes())
    tiny = ("net.arguments.width=4", "data.size=64", "data.batch_size=2", "data.val_photos=1")
    steps = ("trainer.max_steps=4", "trainer.val_every=2", "style.style_weight=5", "init=null")
    run("train", "style=monet", "style.name=tiny", "loss=slim", "data=sample", *tiny, *steps,
        "trainer.device=cuda", "precision=bf16")  # fmt: skip
    run("compare", "--style", "tiny", "--photos", "photos", "--size", "64",
        "--iterations", "3", "--output", "report", "--device", "cuda")  # fmt: skip
    assert (photo.parent / "report" / "index.html").exists()
    run("stylize", "photo.png", "--style", "tiny", "--device", "cuda")
    with Image.open("photo-tiny.png") as painted:
        assert painted.size == (301, 200)
