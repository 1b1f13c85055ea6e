"""fst.training.beginning: the net that a training begins with."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from support import make_photo
from tiny_runs import ARGUMENTS, digest_of, save_style, training_settings

from fst import assets
from fst.errors import CheckpointError, InputError
from fst.image.painting import load_painting
from fst.losses.moments import moments_network, painting_moments
from fst.nets.conditional import AnyNet
from fst.nets.johnson import JohnsonNet
from fst.styles.objective import STAND_IN
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.training.beginning import starting_net, usual_weight

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a tiny net in an empty folder, whose painting is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: (tmp_path / "checkpoints",))
    make_photo(48, 40, seed=99).save(tmp_path / "mine.png")
    settings = training_settings("style.name=mine", "style.image=mine.png", "style.size=300")
    settings["net"]["arguments"] = dict(ARGUMENTS)
    return settings


def test_without_init_the_net_is_the_seeds(settings: dict[str, Any]) -> None:
    settings["net"]["arguments"]["upsampling"] = "nearest"
    torch.manual_seed(5)
    start = starting_net(settings)
    torch.manual_seed(5)
    expected = JohnsonNet(**ARGUMENTS, upsampling="nearest").state_dict()
    found = start.net.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(weight, expected[name]) for name, weight in found.items())
    assert start.init == {}


def test_a_style_to_begin_with_gives_its_weights_its_name_and_its_digest(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    saved = save_style(tmp_path / "elsewhere" / "base.safetensors", 1).state_dict()
    settings["init"] = str(tmp_path / "elsewhere" / "base.safetensors")
    start = starting_net(settings)
    for name, weight in start.net.state_dict().items():
        assert torch.equal(weight, saved[name])
    assert start.init == {"init": "base", "init_sha256": digest_of(saved)}
    assert all(weight.requires_grad for weight in start.net.parameters())


def test_a_blend_to_begin_with_is_the_mean_and_is_named_without_folders(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    paths = [tmp_path / "elsewhere" / f"{name}.safetensors" for name in ("one", "two")]
    first, second = (save_style(path, i).state_dict() for i, path in enumerate(paths))
    settings["init"] = f"{paths[0]}=0.75,{paths[1]}=0.25"
    start = starting_net(settings)
    found = start.net.state_dict()
    for name, weight in found.items():
        torch.testing.assert_close(weight, 0.75 * first[name] + 0.25 * second[name])
    assert start.init == {"init": "one=0.75,two=0.25", "init_sha256": digest_of(found)}


def test_another_net_is_no_beginning(settings: dict[str, Any], tmp_path: Path) -> None:
    save_style(tmp_path / "narrow.safetensors", 0, width=2)
    settings["init"] = str(tmp_path / "narrow.safetensors")
    with pytest.raises(InputError) as caught:
        starting_net(settings)
    for fact in ("narrow.safetensors", "'width': 2", "'width': 4"):
        assert fact in str(caught.value)


# --- the any-painting net ------------------------------------------------------------------------


def save_any(path: Path, width: int = 4) -> AnyNet:
    """Writes a tiny any-painting net, with weights that half precision holds exactly."""
    arguments = {"width": width, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2,
                 "predictor_width": 8}  # fmt: skip
    net = AnyNet(**arguments).requires_grad_(False)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(3)
    for weight in net.parameters():
        weight.copy_(torch.randint(-16, 16, weight.shape, generator=generator) / 128)
    about = {"net": {"name": "any", "arguments": arguments}, "style": {"name": "any"}}
    path.parent.mkdir(exist_ok=True)
    save_checkpoint(path, TrainedStyle(net, about))
    return net.eval()


def of_any(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a net that can begin with it."""
    net = {"name": "johnson", "arguments": {**ARGUMENTS, "upsampling": "bilinear"}}
    return {**settings, "init": "any", "net": net}


