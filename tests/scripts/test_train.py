"""scripts/train.py as a user runs it, on tiny nets and random VGG-19 weights."""

import csv
import json
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from programs import Program, Server
from safetensors.torch import load_file
from support import SCRIPTS, Run, make_photo

from fst.inference.painter import feedforward
from fst.styles.trained import load_checkpoint

RANDOM = ["loss.weights=random"]
"""VGG-19 itself, several times as slow."""


@pytest.fixture
def unweighed(tmp_path: Path, photo_folder: Path) -> list[str]:
    """Arguments of a training that takes milliseconds a step, and is calibrated first."""
    make_photo(64, 48, seed=50).save(tmp_path / "painting.png")
    return [
        "style=monet",
        "style.name=mine",
        "style.image=painting.png",
        "style.size=48",
        "data=folder",
        f"data.path={photo_folder}",
        "data.size=32",
        "data.batch_size=2",
        "data.val_photos=2",
        "net.arguments={width: 4, residual_blocks: 1}",
        "loss.weights=slim",
        "loss.slim_share=null",
        "trainer.device=cpu",
        "trainer.log_every=1",
        "trainer.val_every=25",
        "trainer.preview_every=30",
        "trainer.checkpoint_every=20",
        "trainer.max_steps=60",
    ]


@pytest.fixture
def tiny(unweighed: list[str]) -> list[str]:
    """The same with a weight: calibrating takes longer than the training."""
    return [*unweighed, "style.style_weight=3"]


def curve(folder: Path) -> list[dict[str, str]]:
    """The rows of the only run's metrics.csv."""
    (file,) = folder.glob("mine/*/metrics.csv")
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_without_a_style_it_lists_the_styles(run_inside: Run) -> None:
    result = run_inside("train.py")
    assert result.returncode != 0
    for style in ("monet", "starry_night", "the_scream", "great_wave", "poppies"):
        assert style in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_a_run_writes_all_that_the_readme_names(
    run_forked: Run, tiny: list[str], tmp_path: Path
) -> None:
    steps = ["trainer.max_steps=20", "trainer.preview_every=10", "trainer.val_every=10"]
    result = run_forked("train.py", *tiny, *RANDOM, *steps, "style.margin=12")
    assert result.returncode == 0, result.stderr
    style = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors")
    assert style.margin == 12
    about = style.description
    assert about["style"]["name"] == "mine"
    assert about["style"]["title"] is None  # the painting is not Monet's
    assert about["training"]["steps"] == 20
    assert about["recipe"]["seed"] == 0
    assert about["loss"]["loss_network"]["sha256"] == "random:0"
    arguments = {
        "width": 4,
        "residual_blocks": 1,
        "upsampling": "bilinear",
    }
    assert about["net"] == {"name": "johnson", "arguments": arguments}
    assert about["objective"]["total"] > 0
    painted = feedforward(style.net, torch.rand(1, 3, 20, 30))
    assert painted.shape == (1, 3, 20, 30)
    (folder,) = (tmp_path / "runs" / "mine").iterdir()
    assert (folder / "config.yaml").is_file()
    assert list((folder / "tensorboard").glob("events*"))
    with Image.open(folder / "previews" / "step_000010.png") as preview:
        assert preview.size == (2 * 32 + 3 * 4, 2 * 32 + 3 * 4)
    rows = curve(tmp_path / "runs")
    assert [int(row["step"]) for row in rows if row["train/total"]] == list(range(20))
    first, last = (float(row["val/total"]) for row in (rows[0], rows[-1]))
    assert last < first


