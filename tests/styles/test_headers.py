"""fst.styles.headers: what checkpoints say of themselves, and styles of many-files by name."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from many_files import about, write_many
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support import ROOT
from tiny_any import save_any

from fst.errors import CheckpointError, FstWarning, InputError
from fst.styles.headers import (
    find_in_many,
    listed,
    many_files,
    names_in,
    read_header,
    styles_of,
    title_of,
)


def rewritten(path: Path, **changes: Any) -> Path:
    """The same file, which says something else of itself."""
    with safe_open(path, framework="np") as file:
        said = json.loads(file.metadata()["fst"])
    save_file(load_file(path), path, {"fst": json.dumps({**said, **changes})})
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two many-files, of which the second has a style that the first has, too; an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_many(tmp_path / "nets" / "gallery.safetensors")
    write_many(tmp_path / "nets" / "more.safetensors", ("sea", "kiss"))
    save_any(tmp_path / "nets")
    return tmp_path / "nets"


def test_styles_are_told_in_the_order_of_rows(folder: Path) -> None:
    assert [style["name"] for style in styles_of(folder / "gallery.safetensors")] == [
        "kiss", "irises", "cray",
    ]  # fmt: skip
    assert styles_of(folder / "any.safetensors") == []
    assert names_in(folder / "more.safetensors") == ["sea", "kiss"]
    assert read_header(folder / "any.safetensors")["net"]["name"] == "any"


def test_what_is_damaged_is_told_by_who_reads_it_and_passed_over_by_who_looks(folder: Path) -> None:
    (folder / "half.safetensors").write_bytes((folder / "more.safetensors").read_bytes()[:500])
    (folder / "text.safetensors").write_text("no tensors")
    save_file({"a": torch.zeros(1)}, folder / "odd.safetensors", {"fst": "[1]"})
    for name in ("half", "text", "odd", "nowhere"):
        with pytest.raises(CheckpointError, match=f"{name}.safetensors"):
            styles_of(folder / f"{name}.safetensors")
        assert names_in(folder / f"{name}.safetensors") == []
    assert [path.stem for path in many_files([folder])] == ["gallery", "more"]


@pytest.mark.parametrize(
    ("word", "file", "name"),
    [
        ("irises", "gallery", "irises"),
        ("more:kiss", "more", "kiss"),
        ("../nets/more.safetensors:kiss", "more", "kiss"),
        ("sea", "more", "sea"),
    ],
)
def test_a_style_by_its_name_or_behind_its_files(
    word: str, file: str, name: str, folder: Path
) -> None:
    assert find_in_many(word, [folder]) is not None
    path, found = find_in_many(word, [folder]) or (Path(), "")
    assert (path.stem, found) == (file, name)


def test_a_name_in_several_files_is_the_first_ones_and_how_to_get_the_others_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.warns(FstWarning, match=r"kiss: this is gallery:kiss; there is more:kiss"):
        found = find_in_many("kiss", [folder])
    assert found == (folder / "gallery.safetensors", "kiss")
    write_many(folder / "mine" / "gallery.safetensors", ("kiss",))
    with pytest.warns(FstWarning) as caught:
        find_in_many("kiss", [folder / "mine", folder])
    told = str(caught[0].message)
    others = ("this is gallery:kiss", f"{folder}/gallery.safetensors:kiss", "more:kiss")
    assert all(fact in told for fact in others)
    for word in (f"{folder}/gallery.safetensors:kiss", "more:kiss"):  # as it says
        assert find_in_many(word, [folder / "mine", folder]) is not None
    monkeypatch.chdir(folder)  # a clone, whose folder is looked into twice
    (folder / "more.safetensors").unlink()
    assert find_in_many("kiss", [Path(), folder]) == (Path("gallery.safetensors"), "kiss")


def test_what_is_in_no_such_file_is_looked_for_elsewhere(folder: Path) -> None:
    for word in ("monet", "any", "kiss.jpg", "./kiss", "nowhere:kiss", "", ":", "a:b:c"):
        assert find_in_many(word, [folder]) is None


def test_a_checkpoint_comes_before_a_style_of_that_name(folder: Path) -> None:
    save_any(folder / "other").rename(folder / "kiss.safetensors")
    assert find_in_many("kiss", [folder]) is None


def test_a_file_without_a_style_is_one_line_that_lists_them(folder: Path) -> None:
    for word in ("gallery", str(folder / "gallery.safetensors")):
        with pytest.raises(InputError, match=r"3 styles.*kiss, irises, cray") as caught:
            find_in_many(word, [folder])
        assert f"{word}:kiss" in str(caught.value)
    many = tuple(f"style_{i:03d}" for i in range(250))
    write_many(folder / "large.safetensors", many)
    with pytest.raises(InputError, match=r"style_009 and 240 more") as caught:
        find_in_many("large", [folder])
    assert "style_010" not in str(caught.value)


def test_a_style_that_a_file_does_not_have_is_one_line_that_lists_them(folder: Path) -> None:
    with pytest.raises(InputError, match=r"'irsies' in gallery: did you mean irises\? .*cray"):
        find_in_many("gallery:irsies", [folder])
    with pytest.raises(InputError, match=r"no style '' in gallery"):
        find_in_many("gallery:", [folder])
    with pytest.raises(InputError, match=r"any is one style, not a file of many"):
        find_in_many("any:kiss", [folder])
    with pytest.raises(CheckpointError, match=r"no checkpoint 'nowhere\.safetensors'"):
        find_in_many("nowhere.safetensors:kiss", [folder])


@pytest.mark.parametrize(
    ("styles", "said"),
    [
        (None, "styles must be a list"),
        ([], "styles must be a list"),
        ({"kiss": 1}, "styles must be a list"),
        ([about("a")], "1 styles are described"),
        ([about("a"), about("b"), about("b")], "two styles are called b"),
        ([about("a"), about("b"), "c"], "styles.2 must be"),
        ([about("a"), about("b"), about("../c")], "name"),
        ([about("a"), about("b"), about("c", size="large")], "styles.2.size"),
        ([about("a"), about("b"), about("c", style_weight=-1)], "styles.2.style_weight"),
        ([about("a"), about("b"), about("c", image=None)], "styles.2.image"),
        ([about("a"), about("b"), about("c", title=["x"])], "styles.2.title"),
        ([about("a"), about("b"), about("c", title="x" * 600)], "styles.2.title"),
        ([about("a"), about("b"), about("c", year=float("inf"))], "styles.2.year"),
    ],
)
def test_what_a_file_says_of_its_styles_is_not_believed(
    styles: object, said: str, folder: Path
) -> None:
    path = rewritten(folder / "gallery.safetensors", styles=styles)
    with pytest.raises(CheckpointError, match=said) as caught:
        styles_of(path)
    assert "\n" not in str(caught.value)


def test_names_that_are_listed_and_titles() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(i) for i in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert title_of({"title": "The Kiss"}) == "The Kiss"
    assert "kiss.jpg" in title_of({"image": "kiss.jpg"})


def test_headers_are_read_without_torch(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from fst.styles import headers\n"
        f"print(headers.many_files([Path({str(folder)!r})]), 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)},
                         capture_output=True, text=True, check=True)  # fmt: skip
    assert "irises" in ran.stdout
    assert ran.stdout.split()[-1] == "False"
