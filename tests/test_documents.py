"""The documents: every command in them runs, every example holds, every link leads somewhere.

A fence of commands says how it is tested, in a comment on the line before it:

- ``<!-- test: run -->``: as it stands, in a folder with photos;
- ``<!-- test: short -->``: the same with fewer steps and smaller pictures
  (:func:`documents.shortened`); ``<!-- test: short: trainer.max_steps=3 -->`` adds arguments;
- ``<!-- test: parse -->``: needs a network, a GPU or hours. The program reads the words and stops.

``<!-- test: needs ray -->`` before an example in Python: it is run where that package is.
"""

import argparse
import doctest
import importlib.util
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pyarrow
import pytest
import yaml
from documents import DOCUMENTS, FENCES, Fence, anchors, first_of_sweep, links, prose, shortened
from drawn_clips import write_clip
from exports import write_exports
from PIL import Image
from pyarrow import parquet
from support import ROOT, make_photo

from fst.assets import shipped
from fst.interfaces import cli, commands
from fst.interfaces.arguments.train import known_keys

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMMANDS = [fence for fence in FENCES if fence.shows_commands]
NAMES = {module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__)}
PAINTINGS = ("painting.jpg", "klimt.jpg", "munch.jpg")
HISTORY = ("CHANGELOG.md", "log.md")  # what they name was there once

Call = Callable[[list[str]], None]
"""Takes the words of a command of fst: ``["stylize", "photo.jpg", ...]``."""


