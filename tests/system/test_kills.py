"""Commands that are killed at any moment: nothing is half written, and the same command goes on.

``FST_KILL_MOMENTS=50`` tries so many random moments for every signal and command, instead of a few.
"""

import csv
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from programs import Server
from safetensors.torch import load_file
from support import ROOT, make_photo

from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint
from fst.training.checkpoints import read_resumable

MOMENTS = int(os.environ.get("FST_KILL_MOMENTS", "1"))
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL)


@dataclass(frozen=True)
class Runner:
    """Runs commands in forks of one process, and kills them."""

    server: Server
    temporary: Path

    def run(
        self, words: Sequence[str], folder: Path, number: int | None = None, after: float = 0.0
    ) -> tuple[int, str, float]:
        """Status, what was said and the seconds it took; with a signal, sent after a while."""
        kept = {key: value for key, value in os.environ.items() if key != "FST_ASSETS"}
        away = {f"XDG_{name}_HOME": str(self.server.folder / name) for name in ("CACHE", "DATA")}
        began = time.monotonic()
        program = self.server.start(
            words, folder, {**kept, **away, "TMPDIR": str(self.temporary), "HF_HUB_OFFLINE": "1"}
        )
        if number is not None:
            time.sleep(after)
            program.send_signal(number)
        (said,) = program.communicate()
        assert program.returncode is not None
        return program.returncode, said, time.monotonic() - began


@pytest.fixture(scope="module")
def runner(fork_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(fork_server, tmp_path_factory.mktemp("tmp"))


def hidden(folder: Path) -> list[str]:
    """What is left over below a folder."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith(".fst.")]


def check_whole(folder: Path) -> None:
    """Every file of a name that is final can be read to its end."""
    for path in folder.rglob("*"):
        if path.name.startswith(".fst."):
            continue
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as image:
                image.load()
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".yaml":
            assert isinstance(yaml.safe_load(path.read_text()), dict)
        elif path.suffix == ".html":
            assert path.read_text().rstrip().endswith("</html>")
        elif path.suffix == ".ckpt":
            read_resumable(path)
        elif path.suffix == ".safetensors":
            load_checkpoint(path)


@dataclass(frozen=True)
class Work:
    """A command, and what an undisturbed run of it ends with."""

    words: Sequence[str]
    found: Callable[[Path], Any]
    expected: Any
    seconds: float


def kill_and_go_on(runner: Runner, work: Work, folder: Path, number: int) -> bool:
    """Kills a command at a random moment and runs it again; False where it was done before."""
    after = random.uniform(0.0, work.seconds)
    status, said, _ = runner.run(work.words, folder, number, after)
    where = f"{signal.Signals(number).name} after {after:.3f} s: status {status}\n{said}"
    assert "Traceback" not in said, where
    assert "Exception ignored" not in said, where
    # before the first line of Python, and after the last, the process ends as any other does
    outside = not said or "wrote" in said
    if number == signal.SIGKILL:
        assert status in (0, -number), where
    else:
        assert status in (0, 128 + number) or (status == -number and outside), where
        assert not hidden(folder), where
        assert not list(runner.temporary.iterdir()), where
    check_whole(folder)
    again, said, _ = runner.run(work.words, folder)
    assert again == 0, f"{where}\nand then {said}"
    assert not hidden(folder), where
    check_whole(folder)
    assert work.found(folder) == work.expected, where
    return status != 0


def copied(folder: Path, name: str) -> Path:
    target = folder.with_name(name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    return target


def killed_at_many_moments(runner: Runner, work: Work, folder: Path, number: int) -> None:
    """Ends as an undisturbed run does, wherever it was killed."""
    stopped = 0
    for moment in range(MOMENTS):
        stopped += kill_and_go_on(runner, work, copied(folder, f"moment-{moment}"), number)
        shutil.rmtree(folder.with_name(f"moment-{moment}"))
    print(f"{signal.Signals(number).name}: {stopped} of {MOMENTS} stopped ({work.seconds:.1f} s)")


def undisturbed(
    runner: Runner, words: Sequence[str], found: Callable[[Path], Any], folder: Path
) -> Work:
    """The second run, which is quicker than the first: what is read once is in memory then."""
    for name in ("first", "second"):
        status, said, seconds = runner.run(words, copied(folder, name))
        assert status == 0, said
    return Work(words, found, found(folder.with_name("second")), seconds)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny style, a painting and photos."""
    arguments = {"width": 4, "residual_blocks": 1}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "tiny"}}
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("kills") / "work"
    (made / "checkpoints").mkdir(parents=True)
    trained = TrainedStyle(make_net("johnson", arguments), about)
    save_checkpoint(made / "checkpoints" / "tiny.safetensors", trained)
    make_photo(64, 48, seed=50).save(made / "painting.png")
    (made / "photos").mkdir()
    for number in range(5):
        make_photo(90, 70, seed=number).save(made / "photos" / f"{number}.png")
    return made


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.tobytes()


