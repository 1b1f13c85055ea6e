"""``fst train`` as a program: where it writes, and the processes that it starts again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import Server
from support import ROOT, Run, make_photo

from fst import assets

SLIM = ["style=monet", "style.name=mine", "loss=slim", "data=sample", "data.size=32",
        "data.batch_size=2", "data.val_photos=1", "net.arguments={width: 4, residual_blocks: 1}",
        "style.style_weight=3", "trainer.device=cpu", "trainer.max_steps=2", "logger=csv",
        "precision=fp32"]  # fmt: skip


def test_runs_and_checkpoints_go_to_the_users_folder_where_asked(
    run_inside: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"XDG_DATA_HOME": str(tmp_path / "data 'here'")}  # a name that Hydra has to be told
    made = run_inside("train.py", *SLIM, "--user", **home)
    assert made.returncode == 0, made.stderr
    assert str(assets.user_folder("")) in made.stdout
    assert assets.user_folder("").parent == Path(home["XDG_DATA_HOME"])
    assert (assets.user_folder("checkpoints") / "mine.safetensors").is_file()
    assert len(list((assets.user_folder("runs") / "mine").iterdir())) == 1
    assert not {"runs", "checkpoints"} & {path.name for path in tmp_path.iterdir()}
    make_photo().save(tmp_path / "photo.png")
    painted = run_inside("stylize.py", "photo.png", "--style", "mine", **home)
    assert painted.returncode == 0, painted.stderr
    again = run_inside("train.py", *SLIM, "--user", "checkpoints=here", **home)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "here" / "mine.safetensors").is_file()
    assert len(list((assets.user_folder("runs") / "mine").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("program", ["entry point", "module"])
def test_further_processes_are_started_with_the_commands_name(
    program: str, tmp_path: Path, environment: dict[str, str], fork_server: Server
) -> None:
    words = ["train", *SLIM, "trainer.devices=2", "--user"]
    environment |= {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path / "data")}
    if program == "module":
        ran = subprocess.run(
            [sys.executable, "-m", "fst", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        status, output = ran.returncode, ran.stdout + ran.stderr
    else:
        script = tmp_path / "fst"  # as pip writes it for [project.scripts]
        script.write_text("from fst.interfaces.cli import main\nmain()\n")
        started = fork_server.start(words, tmp_path, environment, script)
        (output,) = started.communicate()
        status = started.returncode or 0
    assert status == 0, output
    assert output.count("wrote ") == 1
    assert output.count("writes below ") == 1
    assert (tmp_path / "data" / "fst" / "checkpoints" / "mine.safetensors").is_file()
    assert "data" in os.listdir(tmp_path)
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def own_configs(tmp_path: Path) -> Path:
    """A folder of configuration files, most of which are broken."""
    folder = tmp_path / "own"
    (folder / "experiment").mkdir(parents=True)
    for name, content in {
        "broken": b"trainer: {max_steps: [1",
        "missing": b"# @package _global_\ndefaults: [override /loss: nosuch]\n",
        "latin": b"caf\xe9: 1",
        "typo": b"# @package _global_\ntrainer: {max_step: 7}\n",
        "good": b"# @package _global_\ntrainer: {max_steps: 7}\n",
    }.items():
        (folder / "experiment" / f"{name}.yaml").write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["experiment=broken"], ["broken.yaml", "line 1"]),
        (["experiment=missing"], ["loss/nosuch", "gatys hybrid patches slim"]),
        (["experiment=latin"], ["UTF-8"]),
        (["experiment=typo"], ["'trainer.max_step'", "did you mean trainer.max_steps?"]),
        (["--config-name", "nosuch"], ["nosuch"]),
        (["trainer.max_steps=[1"], ["trainer.max_steps=[1", "trainer.max_steps='[1'"]),
        (["~style.image"], ["style.image is not given"]),
        (["~style.name"], ["style.name is not given"]),
    ],
)
def test_what_hydra_cannot_read_or_compose_is_one_line(
    words: list[str], facts: list[str], own_configs: Path, run_inside: Run, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    refused = run_inside("train.py", "style=monet", "--config-dir", str(own_configs), *words)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert refused.stderr.startswith("error: ")
    assert all(fact in refused.stderr for fact in facts)
    assert sorted(tmp_path.rglob("*")) == before


def test_settings_and_flags_stand_in_any_order(own_configs: Path, run_inside: Run) -> None:
    flags = ["--config-dir", str(own_configs), "--cfg", "job", "-p", "trainer"]
    shown = run_inside("train.py", "style=monet", *flags, "experiment=good")
    assert shown.returncode == 0, shown.stderr
    assert "max_steps: 7\n" in shown.stdout