class Parsed(BaseException):
    """The words were read; what would follow is not wanted."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the documents speak of: photos, clips, paintings, two nets; no assets."""
    for folder in ("photos", "paintings", "clips"):
        (tmp_path / folder).mkdir()
    for clip in ("clip.mp4", "clips/a.mp4"):
        write_clip(tmp_path / clip, 3, rate=4, size=(48, 40))
    photos = [*(f"photos/{letter}.jpg" for letter in "abcd"), "paintings/a.jpg", "paintings/b.jpg"]
    for seed, name in enumerate(["photo.jpg", *PAINTINGS, *photos]):
        make_photo(seed=seed).save(tmp_path / name)
    for name in ("mask.png", "a.png", "b.png"):
        make_photo(seed=9).convert("L").save(tmp_path / name)
    sky = Image.new("RGB", (48, 40), "red")
    Image.new("RGB", (48, 40), "blue").save(tmp_path / "blue.png")
    sky.save(tmp_path / "red.png")
    sky.paste("blue", (0, 22, 48, 40))
    for name in ("photo_labels.png", "painting_labels.png"):
        sky.save(tmp_path / name)
    for name in ("mine.safetensors", "yours.safetensors"):
        shutil.copy(shipped("checkpoints") / "the_scream.safetensors", tmp_path / name)
    rows = {"path": photos, "bytes": [(tmp_path / photo).read_bytes() for photo in photos]}
    parquet.write_table(pyarrow.table(rows), tmp_path / "photos.parquet")
    monkeypatch.chdir(tmp_path)
    # datasets' map in several processes leaves a copy in its place: what is undone would miss it
    monkeypatch.setattr(os, "environ", os.environ)
    monkeypatch.delenv("FST_ASSETS", raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs ``fst`` in this process; a status other than 0 fails the test."""

    def run(words: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["fst", *words])
        with pytest.raises((SystemExit, Parsed)) as end:
            cli.main()
        output, errors = capsys.readouterr()
        status = end.value.code if isinstance(end.value, SystemExit) else 0
        assert not status, f"fst {shlex.join(words)}\nends with {status}\n{output}\n{errors}"

    return run


@pytest.fixture
def parse(call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Lets ``fst`` read its words and stop before the work."""
    whole = argparse.ArgumentParser.parse_args

    def parse_args(parser: argparse.ArgumentParser, *arguments: Any) -> NoReturn:
        whole(parser, *arguments)
        raise Parsed

    def read(words: list[str]) -> None:
        assert words[0] in NAMES, f"fst has no command {words[0]!r}"
        if words[0] == "train":  # Hydra composes the settings and shows them
            call(["train", *first_of_sweep(words[1:]), "--cfg", "job"])
        elif len(words) > 1:
            with monkeypatch.context() as patched:
                patched.setattr(argparse.ArgumentParser, "parse_args", parse_args)
                call(words)

    return read


def of_fst(words: list[str]) -> list[str] | None:
    """What follows ``fst`` in one of the ways to call it; None for another program."""
    if words[0] == "torchrun":
        words = ["python", *words[words.index("-m") :]]
    if words[0] == "fst":
        return words[1:]
    if words[:3] == ["python", "-m", "fst"]:
        return words[3:]
    if words[0] == "python" and words[1].startswith("scripts/"):
        assert (ROOT / words[1]).is_file(), words[1]
        return [Path(words[1]).stem.replace("_", "-"), *words[2:]]
    return None


def other_program(words: list[str]) -> None:
    """Checks a command that is not fst's, as far as that can be done here."""
    if words[0] == "pip":
        assert words[1] == "install"
        extras = PROJECT["project"]["optional-dependencies"]
        assert set(re.findall(r"\w+", words[2])) <= set(extras), words[2]
    elif words[0] == "make" and shutil.which("make"):
        dry = ["make", "--dry-run", "--directory", str(ROOT), *words[1:]]
        done = subprocess.run(dry, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    else:
        assert words[0] in ("make", "export"), f"nothing tests the program {words[0]!r}"


@pytest.mark.parametrize("fence", COMMANDS, ids=[fence.name for fence in COMMANDS])
def test_the_commands_run(fence: Fence, work: Path, call: Call, parse: Call) -> None:
    assert fence.marker, f"{fence.name}: no <!-- test: run, short or parse --> before the commands"
    how, more = fence.marker
    for words in fence.commands:
        inner = of_fst(words)
        if inner is None:
            other_program(words)
        elif how == "parse":
            parse(inner)
        else:
            call([*shortened(inner), *more] if how == "short" else inner)


def test_every_command_is_in_a_document() -> None:
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    assert [name for name in sorted(NAMES) if f"fst {name}" not in text] == []


EXAMPLES = [fence for fence in FENCES if fence.language == "python" and fence.needs is None]
OTHERS = [fence for fence in FENCES if fence.language == "python" and fence.needs is not None]


@pytest.mark.parametrize("document", sorted({fence.document for fence in EXAMPLES}), ids=str)
def test_the_examples_hold(document: Path, work: Path) -> None:
    if document.name == "export.md":
        write_exports(work / "exported")
    names: dict[str, Any] = {}
    said: list[str] = []
    for fence in (one for one in EXAMPLES if one.document == document):
        if ">>>" not in fence.text:
            exec(compile(fence.text, fence.name, "exec"), names)
            continue
        lines = f"{fence.text}\n"
        test = doctest.DocTestParser().get_doctest(
            lines, names, fence.name, str(document), fence.line
        )
        doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
        names = test.globs
    assert "".join(said) == ""


@pytest.mark.slow
@pytest.mark.parametrize("fence", OTHERS, ids=[fence.name for fence in OTHERS])
def test_the_examples_of_other_packages_hold(fence: Fence, work: Path) -> None:
    """In a process of its own: these packages start others, and stay."""
    package = fence.needs or ""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs the package {package}")
    command = [sys.executable, "-c", fence.text]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_the_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        there = Path(os.path.normpath(document.parent / path)) if path else document
        assert there.exists(), link
        if anchor:
            assert anchor in anchors(there), f"{link}: {sorted(anchors(there))}"
        if there.suffix in (".jpg", ".png"):
            with Image.open(there) as picture:
                picture.verify()


def test_options_that_are_named_exist(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    known: set[str] = set()

    def parse_known_args(parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        parsers = [parser]
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
        known.update(option for one in parsers for option in one._option_string_actions)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse_known_args)
    for command in NAMES - {"demo"}:
        call([command])
    for document in DOCUMENTS:
        if document.name not in HISTORY:
            named = " ".join(re.findall(r"`([^`]+)`", prose(document)))
            unknown = set(re.findall(r"(?<!\S)--[a-z0-9-]+", named)) - known
            assert not unknown, f"{document.relative_to(ROOT)}: {unknown}"


def test_settings_that_are_named_exist() -> None:
    known = known_keys()
    for document in DOCUMENTS:
        if document.name not in (
            *HISTORY,
            "python.md",
            "scale.md",
            "service.md",
        ):  # fields of a form
            named = re.findall(r"`[\"']?([a-z_.]+)=[^`]*`", prose(document))
            assert not set(named) - known, f"{document.relative_to(ROOT)}: {set(named) - known}"


def test_the_style_file_has_settings_of_a_style() -> None:
    known = yaml.safe_load((shipped("configs") / "train.yaml").read_text("utf-8"))["style"]
    examples = [yaml.safe_load(one.text) for one in FENCES if one.language == "yaml"]
    assert examples
    assert all(set(example) <= set(known) for example in examples)
