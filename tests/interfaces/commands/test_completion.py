"""What a shell is told when it asks for the next word."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from many_files import write_many
from support import ROOT

from fst.interfaces import cli


@pytest.fixture
def ask(tmp_path: Path) -> object:
    """``ask("fst sty")``: the words that could come next, as argcomplete's scripts ask for them."""
    (tmp_path / "photo.jpg").touch()

    def asked(line: str) -> set[str]:
        answer = tmp_path / ".answer"
        variables = {
            "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\v", "_ARGCOMPLETE_SHELL": "zsh",
            "COMP_LINE": line, "COMP_POINT": str(len(line)), "PYTHONPATH": str(ROOT),
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "fst"], env={**os.environ, **variables}, cwd=tmp_path, check=True
        )
        return {word.partition(":")[0].strip() for word in answer.read_text().split("\v")}

    return asked


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("fst ", set(cli.names()), {"monet"}),
        ("fst st", {"stylize", "styles", "style-page"}, {"train"}),
        ("fst stylize --pre", {"--precision", "--preset", "--preserve-color"}, {"--style"}),
        ("fst stylize --preserve-color ", {"luma", "lab", "histogram"}, {"photo.jpg"}),
        ("fst stylize ", {"photo.jpg"}, {"monet"}),
        ("fst stylize --style ", {"monet", "the_scream"}, {"luma"}),
        ("fst judge m", {"monet"}, {"poppies"}),
        ("fst benchmark ", {"train", "slim", "inference"}, {"monet"}),
        ("fst train style=", {"style=monet"}, {"monet", "loss=slim"}),
        ("fst train style=monet lo", {"loss=", "loss.weights="}, {"data=", "loss._target_="}),
        ("fst train style=monet loss=s", {"loss=slim"}, {"loss=gatys"}),
        ("fst completion ", {"bash", "zsh", "fish"}, {"monet"}),
    ],
)
def test_what_could_come_next(line: str, some: set[str], none: set[str], ask: object) -> None:
    found = ask(line)  # type: ignore[operator]
    assert some <= found
    assert not none & found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["completion", shell])
    script = capsys.readouterr().out
    assert not end.value.code
    assert "fst" in script
    if (program := shutil.which(shell)) is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_styles_of_many_files_are_among_the_words(tmp_path: Path, ask: object) -> None:
    write_many(tmp_path / "checkpoints" / "gallery.safetensors", ("kiss", "irises"))
    found = ask("fst stylize --style ")  # type: ignore[operator]
    assert {"kiss", "irises", "gallery", "monet"} <= found
    assert {"kiss", "irises"} <= ask("fst pack ")  # type: ignore[operator]
    assert {"kiss", "irises"} <= ask("fst sheet photo.jpg --styles ")  # type: ignore[operator]