def test_it_never_replaces_a_finished_style_silently(
    run_inside: Run, tiny: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "checkpoints" / "mine.safetensors"
    target.parent.mkdir()
    target.write_bytes(b"precious")
    result = run_inside("train.py", *tiny)
    assert result.returncode == 1
    assert "overwrite=true" in result.stderr
    assert result.stderr.count("\n") == 1
    assert target.read_bytes() == b"precious"
    assert not list(tmp_path.glob("runs/mine/*/metrics.csv"))  # found out before the work
    assert run_inside("train.py", *tiny, "overwrite=true", "trainer.max_steps=2").returncode == 0
    assert load_checkpoint(target).name == "mine"


Start = Callable[[list[str], Path], Program]
"""Starts a training whose runs and styles come into a folder."""


@pytest.fixture
def start(fork_server: Server, environment: dict[str, str]) -> Start:
    def call(words: list[str], folder: Path) -> Program:
        words = [*words, f"runs={folder}/runs", f"checkpoints={folder}/done"]
        return fork_server.start(words, folder.parent, environment, SCRIPTS / "train.py")

    return call


def wait_for_step(folder: Path, step: int, process: Program) -> None:
    """Until metrics.csv has the row of ``step``."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        files = list(folder.glob("runs/mine/*/metrics.csv"))
        if files and any(line.startswith(f"{step},") for line in files[0].read_text().splitlines()):
            return
        assert process.poll() is None, process.said()
        time.sleep(0.02)
    raise AssertionError(f"step {step} never came")


@pytest.mark.parametrize("checkpoint_every", [20, 25])  # 25: where the run also validates
def test_a_killed_run_resumes_as_if_nothing_had_happened(
    checkpoint_every: int,
    tiny: list[str],
    tmp_path: Path,
    start: Start,
    run_inside: Run,
    run_forked: Run,
) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    tiny = [*tiny, "trainer.max_steps=56", f"trainer.checkpoint_every={checkpoint_every}"]
    whole = start(tiny, tmp_path / "whole")
    (output,) = whole.communicate()
    assert whole.returncode == 0, output
    killed = start(tiny, tmp_path / "killed")
    wait_for_step(tmp_path / "killed", 45, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "killed/done/mine.safetensors").exists()
    (folder,) = (tmp_path / "killed" / "runs" / "mine").iterdir()
    if checkpoint_every == 25:
        refused_resumes(run_inside, tiny, tmp_path, folder)
    # the run's folder alone, or the whole command again
    words = [f"resume={folder}"]
    if checkpoint_every == 20:
        killed_folder = tmp_path / "killed"
        words = [*tiny, "resume=auto", f"runs={killed_folder}/runs"]
        words += [f"checkpoints={killed_folder}/done"]
    resumed = run_forked("train.py", *words)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming from" in resumed.stdout
    assert "resumed with" not in resumed.stdout
    curves = [curve(tmp_path / name / "runs") for name in ("whole", "killed")]
    assert curves[0] == curves[1]  # to the last digit, validation included
    weights = [load_file(tmp_path / name / "done/mine.safetensors") for name in ("whole", "killed")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def refused_resumes(run_inside: Run, tiny: list[str], tmp_path: Path, folder: Path) -> None:
    """What can't be resumed is a line, and not a byte in the whole tree is another."""
    checkpoint = max(folder.glob("resume/step=*.ckpt"))
    painting = (tmp_path / "painting.png").read_bytes()
    for words, says in (
        ([f"resume={folder}", "net.arguments.width=5"], "net.arguments.width can't change"),
        ([f"resume={folder}", "optimizer=adam"], "optimizer can't change"),
        ([f"resume={folder}", "style.image=other.png"], "style.image can't change"),
        ([f"resume={folder}", "style=the_scream"], "style.name can't change"),
        ([f"resume={folder}", "loss.weights=random"], "loss.weights can't change"),
        ([f"resume={folder}", "loss.style_layers={relu1_1: 1}"], "loss.style_layers."),
        ([f"resume={checkpoint}", "trainer.max_steps=3"], "trainer.max_steps=3 is less"),
        ([f"resume={checkpoint}", "data.path=nowhere"], "nowhere"),
        ([f"resume={checkpoint}", "trainer.device=abacus"], "abacus"),
        ([f"resume={checkpoint}", "--cfg", "job"], "config.yaml"),
        (["resume=auto", f"runs={tmp_path}/none"], "no unfinished run"),
        ([*tiny, "resume=auto", f"runs={folder.parent.parent}", "seed=1"], "seed can't change"),
        (["resume=auto", f"runs={folder.parent.parent}", "style.name=other"], "'other'"),
    ):
        before = snapshot(tmp_path)
        refused = run_inside("train.py", *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert says in refused.stderr
        assert snapshot(tmp_path) == before
    (tmp_path / "painting.png").write_bytes(painting + b"another")
    assert "another picture now" in run_inside("train.py", f"resume={folder}").stderr
    (tmp_path / "painting.png").write_bytes(painting)
    (tmp_path / "killed" / "done" / "mine.safetensors").write_bytes(b"somebody else's")
    before = snapshot(tmp_path)
    assert "overwrite=true" in run_inside("train.py", f"resume={folder}").stderr
    assert snapshot(tmp_path) == before
    (tmp_path / "killed" / "done" / "mine.safetensors").unlink()


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_a_resumable_checkpoint(
    number: signal.Signals, tiny: list[str], tmp_path: Path, start: Start
) -> None:
    folder = tmp_path / "stopped"
    folder.mkdir()
    endless = [*tiny, "trainer.max_steps=100000", "trainer.checkpoint_every=100000"]
    process = start(endless, folder)
    wait_for_step(folder, 5, process)
    process.send_signal(number)
    (output,) = process.communicate()
    assert process.returncode == 128 + number
    (saved,) = folder.glob("runs/mine/*/resume/step=*.ckpt")
    assert str(saved) in output
    (line,) = (line for line in output.splitlines() if "go on with: " in line)
    typed = shlex.split(line.partition("go on with: ")[2])
    assert typed == ["python", str(SCRIPTS / "train.py"), f"resume={saved.parents[1]}"]
    resumed = start([*tiny, "resume=auto", "trainer.max_steps=10000"], folder)
    wait_for_step(folder, int(curve(folder / "runs")[-1]["step"]) + 2, resumed)
    resumed.send_signal(signal.SIGKILL)
    resumed.communicate()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["style=vermeer"], "monet"),
        (["style.image=nowhere.jpg"], "FST_ASSETS"),
        (["style.style_weight=-1"], "style_weight"),
        (["style.style_weight=nan"], "style_weight"),
        (["style.style_weight=heavy"], "style_weight"),
        (["+loss.style_layers.relu9_9=1"], "conv1_1"),
        (["data.path=nowhere"], "nowhere"),
        (["net.name=unet"], "johnson"),
        (["trainer.max_steps=0"], "max_steps"),
        (["trainer.max_steps=many"], "max_steps"),
        (["trainer.device=abacus"], "abacus"),
        (["learning_rate=0"], "learning_rate"),
        (["schedule=often"], "cosine"),
        (["ema=abc"], "ema"),
        (["accumulate=two"], "accumulate"),
        (["style.size=0"], "style.size"),
        (["data.size=0"], "data.size"),
        (["style.name=../up"], "style.name"),
        (["resume=nowhere"], "resume"),
        (["loss.weights=weights.pth"], "weights.pth"),
        (["loss.weights=auto"], "cache"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(
    run_inside: Run, tiny: list[str], tmp_path: Path, change: list[str], says: str
) -> None:
    result = run_inside("train.py", *tiny, *change)
    assert result.returncode != 0
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    if says == "max_steps":
        assert not (tmp_path / "runs").exists()  # found before the work


def test_a_diverging_loss_stops_the_run_and_keeps_the_checkpoints(
    run_inside: Run, tiny: list[str], tmp_path: Path
) -> None:
    # a learning rate that overflows the weights within a few steps
    changes = ["learning_rate=1e36", "schedule=constant", "warmup_steps=0"]
    often = ["trainer.checkpoint_every=1", "precision=fp32"]
    result = run_inside("train.py", *tiny, *changes, *often, "trainer.preview_every=1000")
    assert result.returncode == 1
    assert "not finite at step" in result.stderr
    assert not (tmp_path / "checkpoints" / "mine.safetensors").exists()
    assert list(tmp_path.glob("runs/mine/*/resume/step=*.ckpt"))


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_sweep_trains_the_other_styles_where_one_fails(
    launcher: str, run_forked: Run, tiny: list[str], tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "monet.safetensors").write_bytes(b"precious")
    named = ("style=", "style.name=", "style.image=")  # portraits stand in for the paintings
    styles = [argument for argument in tiny if not argument.startswith(named)]
    sweep = [f"hydra/launcher={launcher}", "style=monet,the_scream", "trainer.max_steps=2"]
    result = run_forked("train.py", "-m", *styles, *sweep)
    assert result.returncode == 1
    assert "overwrite=true" in result.stderr
    assert "monet was not trained" in result.stderr
    assert "Traceback" not in result.stderr
    assert load_checkpoint(tmp_path / "checkpoints" / "the_scream.safetensors").name == "the_scream"
    assert (tmp_path / "checkpoints" / "monet.safetensors").read_bytes() == b"precious"
    unexpected = {path.name for path in tmp_path.iterdir()} - {
        "checkpoints", "runs", "photos", "painting.png",
    }  # fmt: skip
    assert not unexpected


def test_a_sweep_takes_one_device_at_a_time(run_inside: Run, tiny: list[str]) -> None:
    result = run_inside("train.py", "-m", *tiny, "trainer.devices=2")
    assert result.returncode == 1
    assert "trainer.devices=1" in result.stderr


def test_the_style_weight_is_calibrated_and_told(
    run_inside: Run, unweighed: list[str], tmp_path: Path
) -> None:
    arguments = [*unweighed, "style.strength_target=0.2", "trainer.max_steps=2"]
    result = run_inside("train.py", *arguments)
    assert result.returncode == 0, result.stderr
    about = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors").description
    weight = about["loss"]["style_weight"]
    assert f"strength_target 0.2: style_weight={weight:g} to content_weight=1 (" in result.stdout
    assert about["style"]["strength_target"] == 0.2
    assert about["style"]["style_weight"] == weight
    spread = about["style"]["calibration"]
    assert f"to {spread['most']:.2f} over {spread['photos']} photos" in result.stdout
    (folder,) = (tmp_path / "runs" / "mine").iterdir()
    assert json.loads((folder / "calibration.json").read_text())["style_weight"] == weight


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        (["style.content_weight=2"], (2.0, 6.0)),
        (["style.style_weight=7"], (1.0, 7.0)),
        (["style.content_weight=2", "style.style_weight=0"], (2.0, 0.0)),
    ],
)
def test_weights_that_are_given_are_taken(
    run_inside: Run,
    unweighed: list[str],
    tmp_path: Path,
    given: list[str],
    weights: tuple[float, float],
) -> None:
    result = run_inside("train.py", *unweighed, *given, "trainer.max_steps=2")
    assert result.returncode == 0, result.stderr
    about = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors").description
    assert (about["loss"]["content_weight"], about["loss"]["style_weight"]) == weights
    assert about["style"]["strength_target"] is None
    assert "strength_target" not in result.stdout


