"""fst.styles.description: what a checkpoint tells is believed only where it can be used."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from fst.assets import shipped
from fst.errors import CheckpointError, InputError
from fst.nets import make_net
from fst.styles.description import check_sections
from fst.styles.objective import load_objective
from fst.styles.reproduce import training_arguments
from fst.styles.trained import FORMAT_VERSION, load_checkpoint

NET = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
WHOLE: dict[str, Any] = {
    "format_version": FORMAT_VERSION,
    "net": NET,
    "style": {"name": "sea", "image": "sea.png", "size": 48, "style_weight": 3.0, "title": None},
    "loss": {
        "content_weight": 1.0,
        "style_weight": 3.0,
        "tv_weight": 0.5,
        "content_layers": {"relu4_2": 1.0},
        "style_layers": {"relu1_1": 1.0},
        "normalization": "relative",
        "loss_network": {"architecture": "vgg19", "weights": "caffe", "sha256": "4a34",
                         "pooling": "max"},
    },
    "data": {"source": "folder", "name": "train", "size": 256, "batch_size": 1, "max_photos": None},
    "recipe": {"optimizer": "muon", "learning_rate": 0.003, "seed": 0, "pattern_weight": 3000},
    "training": {"steps": 6000, "device": "cpu", "seconds": 12, "slim_steps_share": 0.5},
}  # fmt: skip


def changed(path: str, value: object) -> dict[str, Any]:
    """The whole description with one value of another kind; ``...`` takes it away."""
    description = copy.deepcopy(WHOLE)
    *parents, key = path.split(".")
    place = description
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return description


def written(path: Path, description: dict[str, Any]) -> Path:
    torch.manual_seed(0)
    state = make_net(**NET).state_dict()  # type: ignore[arg-type]
    tensors = {key: value.contiguous() for key, value in state.items()}
    save_file(tensors, path, {"fst": json.dumps(description)})
    return path


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        *(("style.size", value, "style.size") for value in ("big", 0, -3, 1.5, True, [512], 10**9)),
        ("style.image", 7, "style.image"),
        ("style.style_weight", "heavy", "style.style_weight"),
        ("style.margin", 10, "style.margin"),
        ("style.margin", "8", "style.margin"),
        ("style.margin", 260, "style.margin"),
        ("style.size", ..., "style.size"),
        *(("loss", value, "loss") for value in ("x", None, [1], 3.0, {})),
        ("loss.loss_network", ..., "loss.loss_network"),
        ("loss.loss_network", "vgg", "loss.loss_network"),
        ("loss.loss_network.weights", ..., "loss.loss_network.weights"),
        ("loss.loss_network.pooling", 2, "loss.loss_network.pooling"),
        ("loss.loss_network.padding", "circular", "loss.loss_network.padding"),
        ("loss.loss_network.padding", None, "loss.loss_network.padding"),
        ("loss.loss_network.sha256", ..., "loss.loss_network.sha256"),
        ("loss.content_weight", "1", "loss.content_weight"),
        ("loss.content_weight", -1, "loss.content_weight"),
        ("loss.content_weight", float("nan"), "loss.content_weight"),
        ("loss.tv_weight", ..., "loss.tv_weight"),
        ("loss.style_layers", ["relu1_1"], "loss.style_layers"),
        ("loss.content_layers", None, "loss.content_layers"),
        ("loss.normalization", 1, "loss.normalization"),
        ("loss.statistic", "grams", "loss.statistic"),
        ("loss.statistic", None, "loss.statistic"),
        ("loss.patch_size", 3, "loss.patch_size"),
        ("loss.depth", 1, "loss.depth"),
        ("data", "photos", "data"),
        ("data.batch_size", "many", "data.batch_size"),
        ("recipe", [1], "recipe"),
        ("training", "long", "training"),
        ("training.steps", "6000", "training.steps"),
        ("training.seconds", "long", "training.seconds"),
        ("training.slim_steps_share", "half", "training.slim_steps_share"),
        ("training.init", 3, "training.init"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_named_when_it_is_read(
    tmp_path: Path, path: str, value: object, says: str
) -> None:
    file = written(tmp_path / "sea.safetensors", changed(path, value))
    with pytest.raises(
        CheckpointError, match=rf"sea\.safetensors is refused: .*\b{says}\b"
    ) as told:
        load_checkpoint(file)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("section", ["loss", "data", "recipe", "training"])
def test_a_section_may_be_missing(tmp_path: Path, section: str) -> None:
    style = load_checkpoint(written(tmp_path / "sea.safetensors", changed(section, ...)))
    assert style.name == "sea"


@pytest.mark.parametrize("file", sorted(shipped("checkpoints").glob("*")), ids=lambda f: f.stem)
def test_what_is_shipped_is_believed(file: Path) -> None:
    check_sections(load_checkpoint(file).description)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training", ...),
        ("training.steps", ...),
        ("training.steps", None),
        ("data", ...),
        ("data.name", ...),
        ("data.name", 3),
        ("data.source", "hub"),  # without a split
        ("data.sizes", 3),
        ("loss", ...),
        ("style.image", ...),
    ],
)
def test_no_recipe_can_be_told_of_what_is_not_said(path: str, value: object) -> None:
    """``fst reproduce`` and ``fst style-page`` say so in one line."""
    description = changed(path, value)
    check_sections(description)
    with pytest.raises(InputError, match="does not say how it was trained") as told:
        training_arguments(description)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("image", [..., None])
def test_a_style_without_a_painting_has_nothing_to_be_judged_by(
    tmp_path: Path, image: object
) -> None:
    style = load_checkpoint(written(tmp_path / "sea.safetensors", changed("style.image", image)))
    with pytest.raises(InputError, match="no painting"):
        load_objective(style, torch.device("cpu"), weights="random")