def assert_predicted(
    found: torch.nn.Module, net: AnyNet, size: int, weight: float, painting: str = "mine.png"
) -> None:
    """That a net is what the any-painting net makes of the painting, made here step by step."""
    moments = painting_moments(moments_network(), load_painting(painting, size))
    embedding = net.predict(moments, torch.tensor([weight]), torch.tensor([float(size)]))[0]
    expected = net.net_for(embedding).state_dict()
    for name, value in found.state_dict().items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"size": 300}, (300, 6.0)),
        ({"size": 300, "style_weight": 12.0, "content_weight": 2.0}, (300, 6.0)),
        ({"size": 64, "style_weight": 20.0}, (256, 20.0)),  # as near as it was trained with
        ({"size": 1100, "style_weight": 0.5}, (768, 2.0)),
        ({"size": 300, "content_weight": 0.0}, (300, 40.0)),
    ],
)
def test_init_any_begins_with_what_is_predicted_for_the_painting(
    settings: dict[str, Any], tmp_path: Path, given: dict[str, Any], seen: tuple[int, float]
) -> None:
    net = save_any(tmp_path / "checkpoints" / "any.safetensors")
    settings = of_any(settings)
    settings["style"] |= given
    start = starting_net(settings)
    assert isinstance(start.net, JohnsonNet)
    assert_predicted(start.net, net, *seen)
    assert start.init == {"init": "any", "init_sha256": digest_of(net.state_dict())}
    assert all(weight.requires_grad for weight in start.net.parameters())
    assert yaml.safe_load(yaml.safe_dump(settings))["init_sha256"] == start.init["init_sha256"]


def test_an_any_painting_net_may_lie_elsewhere(settings: dict[str, Any], tmp_path: Path) -> None:
    net = save_any(tmp_path / "newer" / "any.safetensors")
    settings = of_any(settings) | {"init": "newer/any.safetensors"}
    assert_predicted(starting_net(settings).net, net, 300, 6.0)


@pytest.mark.filterwarnings("error")  # that there is a portrait is said when it is found
def test_init_any_sees_what_stands_in_for_a_painting(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    save_any(tmp_path / "checkpoints" / "any.safetensors")
    settings = of_any(settings)
    before = digest_of(starting_net(settings).net.state_dict())
    settings["style"] |= {"image": "monet_woman_with_a_parasol.jpg", "painting": STAND_IN}
    assert digest_of(starting_net(settings).net.state_dict()) != before


def test_without_an_any_painting_net_init_any_is_one_line(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = of_any(settings)
    with pytest.raises(InputError) as caught:
        starting_net(settings)
    for fact in ("init=any", "any.safetensors", str(tmp_path / "checkpoints"), "init=base"):
        assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_trained_style_in_the_any_painting_nets_place_is_one_line(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    save_style(tmp_path / "checkpoints" / "any.safetensors", 0)
    settings = of_any(settings)
    with pytest.raises(CheckpointError, match="no any-painting net"):
        starting_net(settings)


def test_a_narrower_any_painting_net_is_no_beginning(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    save_any(tmp_path / "checkpoints" / "any.safetensors", width=2)
    settings = of_any(settings)
    with pytest.raises(InputError) as caught:
        starting_net(settings)
    assert "'width': 2" in str(caught.value)
    assert "'width': 4" in str(caught.value)


def test_a_resumed_run_needs_no_any_painting_net(settings: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "any.safetensors"
    save_any(path)
    settings = of_any(settings)
    init = starting_net(settings).init
    path.unlink()
    settings["resume"] = "runs/mine/20260101-000000/resume/step=30.ckpt"
    assert starting_net(settings).init == init
    settings["resume"] = "auto"  # and nothing to resume was found
    with pytest.raises(InputError, match="init=any"):
        starting_net(settings)


@pytest.mark.parametrize(
    ("content", "style", "expected"),
    [(None, None, 6.0), (None, 9.0, 9.0), (2.0, 9.0, 4.5), (2.0, None, 3.0), (0.0, 1.0, 40.0)],
)
def test_the_usual_weight_is_against_a_content_weight_of_one(
    content: float | None, style: float | None, expected: float
) -> None:
    assert usual_weight({"content_weight": content, "style_weight": style}) == expected


def test_a_narrower_net_begins_with_the_channels_of_a_wider_one_that_matter_most(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    wide = save_style(tmp_path / "wide.safetensors", 1)
    settings["init"] = str(tmp_path / "wide.safetensors")
    settings["net"]["arguments"]["width"] = ARGUMENTS["width"] // 2
    start = starting_net(settings)
    assert start.init == {"init": "wide", "init_sha256": digest_of(wide.state_dict())}
    first = start.net.down1.conv.weight
    assert len(first) == ARGUMENTS["width"] // 2
    assert all(any(torch.equal(kernel, its) for its in wide.down1.conv.weight) for kernel in first)


@pytest.mark.parametrize("other", [{"residual_blocks": 2}, {"width": 5}])
def test_only_the_width_may_differ_and_only_be_less(
    settings: dict[str, Any], tmp_path: Path, other: dict[str, int]
) -> None:
    save_style(tmp_path / "wide.safetensors", 1)
    settings["init"] = str(tmp_path / "wide.safetensors")
    settings["net"]["arguments"] |= other
    with pytest.raises(InputError, match="init=null"):
        starting_net(settings)