def test_a_net_begins_with_the_weights_of_another_style(
    run_inside: Run, tiny: list[str], tmp_path: Path
) -> None:
    assert run_inside("train.py", *tiny, "trainer.max_steps=3").returncode == 0
    source = tmp_path / "checkpoints" / "mine.safetensors"
    # with a rate this low the net stays what it began with
    second = [*tiny, "style.name=second", "trainer.max_steps=1", "learning_rate=1e-6"]
    result = run_inside("train.py", *second, "init=mine")
    assert result.returncode == 0, result.stderr
    first, begun = (load_checkpoint(source.with_stem(name)) for name in ("mine", "second"))
    for ours, theirs in zip(first.net.parameters(), begun.net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    training = begun.description["training"]
    assert (training["init"], training["init_sha256"]) == ("mine", first.digest)
    third = [*second, "style.name=third", "init='mine=0.5,second=0.5'"]
    assert run_inside("train.py", *third).returncode == 0
    blended = load_checkpoint(source.with_stem("third"))
    assert blended.description["training"]["init"] == "mine=0.5,second=0.5"
    paths = ",".join(f"checkpoints/{name}.safetensors=0.5" for name in ("mine", "second"))
    fourth = [*second, "style.name=fourth", f"init='{paths}'"]
    assert run_inside("train.py", *fourth).returncode == 0
    by_path = load_checkpoint(source.with_stem("fourth")).description["training"]
    for key in ("init", "init_sha256"):
        assert by_path[key] == blended.description["training"][key]
    result = run_inside("train.py", *second, "overwrite=true", "init=nobody")
    assert (result.returncode, "nobody" in result.stderr) == (1, True)
    for other in ("net.arguments.width=5", "net.arguments.upsampling=nearest"):
        result = run_inside("train.py", *second, "overwrite=true", "init=mine", other)
        assert (result.returncode, "its net is" in result.stderr) == (1, True)


def test_names_may_be_numbers(
    run_inside: Run, tiny: list[str], photo_folder: Path, tmp_path: Path
) -> None:
    for name in ("2017", "2018"):
        (tmp_path / name).symlink_to(photo_folder)
    numbers = ["data.path=2017", "data.val_path=2018", "style.name=2024", "trainer.max_steps=1"]
    result = run_inside("train.py", *tiny, *numbers)
    assert result.returncode == 0, result.stderr
    about = load_checkpoint(tmp_path / "checkpoints" / "2024.safetensors").description
    assert (about["data"]["name"], about["data"]["val_path"]) == ("2017", "2018")
    result = run_inside("train.py", *tiny, *numbers, "style.name=2025", "init=2024")
    assert result.returncode == 0, result.stderr


def test_weights_given_for_the_loss_are_taken_too(
    run_inside: Run, unweighed: list[str], tmp_path: Path
) -> None:
    given = ["loss.style_weight=4.5", "loss.tv_weight=0.25", "trainer.max_steps=1"]
    result = run_inside("train.py", *unweighed, *given)
    assert result.returncode == 0, result.stderr
    about = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors").description
    for part in (about["loss"], about["style"]):
        assert (part["style_weight"], part["tv_weight"]) == (4.5, 0.25)
        assert part["content_weight"] == 1.0
    assert "weighing" not in result.stdout  # nothing is left to calibrate
    twice = run_inside("train.py", *unweighed, *given, "style.style_weight=5", "overwrite=true")
    assert twice.returncode == 1
    assert twice.stderr.count("\n") == 1
    assert "4.5" in twice.stderr