# --- painting ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def painting(runner: Runner, folder: Path) -> Work:
    def found(folder: Path) -> dict[str, bytes]:
        return {path.name: pixels(path) for path in (folder / "out").iterdir()}

    words = ["stylize", "photos", "--style", "tiny", "--output", "out", "--backend", "eager"]
    return undisturbed(runner, words, found, folder)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_folder_that_is_painted(
    runner: Runner, painting: Work, folder: Path, number: int
) -> None:
    killed_at_many_moments(runner, painting, folder, number)


# --- comparing -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparing(runner: Runner, folder: Path) -> Work:
    def found(folder: Path) -> list[Any]:
        report = json.loads((folder / "report" / "report.json").read_text())
        figures = [
            (entry["name"], entry["fast"]["objective"],
             [entry["optimized"][start]["objectives"] for start in ("photo", "noise")])
            for entry in report["photos"]
        ]  # fmt: skip
        pictures = sorted((folder / "report" / "pictures").iterdir())
        assert (folder / "report" / "index.html").is_file()
        return [figures, [(path.name, pixels(path)) for path in pictures]]

    monet = str(ROOT / "checkpoints" / "monet.safetensors")
    words = ["compare", "--style", monet, "--photos", "photos", "--output", "report",
             "--weights", "slim", "--size", "32", "--iterations", "2", "--limit", "3"]  # fmt: skip
    return undisturbed(runner, words, found, folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_comparison(runner: Runner, comparing: Work, folder: Path, number: int) -> None:
    killed_at_many_moments(runner, comparing, folder, number)


# --- training ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def training(runner: Runner, folder: Path) -> Work:
    def found(folder: Path) -> tuple[dict[str, list[float]], list[dict[str, str]]]:
        weights = load_file(folder / "checkpoints" / "mine.safetensors")
        # one that was finished before it was killed is begun anew
        finished = max(folder.glob("runs/mine/*/mine.safetensors")).parent
        with (finished / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: value.flatten().tolist() for name, value in weights.items()}, rows

    words = [
        "train", "style=monet", "style.name=mine", "style.image=painting.png", "style.size=48",
        "style.strength_target=0.2", "data=folder", "data.path=photos", "data.size=32",
        "data.batch_size=2", "data.val_photos=2", "net.arguments={width: 4, residual_blocks: 1}",
        "loss.weights=slim", "loss.slim_share=null", "trainer.device=cpu", "trainer.log_every=1",
        "trainer.val_every=4",
        "trainer.preview_every=5", "trainer.checkpoint_every=3", "trainer.max_steps=14",
        "resume=auto", "overwrite=true",
    ]  # fmt: skip
    return undisturbed(runner, words, found, folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_training(runner: Runner, training: Work, folder: Path, number: int) -> None:
    killed_at_many_moments(runner, training, folder, number)
