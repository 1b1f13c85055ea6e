"""``fst portrait``: pictures and figures, as they are written."""

import json
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

from fst.errors import InputError
from fst.image.io import load_image
from fst.interfaces.arguments import portrait as arguments_of_portrait
from fst.interfaces.commands import portrait
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import STYLE_LAYERS
from fst.research import portraits
from fst.research.portraits import disagreement

SIDES = (32, 48)


@pytest.fixture(scope="module")
def slim() -> VGG19:
    return VGG19(STYLE_LAYERS, "slim")


def test_the_script_writes_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None, painting: Tensor
) -> None:
    monkeypatch.setattr(portraits, "SIZES", SIDES)
    monkeypatch.setattr(portraits, "ITERATIONS", {32: 3, 48: 1})
    monkeypatch.setattr(portraits, "NETWORKS", ("slim",))
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    (tmp_path / "styles").mkdir()
    scan = (painting[0].permute(1, 2, 0) * 255).byte().numpy()
    for name in ("monet_woman_with_a_parasol", "great_wave"):
        Image.fromarray(scan).save(tmp_path / "styles" / f"{name}.jpg")
    folder = tmp_path / "new"
    for name in ("monet", "great_wave"):
        arguments = [
            "portrait.py",
            name,
            "--folder",
            str(folder),
            "--seed",
            "5",
            "--effort",
            "2",
            "--quality",
            "95",
        ]
        assert portrait.main(arguments_of_portrait.parser().parse_args(arguments[1:])) == 0
    figures = json.loads((folder / "portraits.json").read_text())
    assert sorted(figures) == ["great_wave", "monet"]
    about = figures["monet"]
    how = [about[key] for key in ("painting", "size", "seed", "quality")]
    assert how == ["monet_woman_with_a_parasol.jpg", 48, 5, 95]
    assert about["iterations"] == {"32": 6, "48": 2}
    pair = [
        load_image(file).rgb
        for file in (tmp_path / "styles/monet_woman_with_a_parasol.jpg", folder / "monet.jpg")
    ]
    assert about["style_error"] == {"slim": disagreement(*pair, VGG19(STYLE_LAYERS, "slim"))}
    assert list(about["style_error"]["slim"]) == ["32", "48"]


def test_a_portrait_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "monet.jpg").write_text("mine")
    options = arguments_of_portrait.parser().parse_args(["monet", "--folder", str(tmp_path)])
    with pytest.raises(InputError, match="--overwrite"):
        portrait.main(options)
    assert [path.name for path in tmp_path.iterdir()] == ["monet.jpg"]


@pytest.mark.parametrize("content", ["[]", '{"monet": 3}', '{"monet": {"size": 3}}', "no JSON"])
def test_a_list_of_something_else_is_left_alone(content: str, tmp_path: Path) -> None:
    (tmp_path / "portraits.json").write_text(content)
    options = arguments_of_portrait.parser().parse_args(["monet", "--folder", str(tmp_path)])
    with pytest.raises(InputError, match=r"portraits\.json"):
        portrait.main(options)
    assert (tmp_path / "portraits.json").read_text() == content
