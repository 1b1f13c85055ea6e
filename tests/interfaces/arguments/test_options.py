"""Types of values, shared options, one-line mistakes."""

import argparse
import importlib
from pathlib import Path
from typing import Any

import pytest

from fst.interfaces.arguments import benchmark, compare, judge, options, reproduce, stylize
from fst.interfaces.arguments.options import Parser
from fst.interfaces.cli import names


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (options.positive, "1", 1),
        (options.count, "0", 0),
        (options.side, "16", 16),
        (options.percent, "100", 100),
        (options.above_zero, "0.5", 0.5),
        (options.memory, "2GB", 2_000_000_000),
        (options.memory, "1MiB", 2**20),
    ],
)
def test_what_is_allowed(kind: Any, text: str, value: float) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "texts", "allowed"),
    [
        (options.positive, ["0", "-1", "1.5", "abc", "", "inf"], "above 0"),
        (options.count, ["-1", "1.5", "abc"], "at least 0"),
        (options.side, ["15", "0", "x"], "16"),
        (options.percent, ["0", "101", "50%"], "1 to 100"),
        (options.above_zero, ["0", "-1", "nan", "inf", "x"], "above 0"),
        (options.memory, ["x", "0GB", "-1GB"], "2GB"),
    ],
)
def test_what_is_not_says_what_was_got_and_what_is_allowed(
    kind: Any, texts: list[str], allowed: str
) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            kind(text)
        assert repr(text) in str(caught.value)
        assert allowed in str(caught.value)


def test_a_mistake_names_the_page_that_lists_the_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command, page in ((stylize, "fst stylize --help-all"), (judge, "fst judge --help")):
        with pytest.raises(SystemExit):
            command.parser().parse_args(["a", "--optimizer", "newton"])
        assert f"({page} lists" in capsys.readouterr().err


def test_a_layers_weight_is_told_with_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--style-layers", "--content-layers"):
        with pytest.raises(SystemExit):
            stylize.parser().parse_args(["a.png", option, "relu1_1=-1"])
        said = capsys.readouterr().err
        assert f"{option}: the weight of relu1_1 must be" in said
        assert "it." not in said


def test_a_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("fst thing", "FILE", "Does it.", ("fst thing a",))
    parser.add_argument("file", type=options.positive)
    for words, says in (([], "file"), (["x"], "'x'"), (["1", "--no"], "--no")):
        with pytest.raises(SystemExit) as end:
            parser.parse_args(words)
        output, errors = capsys.readouterr()
        assert (end.value.code, output, errors.count("\n")) == (2, "", 1)
        assert says in errors
        assert "fst thing --help" in errors


def test_an_option_is_declared_once_and_changed_where_it_differs() -> None:
    parser = Parser("fst thing", "", "Does it.")
    options.shared(parser, "--size", "--device", default=99)
    read = parser.parse_args([])
    assert (read.size, read.device) == (99, 99)
    assert options.SHARED["--size"]["default"] == 256


def test_options_mean_the_same_in_every_command() -> None:
    words = {
        compare: ["--style", "a", "--photos", "p"],
        judge: ["a", "--photos", "p"],
        reproduce: ["a"],
        stylize: ["photo.jpg"],
    }
    for module, needed in words.items():
        read = module.parser().parse_args([*needed, "--device", "cuda:1", "--precision", "bf16"])
        assert (read.device, read.precision) == ("cuda:1", "bf16")


