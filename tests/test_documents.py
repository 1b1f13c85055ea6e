"""The documents: every command in them runs, every example holds, every link leads somewhere.

A fence of commands says how it is tested, in a comment on the line before it:

- ``<!-- test: run -->``: as it stands, in a folder with photos;
- ``<!-- test: short -->``: the same with fewer steps and smaller pictures (:func:`shortened`);
  ``<!-- test: short: trainer.max_steps=3 -->`` adds further arguments;
- ``<!-- test: parse -->``: needs a network, a GPU or hours. The program reads the words and stops.
"""

import argparse
import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from PIL import Image
from support import ROOT, make_photo

from fst.assets import shipped
from fst.interfaces import cli
from fst.styles.trained import load_checkpoint

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HISTORY = ("CHANGELOG.md", "log.md")  # what they name was there once
SHELLS = ("bash", "console", "sh", "shell")
PROGRAMS = ("fst ", "python ", "make ", "pip ", "torchrun ")

Call = Callable[[list[str]], None]


@dataclass(frozen=True)
class Fence:
    """A block of code in a document."""

    document: Path
    line: int
    language: str
    text: str
    before: str

    @property
    def name(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def marker(self) -> tuple[str, list[str]] | None:
        """How the commands are tested, and further arguments."""
        found = re.fullmatch(r"<!-- test: (run|short|parse)(?:: (.*))? -->", self.before)
        return found and (found[1], shlex.split(found[2] or ""))

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def fences(document: Path) -> Iterator[Fence]:
    lines = document.read_text(encoding="utf-8").splitlines()
    marks = [i for i, line in enumerate(lines) if line.lstrip().startswith("```")]
    for first, last in zip(marks[::2], marks[1::2], strict=True):
        text = "\n".join(lines[first + 1 : last])
        language = lines[first].strip().removeprefix("```")
        yield Fence(document, first + 1, language, text, lines[first - 1].strip())


FENCES = [fence for document in DOCUMENTS for fence in fences(document)]
COMMANDS = [
    fence
    for fence in FENCES
    if fence.language in SHELLS or (not fence.language and fence.text.startswith(PROGRAMS))
]


def prose(document: Path) -> str:
    """A document without its fences."""
    return re.sub(r"^ *```.*?^ *```", "", document.read_text("utf-8"), flags=re.S | re.M)


def shortened(words: list[str]) -> list[str]:
    """What makes a command of fst quick; where two values are given for one thing, the last counts.

    The slim network judges instead of VGG-19, which is not here.
    """
    command, rest = words[0], words[1:]
    if command == "train":
        more = ["loss.weights=slim", "loss.schedule=null", "init=null", "data.size=32",
                "data.batch_size=1", "data.val_photos=1", "trainer.max_steps=2",
                "trainer.device=cpu", "logger=csv", "precision=fp32",
                "net.arguments={width: 4, residual_blocks: 1}"]  # fmt: skip
        if not any(word.startswith("data=") for word in rest):
            more.append("data=folder")
        return more if "data=sample" in rest else [*more, "data.path=photos"]
    if command in ("compare", "judge"):
        shorter = ["--size", "32", "--limit", "1", "--weights", "slim"]
        return [*shorter, "--iterations", "2"] if command == "compare" else shorter
    if command == "stylize" and "--refine" in rest:
        return ["--refine", "1", "--weights", "slim"]
    if command == "stylize" and ("optimize" in rest or "painting.jpg" in rest[1:]):
        return ["--iterations", "2", "--weights", "slim"]
    return []


class Parsed(BaseException):
    """The words were read; what would follow is not wanted."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the documents speak of: a few photos, masks, a painting, two nets."""
    for name, seed in (("photo.jpg", 1), ("painting.jpg", 2), *((f"photos/{i}.jpg", i) for i in range(4))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        make_photo(seed=seed).save(tmp_path / name)
    for name in ("mask.png", "a.png", "b.png"):
        make_photo(seed=9).convert("L").save(tmp_path / name)
    for name in ("mine.safetensors", "yours.safetensors"):
        shutil.copy(shipped("checkpoints") / "the_scream.safetensors", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FST_ASSETS", raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TORCH_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs ``fst`` with these words in this process; a status other than 0 fails the test."""

    def run(words: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["fst", *words])
        with pytest.raises((SystemExit, Parsed)) as end:
            cli.main()
        output, errors = capsys.readouterr()
        status = end.value.code if isinstance(end.value, SystemExit) else 0
        assert not status, f"fst {shlex.join(words)}\nended with {status}\n{output}\n{errors}"

    return run


@pytest.fixture
def parse(call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Lets ``fst`` read its words and stop before the work."""
    whole = argparse.ArgumentParser.parse_args

    def parse_args(parser: argparse.ArgumentParser, *args: object) -> NoReturn:
        whole(parser, *args)
        raise Parsed

    def read(words: list[str]) -> None:
        assert words[0] in cli.COMMANDS, f"fst has no command {words[0]!r}"
        if words[0] == "train":  # Hydra composes the settings, and shows them
            overrides = OverridesParser.create().parse_overrides(
                [word for word in words[1:] if word != "-m" and "submitit" not in word]
            )
            chosen = [
                next(one.sweep_string_iterator()) if one.is_sweep_override() else one.input_line
                for one in overrides
            ]
            keys = [one.get_key_element() for one in overrides]
            call(["train", *(f"{key}={value}" if "=" not in str(value) else str(value)
                             for key, value in zip(keys, chosen, strict=True)), "--cfg", "job"])
        elif len(words) > 1:
            monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
            call(words)

    return read
