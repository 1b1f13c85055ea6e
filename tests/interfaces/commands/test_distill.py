"""``fst distill`` around a distillation that takes no time: what it reads, tells and writes."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from fst.errors import InputError
from fst.interfaces.arguments.distill import parser
from fst.interfaces.commands import distill
from fst.loss_networks.vgg import VGG19
from fst.research.distillation.settings import DistillationSettings, DistillationStep
from fst.research.distillation.slim import CONVOLUTIONS, RELUS, SLIM, State, random_slim


class Quick:
    """Three steps that teach nothing."""

    made: "Quick"

    def __init__(
        self,
        teacher: VGG19,
        photos: list[Tensor],
        paintings: list[Tensor],
        painted: list[Any],
        recipe: DistillationSettings,
    ) -> None:
        self.photos, self.paintings, self.recipe = photos, paintings, recipe
        self.done: dict[str, int] = {}
        self.saved: list[int] = []
        Quick.made = self

    def run(self) -> Iterator[DistillationStep]:
        for step in (1, 20, 30):
            self.done = {"gradients": step}
            yield DistillationStep("gradients", step, 30, {"cosine": step / 100})

    def save(self, path: Path) -> None:
        self.saved.append(self.done["gradients"])

    def finished(self) -> State:
        state = random_slim()
        for conv, relu in zip(CONVOLUTIONS, RELUS, strict=True):
            eye = torch.eye(SLIM.channels[int(conv[4]) - 1])
            state |= {f"metric.{conv}": eye, f"metric.{relu}": eye}
        return state


@pytest.fixture
def options(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> argparse.Namespace:
    teacher = VGG19(RELUS, "random")
    monkeypatch.setattr(distill, "load_teacher", lambda options: teacher)
    monkeypatch.setattr(distill, "Distillation", Quick)
    monkeypatch.setattr(distill, "DistillationSettings", lambda: DistillationSettings(size=32))
    painting = str(next(photo_folder.iterdir()))
    arguments = ["--output", str(tmp_path / "slim.safetensors"), "--photos", str(photo_folder)]
    arguments += ["--paintings", painting, "--state", str(tmp_path / "state.pt"), "--seed", "5"]
    return parser().parse_args(arguments)


def test_it_teaches_keeps_its_place_and_writes_what_it_learned(
    options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distill.main(options) == 0
    assert Quick.made.recipe == DistillationSettings(size=32, seed=5)
    assert len(Quick.made.photos) == 12
    assert all(min(photo.shape[1:]) >= 32 for photo in Quick.made.photos)
    assert Quick.made.saved == [20, 30]  # every twenty steps, and at the last
    out = capsys.readouterr().out
    assert "30/30" in out
    assert "0.300" in out
    with safe_open(options.output, framework="pt") as file:
        about = json.loads(file.metadata()["fst"])
    assert about["recipe"]["seed"] == 5
    assert about["data"].startswith("12 photos")
    assert about["teacher"]["license"] == "unknown"  # random weights have none


def test_the_command_lines_defaults_are_the_recipes() -> None:
    given = parser().parse_args(["--output", "slim.safetensors"])
    recipe = DistillationSettings()
    for name in ("feature_steps", "gradient_steps", "seed"):
        assert getattr(given, name) == getattr(recipe, name)


def test_a_file_that_is_there_is_not_replaced(options: argparse.Namespace) -> None:
    options.output.write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        distill.main(options)
    assert options.output.read_text() == "mine"
    options.overwrite = True
    assert distill.main(options) == 0
    assert options.output.read_bytes() != b"mine"


def test_photos_that_are_too_small_are_one_line(photo_folder: Path) -> None:
    with pytest.raises(InputError, match=r"photos.*200 px"):
        distill.read_photos(str(photo_folder), 200)


@pytest.mark.parametrize("weights", ["random", "slim"])
def test_only_vgg19_teaches(weights: str) -> None:
    chosen = argparse.Namespace(weights=weights, precision="fp32")
    with pytest.raises(InputError, match=f"VGG-19.*{weights}"):
        distill.load_teacher(chosen)