def test_what_is_measured_has_options_of_its_own() -> None:
    read = benchmark.parser().parse_args(["inference", "--sizes", "64", "128"])
    assert (read.command, read.sizes, read.compile) == ("inference", [64, 128], False)
    read = benchmark.parser().parse_args(["slim"])
    assert (read.command, read.width, read.precision) == ("slim", 32, "auto")
    read = benchmark.parser().parse_args(["train", "--compile"])
    assert (read.command, read.compile, read.precision) == ("train", True, "both")
    read = benchmark.parser().parse_args(["any", "--paintings", "a", "b.jpg"])
    assert (read.command, read.size, read.stroke_sizes) == ("any", 384, (384,))
    assert read.paintings == [Path("a"), Path("b.jpg")]
    read = benchmark.parser().parse_args(["sliders", "--paintings", "a", "--stroke-size", "384"])
    assert (read.command, read.stroke_size, read.stroke_sizes[-1]) == ("sliders", 384, 768)
    read = benchmark.parser().parse_args(["ladder", "--painting", "a.jpg", "--nets", "b", "c"])
    assert (read.command, read.nets, read.iterations) == ("ladder", ["b", "c"], 200)


def test_an_option_that_is_nearly_right_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    made = Parser("fst paint", "PHOTO", "Paints.")
    made.add_argument("--style")
    with pytest.raises(SystemExit) as end:
        made.parse_args(["--stlye", "monet"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "did you mean --style?" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "texts", "allowed"),
    [
        (options.seed, ["-1", str(2**64), "abc"], str(2**64 - 1)),
        (options.side, ["100001"], "at most 100000"),
        (options.positive, ["99999999999999999999"], "at most"),
        (options.text, ["", "  ", "a\0b"], "empty"),
        (options.path, [""], "empty"),
    ],
)
def test_what_is_too_large_or_empty(kind: Any, texts: list[str], allowed: str) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=allowed):
            kind(text)
    assert options.seed(str(2**64 - 1)) == 2**64 - 1


def test_a_value_of_thousands_of_digits_is_a_short_line() -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        options.positive("9" * 5000)
    assert len(str(caught.value)) < 150


def test_an_empty_word_is_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("fst thing", "", "Does it.")
    parser.add_argument("--name", metavar="NAME")
    parser.add_argument("--folder", type=Path, metavar="DIR")
    for words in (["--name", ""], ["--folder", ""], ["--folder="]):
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        assert "empty" in capsys.readouterr().err
    assert parser.parse_args(["--folder", "a b"]).folder == Path("a b")


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("name", [name for name in names() if name != "train"])
def test_help_is_as_wide_as_the_terminal_and_at_most_80_columns(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    module = f"fst.interfaces.arguments.{name.replace('-', '_')}"
    page = importlib.import_module(module).parser().format_help()
    text = page.partition("\nexamples:")[0].partition("\n")[2]  # usage and examples are commands
    assert max(map(len, text.splitlines())) <= min(columns, 80)


NO_DEFAULT = {
    "stylize": {"--style", "--blend", "--mask", "--output", "--preserve-color", "--upsample",
                "--preset", "--optimizer", "--seed", "--content-weight", "--style-weight",
                "--tv-weight", "--pooling", "--weights", "--save-every", "--memory", "--average",
                "--tolerance", "--init-noise", "--animate", "--animate-every", "--plot", "--log"},
    "video": {"--style", "--blend", "--mask", "--seconds", "--preserve-color", "--upsample"},
    "live": {"--style"},
    "serve": {"--allow-host", "--photos"},
    "benchmark": {"--clips"},
}  # fmt: skip
"""Options that say what is done without them in other words, or do nothing then."""

LONG = ("stylize", "video")
"""Commands that have a long help page besides."""


@pytest.mark.parametrize("name", [name for name in names() if name != "train"])
def test_every_option_that_takes_a_value_names_its_default(name: str) -> None:
    module = importlib.import_module(f"fst.interfaces.arguments.{name.replace('-', '_')}")
    parsers = [module.parser(everything=True) if name in LONG else module.parser()]
    for action in parsers[0]._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers = list(action.choices.values())
    for parser in parsers:
        for action in parser._actions:
            given = action.required or action.nargs == 0 or not action.option_strings
            if not given and action.option_strings[-1] not in NO_DEFAULT.get(name, set()):
                page = parser._get_formatter()
                page.add_argument(action)
                assert "default" in page.format_help(), (parser.prog, action.option_strings)
