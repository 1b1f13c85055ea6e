"""fst.training.many.beginning: whose weights a net of many styles begins with."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo
from tiny_runs import save_style
from torch import Tensor

from fst import assets
from fst.errors import FstError, InputError
from fst.image.painting import load_painting
from fst.losses.moments import moments_network, painting_moments
from fst.nets import make_net
from fst.nets.conditional import AnyNet, ManyNet
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint
from fst.training.many.beginning import beginning, usual_init

pytestmark = pytest.mark.usefixtures("offline")

NET: dict[str, Any] = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2}
OF_ANY = {"name": "any", "arguments": {**NET, "predictor_width": 8}}
OF_TWO = {"name": "many", "arguments": {**NET, "styles": 2}}
ROWS = [{"name": "one", "size": 300, "style_weight": 9.0},
        {"name": "two", "size": 64, "style_weight": 1.0}]  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("checkpoints").mkdir()


def settings_of(net: dict[str, Any], init: str | None) -> dict[str, Any]:
    return {"net": net, "init": init, "resume": None, "rows": ROWS}


def save_net(path: str, net: dict[str, Any], **more: Any) -> dict[str, Tensor]:
    """Random weights that half precision holds exactly."""
    made = make_net(**net).requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in made.parameters():
        weight.copy_(torch.randint(-64, 64, weight.shape, generator=generator) / 128)
    about = {"net": net, "style": {"name": Path(path).stem}, **more}
    save_checkpoint(Path(path), TrainedStyle(made, about))
    return made.state_dict()


def paintings() -> list[Tensor]:
    for i in range(2):
        make_photo(96, 80, seed=i).save(f"p{i}.png")
    return [load_painting(f"p{i}.png", row["size"]) for i, row in enumerate(ROWS)]


def test_a_net_of_one_style_gives_the_shared_net() -> None:
    save_style(Path("mine.safetensors"), 1, upsampling="bilinear")  # type: ignore[arg-type]
    saved = load_checkpoint(Path("mine.safetensors"))
    for net in (OF_ANY, OF_TWO):
        start = beginning(settings_of(net, "mine.safetensors"), paintings())
        for name, weight in saved.net.state_dict().items():
            assert torch.equal(start.net.base.state_dict()[name], weight)
        assert start.init == {"init": "mine", "init_sha256": saved.digest}
        assert not start.standardized


def test_a_net_for_any_painting_gives_all() -> None:
    saved = save_net("other.safetensors", OF_ANY)
    start = beginning(settings_of(OF_ANY, "other.safetensors"), [])
    assert all(torch.equal(start.net.state_dict()[name], saved[name]) for name in saved)
    assert start.standardized


def test_several_styles_begin_with_what_is_predicted_for_them() -> None:
    saved = save_net("checkpoints/any.safetensors", OF_ANY)
    opened = paintings()
    start = beginning(settings_of(OF_TWO, "any"), opened)
    net = start.net
    assert isinstance(net, ManyNet)
    for name in ("low_in", "low_out", "base.out.weight"):
        assert torch.equal(net.state_dict()[name], saved[name])
    maker = load_checkpoint(Path("checkpoints/any.safetensors")).net
    assert isinstance(maker, AnyNet)
    moments = painting_moments(moments_network(), opened[0])
    expected = maker.predict(moments, torch.tensor([9.0]), torch.tensor([300.0]))[0]
    torch.testing.assert_close(net.embeddings[0], expected)
    # beyond what it was trained with: the nearest that it was
    moments = painting_moments(moments_network(), load_painting("p1.png", 256))
    expected = maker.predict(moments, torch.tensor([2.0]), torch.tensor([256.0]))[0]
    torch.testing.assert_close(net.embeddings[1], expected, rtol=0.05, atol=0.05)


def test_styles_of_another_file_keep_their_rows_by_name() -> None:
    three = {"name": "many", "arguments": {**NET, "styles": 3}}
    told = {"image": "a.png", "size": 300, "style_weight": 6.0}
    named = [{"name": name, **told} for name in ("two", "other", "third")]
    saved = save_net("many.safetensors", three, styles=named)
    net = beginning(settings_of(OF_TWO, "many.safetensors"), paintings()).net
    assert isinstance(net, ManyNet)
    assert torch.equal(net.embeddings[1], saved["embeddings"][0])
    assert bool((net.embeddings[0] == 0).all())


def test_a_resumed_run_needs_no_file() -> None:
    save_net("checkpoints/any.safetensors", OF_ANY)
    settings = settings_of(OF_TWO, "any")
    before = beginning(settings, paintings())
    Path("checkpoints/any.safetensors").unlink()
    after = beginning(settings | {"resume": "runs/both/1/resume/step=3.ckpt"}, paintings())
    assert after.init == before.init == {"init": "any", "init_sha256": settings["init_sha256"]}


@pytest.mark.parametrize("init", ["wide.safetensors", "rank.safetensors", "nearest.safetensors",
                                  "missing.safetensors", "nothing"])  # fmt: skip
def test_what_does_not_fit_or_is_not_there_is_one_line(init: str) -> None:
    save_style(Path("wide.safetensors"), 1, width=6)
    save_style(Path("nearest.safetensors"), 1, upsampling="nearest")  # type: ignore[arg-type]
    save_net("rank.safetensors", {"name": "any", "arguments": {**OF_ANY["arguments"], "rank": 3}})
    with pytest.raises(FstError) as caught:
        beginning(settings_of(OF_TWO, init), paintings())
    assert init.partition(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_net_for_any_painting_it_is_said_what_else_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: (Path("checkpoints"),))
    with pytest.raises(InputError, match="any") as caught:
        beginning(settings_of(OF_TWO, "any"), [])
    assert "init=base" in str(caught.value)


@pytest.mark.parametrize(
    ("there", "net", "expected"),
    [
        ((), OF_TWO, None),
        (("base",), OF_TWO, "base"),
        (("base", "any"), OF_TWO, "any"),
        (("base", "any"), OF_ANY, "base"),
        (("any",), OF_ANY, None),
    ],
)
def test_who_says_nothing_begins_with_what_fits(
    there: tuple[str, ...],
    net: dict[str, Any],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: (Path("checkpoints"),))
    if "base" in there:
        save_style(Path("checkpoints/base.safetensors"), 1, upsampling="bilinear")  # type: ignore[arg-type]
    if "any" in there:
        save_net("checkpoints/any.safetensors", OF_ANY)
    settings = settings_of(net, "base")  # as an experiment says
    usual_init(settings, ["style.name"])
    assert settings["init"] == expected
    settings = settings_of(net, "mine")
    usual_init(settings, ["init"])
    assert settings["init"] == "mine"


def test_what_is_shipped_does_not_begin_a_net_of_another_width() -> None:
    settings = settings_of(OF_TWO, "base")
    usual_init(settings, [])
    assert settings["init"] is None
    usual = {**OF_TWO["arguments"], "width": 32, "residual_blocks": 5, "rank": 8}
    settings = settings_of({"name": "many", "arguments": usual}, None)
    usual_init(settings, [])
    assert settings["init"] in ("any", "base")


def test_a_file_of_many_styles_is_named_as_any_checkpoint() -> None:
    styles = [{**row, "image": f"{row['name']}.jpg"} for row in reversed(ROWS)]
    weights = save_net("checkpoints/gallery.safetensors", OF_TWO, styles=styles)
    began = beginning(settings_of(OF_TWO, "gallery"), [])
    assert torch.equal(began.net.state_dict()["embeddings"], weights["embeddings"].flip(0))
    assert began.init["init"] == "gallery"
    shared = beginning(settings_of(OF_ANY, "gallery"), []).net.state_dict()
    assert torch.equal(shared["low_in"], weights["low_in"])
