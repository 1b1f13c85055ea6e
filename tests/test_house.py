"""The house as it is drawn: files and functions that can be overlooked, scripts of three lines."""

import ast
from pathlib import Path

import pytest
from support import ROOT

LINES, SCREEN = 260, 60
"""Of a file, and of a function."""

MODULES = sorted((ROOT / "fst").rglob("*.py"))


def functions(path: Path) -> list[tuple[str, int]]:
    """Name and number of lines of every function and method."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    return [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in found]


def test_the_modules_are_found() -> None:
    names = {path.relative_to(ROOT / "fst").as_posix() for path in MODULES}
    assert {"losses/functional.py", "training/session.py", "interfaces/cli.py"} <= names
    assert any(name == "training_step" for name, _ in functions(ROOT / "fst/training/module.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_and_its_functions_can_be_overlooked(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES
    assert [(name, lines) for name, lines in functions(path) if lines > SCREEN] == []
