"""What many tests share: small pictures, a loss, the real assets, and programs to be run."""

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import absl.logging
import datasets
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from programs import Server
from support import SCRIPTS, Run, make_photo
from torch import Tensor

from fst.losses.perceptual import PerceptualLoss
from fst.system import signals

# tiny nets are quicker on one thread, and don't wait for each other on a busy machine
torch.set_num_threads(1)

# started in the background or by nohup, this process was told to ignore what the tests send
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# absl, which openvino and tensorboard import, keeps the sys.stderr of that moment, and closes it
# when uvicorn configures logging, unless it is the process's own: pytest's would be gone for all
absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__

# tests that import openvino themselves don't report it over the network (fst.system.runtimes)
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


MEMORY_EACH = 3 << 30
"""Bytes that a worker takes at most, with the programs that it starts."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """``-n auto``: a worker for each core that this process may use, as each has one thread."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or not hasattr(os, "sched_getaffinity"):
        return None  # xdist knows
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // MEMORY_EACH))


@pytest.fixture(scope="session")
def assets_folder() -> Path:
    """The FST_ASSETS folder, with VGG-19, paintings and photos; without it the test is skipped."""
    root = os.environ.get("FST_ASSETS")
    if not root or not Path(root, "weights", "vgg19_caffe_fp16.safetensors").is_file():
        pytest.skip("needs VGG-19 and the paintings: set FST_ASSETS to a folder that holds them")
    return Path(root).resolve()


@pytest.fixture(autouse=True)
def signals_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command takes signals until its process ends: here they are given back after each test."""
    monkeypatch.setattr(signals, "_process", signals._Process())
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in signals.STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no assets, and every cache in the test's own folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Twelve small JPEG photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(12):
        make_photo(seed=i).save(folder / f"photo_{i:02d}.jpg", quality=95)
    return folder


@pytest.fixture
def painting() -> Tensor:
    """A small painting, ``(1, 3, 40, 48)``."""
    array = np.asarray(make_photo(seed=99), dtype=np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()


@pytest.fixture(scope="session")
def random_loss() -> PerceptualLoss:
    """A loss over random VGG-19 weights up to block 2: quick, and needs no file."""
    generator = torch.Generator().manual_seed(1)
    return PerceptualLoss(
        torch.rand(1, 3, 40, 48, generator=generator),
        content_layers={"relu2_2": 1.0},
        style_layers={"relu1_1": 1.0, "relu2_1": 1.0},
        weights="random",
        style_weight=3.0,
    )


# --- programs, run as a user does ----------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment without FST_ASSETS, caches, styles of the user's, and without the network."""
    kept = {key: value for key, value in os.environ.items() if key != "FST_ASSETS"}
    away = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "TORCH_HOME": str(tmp_path / "torch"),
    }
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    # a proxy that refuses: a download fails at once instead of reaching out
    refused = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    # tiny nets are quicker on one thread, and don't wait for each other on a busy machine
    return {**kept, **away, **offline, **refused, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """``run("stylize.py", "photo.jpg", ..., FST_ASSETS=...)`` in an empty folder."""

    def call(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPTS / script), *arguments],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Starts programs that need not be loaded."""
    server = Server(tmp_path_factory.mktemp("fork_server"))
    yield server
    server.close()


@pytest.fixture
def run_forked(tmp_path: Path, environment: dict[str, str], fork_server: Server) -> Run:
    """The same as ``run`` in a process that need not be loaded: for trainings and the like."""

    def call(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        program = fork_server.start(
            arguments, tmp_path, {**environment, **variables}, SCRIPTS / script, together=False
        )
        output, errors = program.communicate()
        assert program.returncode is not None
        return subprocess.CompletedProcess(arguments, program.returncode, output, errors)

    return call


@pytest.fixture
def run_inside(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """The same as ``run`` in this very process: seconds quicker, for mistakes and small jobs."""

    def call(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("FST_ASSETS", raising=False)
        for name, value in {**environment, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", [str(SCRIPTS / script), *arguments])
        status: object = 0
        try:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        except SystemExit as end:
            status = end.code
        output, errors = capsys.readouterr()
        code = status if isinstance(status, int) else int(status is not None)
        return subprocess.CompletedProcess(arguments, code, output, errors)

    return call
