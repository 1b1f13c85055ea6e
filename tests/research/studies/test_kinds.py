"""What each study consists of: rows, columns, layers, starts."""

import argparse
from pathlib import Path
from typing import Any

import pytest
from support import make_photo

from fst.choices import STATISTICS
from fst.errors import FstWarning, InputError
from fst.inference.options import PassOptions
from fst.inference.pixel_options import PixelOptions
from fst.interfaces.arguments.study import KINDS, parser
from fst.optimization.presets import PRESETS
from fst.research.studies.cases import Asked, Study
from fst.research.studies.kinds import PLANS, STATISTIC_WORDS, growing

ASKED = Asked(48, {"iterations": 2, "weights": "slim"}, PassOptions())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    monkeypatch.chdir(tmp_path)
    make_photo(48, 40).save("photo.png")
    for name in ("sea", "sky"):
        make_photo(64, 64, seed=len(name)).save(f"{name}.png")
    return tmp_path


def planned(kind: str, *words: str) -> Study:
    options: argparse.Namespace = parser().parse_args([kind, *words])
    return PLANS[kind](options, ASKED)


def chosen(study: Study, name: str) -> list[Any]:
    return [case.chosen.get(name) for case in study.cases]


@pytest.mark.usefixtures("place")
def test_ratio_has_growing_layers_in_rows_of_one_weight() -> None:
    study = planned("ratio", "--photo", "photo.png", "--style", "sea.png", "--ratios", "0.5", "2")
    assert [case.row for case in study.cases] == ["0.5"] * 5 + ["2"] * 5
    assert chosen(study, "style_weight") == [2.0] * 5 + [0.5] * 5
    assert [len(layers) for layers in chosen(study, "style_layers")] == [1, 2, 3, 4, 5] * 2
    assert set(chosen(study, "tv_weight")) == {0.0}
    assert set(chosen(study, "init")) == {"noise"}
    with pytest.raises(InputError, match="--ratios"):
        planned("ratio", "--photo", "photo.png", "--style", "sea.png", "--ratios", "1", "1")


@pytest.mark.usefixtures("place")
def test_reconstruction_begins_with_noise_and_compares_one_thing() -> None:
    words = ["--photo", "photo.png", "--styles", "sea.png", "sky.png"]
    study = planned("reconstruction", *words)
    assert len(study.cases) == 15
    assert set(chosen(study, "init")) == {"noise"}
    content, style = study.cases[:5], study.cases[5:]
    assert [list(c.chosen["content_layers"]) for c in content] == [
        [f"relu{block}_1"] for block in range(1, 6)
    ]
    assert {c.chosen["style_weight"] for c in content} == {0.0}
    assert {c.chosen["content_weight"] for c in style} == {0.0}
    assert len({case.file for case in study.cases}) == 15
    assert len(study.shown) == len({case.row for case in study.cases})


@pytest.mark.usefixtures("place")
def test_start_is_photo_painting_and_noises() -> None:
    study = planned("start", "--photo", "photo.png", "--style", "sea.png", "--seeds", "3", "4")
    assert chosen(study, "init") == ["photo", "painting", "noise", "noise"]
    assert chosen(study, "seed") == [None, None, 3, 4]


@pytest.mark.usefixtures("place")
def test_the_others_change_one_thing() -> None:
    words = ["--photo", "photo.png", "--style", "sea.png"]
    assert chosen(planned("pooling", *words), "pooling") == ["max", "avg"]
    compared = planned("statistics", *words)
    assert chosen(compared, "statistic") == list(STATISTICS)
    assert "histograms, and patches." in compared.about
    assert "left out" not in compared.about
    said, left = (pytest.warns(FstWarning, match=m) for m in ("no monet", "patches are left out"))
    with said, left:
        shipped = planned("statistics", "--photo", "photo.png", "--style", "monet")
    assert "patches" not in chosen(shipped, "statistic")  # a portrait has others
    assert "and histograms." in shipped.about
    assert "Patches are left out" in shipped.about
    sizes = planned("size", *words, "--style-sizes", "32", "64")
    assert chosen(sizes, "style_size") == [32, 64]
    presets = planned("presets", "--photos", "photo.png", "sky.png", "--style", "sea.png")
    assert chosen(presets, "preset") == [*PRESETS, *PRESETS]
    assert [case.row for case in presets.cases] == ["photo"] * len(PRESETS) + ["sky"] * len(PRESETS)
    assert len(planned("presets", "--limit", "2", "--style", "sea.png").cases) == 2 * len(PRESETS)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("kind", PLANS)
def test_all_options_are_right_and_files_differ(kind: str) -> None:
    named = {"reconstruction": "--styles"}.get(kind, "--style")
    study = planned(kind, named, "sea.png")
    for case in study.cases:
        PixelOptions(**{**ASKED.usual, **case.chosen})
    assert len({case.file for case in study.cases}) == len(study.cases)
    assert len({(case.row, case.column) for case in study.cases}) == len(study.cases)


def test_every_kind_has_its_words() -> None:
    assert list(KINDS) == list(PLANS)
    assert tuple(STATISTIC_WORDS) == STATISTICS
    assert growing(["a", "b"]) == [{"a": 1.0}, {"a": 1.0, "b": 1.0}]
