"""What the documents say of shipped nets, portraits, report and rooms is what is so."""

import re
import tomllib

import pytest
from support import ROOT

from fst.assets import shipped
from fst.evaluation.compare import SCHEMA
from fst.styles.catalog import read_style, style_names
from fst.styles.names import SMALL
from fst.styles.portraits import read_figures
from fst.styles.reproduce import recipe_of
from fst.styles.trained import load_checkpoint


@pytest.mark.parametrize("style", style_names())
def test_the_steps_are_those_of_the_shipped_nets(style: str) -> None:
    about = load_checkpoint(shipped("checkpoints") / f"{style}.safetensors").description
    training = about["training"]
    steps, pattern = f"{training['steps']:,}", f"{recipe_of(about)['pattern_weight']:g}"
    rows = {
        "train.md": rf"`{style}` \| {steps} \|.*\| {pattern} \|",
        "styles/README.md": rf"\({style}.md\) \| .* \| {steps} \|",
        "quality.md": rf"\(styles/{style}.md\) \| {steps} \|",
        f"styles/{style}.md": rf"\n{steps} steps of one photo",
    }
    for document, row in rows.items():
        assert re.search(row, (ROOT / "docs" / document).read_text(encoding="utf-8")), document


@pytest.mark.parametrize("style", style_names())
def test_the_objectives_are_those_of_the_small_nets(style: str) -> None:
    about = load_checkpoint(shipped("checkpoints") / f"{style}{SMALL}.safetensors").description
    objective = about["objective"]["total"]
    start = f"| `{style}{SMALL}` | {about['training']['steps']:,} | {objective:.3f} |"
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(start)]
    large, more = re.fullmatch(r" ([\d.]+) \| \+(\d+) % \|", row.removeprefix(start)).groups()  # type: ignore[union-attr]
    assert int(more) == round(100 * (objective / float(large) - 1))


@pytest.mark.parametrize("style", style_names())
def test_the_errors_of_the_portraits_are_those_that_were_measured(style: str) -> None:
    about = read_figures()[style]
    caffe, slim = (about["style_error"][network] for network in ("caffe", "slim"))
    both = [f"{caffe[size]:.3f} / {slim[size]:.3f}" for size in caffe]
    title = {"poppies": "Poppies", "great_wave": "The Great Wave"}
    name = title.get(style, read_style(style)["title"])
    rows = {
        "train.md": [name, f"{about['size']} px", *both],
        "slim.md": [name, *(f"{error:.4f}" for error in slim.values())],
    }
    for document, row in rows.items():
        lines = (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines()
        cells = [[cell.strip() for cell in line.split("|") if cell.strip()] for line in lines]
        assert row in cells, document


def test_the_schema_of_the_report_is_the_present_one() -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    assert f"## report.json, schema {SCHEMA}\n" in text
    assert f"| `schema` | {SCHEMA} |" in text


def test_the_rooms_are_those_of_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (order,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = [room for layer in order for room in layer.split(" | ") if room != "__main__"]
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.partition("`embedded/`")[0]
    assert re.findall(r"^\| `(\w+)/?` \|", table, re.MULTILINE) == rooms
    for pair in (layer.split(" | ") for layer in order if " | " in layer):
        assert f"`{pair[0]}` and `{pair[1]}`" in " ".join(text.split())


def test_every_promise_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and "---" not in row]
    named = [row for row in rows if row != "| promise | test |"]
    assert len(named) > 30
    for row in named:
        found = re.search(r"`(tests/\S+\.py)::(\w+)` \|$", row)
        assert found, row
        path, test = found.groups()
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), row
