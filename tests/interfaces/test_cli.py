"""The program ``fst``: its commands, their help, and the scripts that are the same."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, SCRIPTS

import fst
from fst.interfaces import cli

HEAVY = {"torch", "torchvision", "lightning", "hydra", "omegaconf", "datasets", "numpy", "PIL"}

WORDS = [
    *cli.names(),
    *(
        f"benchmark {kind}"
        for kind in ("train", "slim", "inference", "any", "sliders", "ladder", "video")
    ),
    *(f"train --help {group}" for group in ("data", "loss", "net", "style", "trainer")),
]

LINES = {"stylize --help-all": 100, "train": 60}
"""Help pages that may be longer than a screen of 40 lines."""


def fst_(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``python -m fst`` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "fst", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def said(
    capsys: pytest.CaptureFixture[str], *words: str, main: object = cli.main
) -> tuple[object, str, str]:
    """Status, output and errors of ``fst`` in this process."""
    with pytest.raises(SystemExit) as end:
        main(list(words))  # type: ignore[operator]
    return end.value.code, *capsys.readouterr()


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_alone_it_lists_the_commands_a_line_each(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, errors = said(capsys, *words)
    assert (status, errors) == (0, "")
    for name in cli.names():
        (line,) = (line for line in output.splitlines() if line.startswith(f"  fst {name} "))
        assert len(line) <= 80
    assert output.index("fst stylize") < output.index("fst train") < output.index("fst distill")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"fst {fst.__version__}\n", "")


@pytest.mark.parametrize(
    ("typed", "meant"), [("stylise", "stylize"), ("trian", "train"), ("style_page", "style-page")]
)
def test_an_unknown_command_is_told_in_one_line(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, errors = said(capsys, typed, "--help")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert repr(typed) in errors
    assert f"fst {meant}" in errors


def test_where_nothing_is_near_all_commands_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, errors = said(capsys, "qqq")
    assert status == 2
    assert all(name in errors for name in cli.names())


def test_python_m_fst_is_fst(capsys: pytest.CaptureFixture[str]) -> None:
    ran = fst_()
    assert (ran.returncode, ran.stdout) == said(capsys)[:2]


@pytest.mark.parametrize("words", [*WORDS, "stylize --help-all"])
def test_help_fits_a_screen(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")  # the user's folder is named in full
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    typed = words.split() if "--help" in words else [*words.split(), "--help"]
    status, output, errors = said(capsys, *typed)
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert len(lines) <= LINES.get(words, 40)
    assert max(map(len, lines)) <= 80
    if " " not in words:
        assert lines[0].startswith(f"usage: fst {words}")
        assert sum(f"fst {words}" in line for line in lines) >= 2  # and an example
        assert "examples:" in output


def test_help_imports_nothing_heavy() -> None:
    """All in one process, so that the test is quick: a single import would be seen."""
    program = (
        "import json, sys\n"
        "from fst.interfaces import cli\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        cli.main(words)\n"
        "    except SystemExit as end:\n"
        "        assert end.code in (0, 2), (words, end.code)\n"
        "print('loaded', *sys.modules)\n"
    )
    typed = [[name, "--help"] for name in cli.names()]
    typed += [[], ["--version"], ["stylise"], ["train"], ["train", "style=monet", "stile.size=3"],
              ["demo", "--quick"], ["stylize", "photo.jpg", "--size", "0"]]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", program, json.dumps(typed)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (loaded,) = (line for line in ran.stdout.splitlines() if line.startswith("loaded "))
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("name", cli.names())
def test_an_unknown_option_is_told_in_one_line(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = {
        "train": ["style=monet"], "stylize": ["photo.jpg", "--style", "monet"], "judge": ["monet"],
        "compare": ["--style", "monet", "--photos", "photos"], "reproduce": ["monet"],
        "style-page": ["monet"], "distill": ["--output", "x.safetensors"], "embed": ["x"],
        "benchmark": ["train"], "study": ["start"], "completion": ["bash"], "portrait": ["monet"],
        "reptile": ["--output", "x.safetensors"], "sheet": ["photo.jpg"],
        "video": ["clip.mp4", "--style", "monet"],
        "pack": ["x.jpg", "--output", "x.safetensors"],
        "export": ["monet", "--to", "onnx"],
    }  # fmt: skip
    photos = ["--photos", "."] if name == "judge" else []
    status, output, errors = said(capsys, name, *needed.get(name, []), *photos, "--nonsense")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "--nonsense" in errors
    assert f"fst {name}" in errors
    assert not list(tmp_path.iterdir())


def test_help_of_the_demo_does_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, "demo", "--help")[0] == 0
    assert said(capsys, "demo", "photo.jpg")[0] == 2
    assert not list(tmp_path.iterdir())


def scripts() -> list[Path]:
    return sorted(SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.stem)
def test_a_script_is_its_command(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = script.stem.replace("_", "-")
    docstring, imported, called = ast.parse(script.read_text()).body  # three, and no more
    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(imported) == "from fst.interfaces.cli import run"
    assert ast.unparse(called) == f"run({name!r})"
    ran = subprocess.run(
        [sys.executable, str(script), "--help"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == said(capsys, name, "--help")[1]


def test_what_scripts_there_have_always_been() -> None:
    named = {"benchmark", "compare", "demo", "distill", "embed", "judge", "reproduce", "style_page",
             "stylize", "train"}  # fmt: skip
    later = {"export", "live", "pack", "portrait", "serve", "sheet", "study", "video"}
    assert {path.stem for path in scripts()} - later == named


def test_every_command_has_its_two_modules() -> None:
    for part in ("arguments", "commands"):
        folder = ROOT / "fst" / "interfaces" / part
        for name in cli.names():
            assert (folder / f"{name.replace('-', '_')}.py").is_file()
