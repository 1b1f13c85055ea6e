"""fst.training.many.session: trainings of many styles, from the settings to the finished file."""

import csv
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback
from PIL import Image
from support import make_photo
from tiny_runs import KillAt, Killed, save_style, training_settings

from fst.data.module import PhotoDataModule
from fst.errors import InputError
from fst.loss_networks.sources import WEIGHTS
from fst.losses.moments import moments_network
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.nets.conditional import AnyNet, ManyNet
from fst.styles.reproduce import training_arguments
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint
from fst.training.many.session import train_many
from fst.training.parts import Parts
from fst.training.reporting.curve import CurveCSV
from fst.training.reporting.page import RunPage
from fst.training.reporting.previews import Previews
from fst.training.resume import own_settings
from fst.training.runs import Run
from fst.training.trainer import make_trainer

pytestmark = pytest.mark.usefixtures("offline")

NET = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2}
LAYERS = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}
STEPS = 8


@pytest.fixture(autouse=True)
def here(tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder with eleven paintings, of which one can be held out, and twelve photos."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paintings").mkdir()
    for i in range(11):
        make_photo(120, 96, seed=100 + i).save(tmp_path / "paintings" / f"painting_{i}.png")


def tiny(settings: dict[str, Any], **arguments: int) -> dict[str, Any]:
    settings["net"]["arguments"] = {**NET, **arguments}
    settings["loss"] |= {"weights": "random", "slim_share": 0.5}
    return settings | {"precision": "fp32", "learning_rate": 2e-3, "warmup_steps": 0}


@pytest.fixture
def of_any() -> dict[str, Any]:
    """Settings of a net for any painting: the slim network judges the first half."""
    settings = tiny(training_settings(style="any"), predictor_width=8)
    settings["paintings"] |= {"path": "paintings", "sizes": [96], "variants": 2, "mixed": 0.5}
    settings["paintings"]["cache"] = "measured"
    return settings


@pytest.fixture
def of_two() -> dict[str, Any]:
    """Settings of a net of two paintings."""
    settings = tiny(training_settings("style.name=both", style="_several"), styles=2)
    settings["style"]["size"] = 64
    return settings | {"styles": ["paintings/painting_0.png", "paintings/painting_1.png"]}


def parts(shown: dict[str, str], *callbacks: Callback, previews: bool = False) -> Parts:
    """Real ones, on a CPU; ``shown`` gets what the page is told."""

    def trainer(run: Run, loggers: Any, settings: dict[str, str]) -> Any:
        shown.update(settings)
        made = make_trainer(run, loggers, STEPS, "cpu", log_every=1, val_every=4,
                            checkpoint_every=3, preview_every=100, settings=settings)  # fmt: skip
        ours: Any = made.callbacks  # type: ignore[attr-defined]
        ours[:] = [*callbacks, *(c for c in ours if previews or not isinstance(c, OTHERS))]
        return made

    return Parts(
        make_loss=partial(PerceptualLoss, style_weight=6.0, **LAYERS),
        data=PhotoDataModule("folder", "photos", size=16, batch_size=2, val_photos=3),
        make_trainer=trainer,
        make_loggers=[CurveCSV],
    )


OTHERS = (Previews, RunPage)


def only_run(style: str) -> Path:
    (folder,) = Path("runs", style).iterdir()
    return folder


def validations(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["val/total"]) for row in csv.DictReader(file) if row["val/total"]]


def killed_and_resumed(settings: dict[str, Any], style: str, *moments: KillAt) -> Path:
    """The folder of a run that is killed at every moment, and goes on after each."""
    for number, moment in enumerate(moments):
        with pytest.raises(Killed):
            train_many(settings, parts({}, moment))
        folder = only_run(style)
        settings = own_settings(folder) | {"resume": str(folder)}
        if number == 0:  # of which a resumed run needs none
            Path("checkpoints/any.safetensors").unlink(missing_ok=True)
    assert train_many(settings, parts({}))
    return only_run(style)


def moved(folder: str) -> None:
    for name in ("runs", "checkpoints"):
        Path(name).rename(f"{folder}_{name}")


def assert_same_runs(style: str, folder: Path) -> None:
    (whole,) = Path("whole_runs", style).iterdir()
    assert (folder / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    first, second = (load_checkpoint(place / f"{style}.safetensors") for place in (folder, whole))
    assert first.digest == second.digest


# --- any painting --------------------------------------------------------------------------------


def test_a_net_for_any_painting_is_trained_and_tells_how(of_any: dict[str, Any]) -> None:
    save_style(Path("base.safetensors"), 1, upsampling="bilinear")  # type: ignore[arg-type]
    of_any |= {"init": "base.safetensors"}
    shown: dict[str, str] = {}
    assert train_many(of_any, parts(shown, previews=True))
    trained = load_checkpoint(Path("checkpoints/any.safetensors"))
    net, about = trained.net, trained.description
    assert isinstance(net, AnyNet)
    assert about["style"] == {"name": "any"}
    assert about["net"] == {"name": "any", "arguments": {**NET, "predictor_width": 8}}
    (held_out,) = about["paintings"].pop("held_out")
    assert held_out in [path.stem for path in Path("paintings").iterdir()]
    assert about["paintings"] == {
        "count": 10, "sizes": [96], "variants": 2, "mixed": 0.5,
        "style_weights": [2, 40], "network": moments_network().sha256,
    }  # fmt: skip
    assert about["training"]["steps"] == STEPS
    assert about["training"]["init"] == "base"
    assert about["training"]["slim_steps_share"] == 0.5
    assert about["loss"]["style_weight"] == 6.0
    # its predictor knows how these paintings differ
    assert len(validations(only_run("any"))) == 3
    assert float(net.predictor.spread.max()) > 0.05
    assert not torch.equal(net.predictor.spread, torch.ones_like(net.predictor.spread))
    assert float(net.predictor.last.weight.abs().max()) > 0
    # the page tells the same
    assert {"paintings", "style weights", "photos", "judge", "net", "precision"} <= shown.keys()
    for fact in ("10 of paintings", "1 more held out", "2 variants", "96 px"):
        assert fact in shown["paintings"]
    assert "2 to 40" in shown["style weights"]
    page = (only_run("any") / "index.html").read_text()
    assert "any painting" in page
    with Image.open(only_run("any") / "previews" / "step_000008.png") as preview:
        # a column for the painting, a row for the photos
        assert preview.size == (3 * (16 + 4) + 4, 2 * (16 + 4) + 4)
    with pytest.raises(InputError, match="net of many styles"):
        training_arguments(about)
    # the same once more is refused before paintings are measured
    with pytest.raises(InputError, match="overwrite"):
        train_many(of_any, parts({}))


def test_a_killed_training_of_any_painting_goes_on_as_if_nothing_had_happened(
    of_any: dict[str, Any],
) -> None:
    assert train_many(dict(of_any), parts({}))
    moved("whole")
    moments = (KillAt(step=5), KillAt(validation=4), KillAt(step=7))
    assert_same_runs("any", killed_and_resumed(of_any, "any", *moments))


def test_a_run_goes_on_with_the_paintings_that_it_began_with(of_any: dict[str, Any]) -> None:
    with pytest.raises(Killed):
        train_many(of_any, parts({}, KillAt(step=4)))
    settings = own_settings(only_run("any")) | {"resume": str(only_run("any"))}
    make_photo(120, 96, seed=1000).save("paintings/another.png")
    with pytest.raises(InputError, match="other paintings") as caught:
        train_many(settings, parts({}))
    assert "\n" not in str(caught.value)


def test_a_frozen_net_learns_its_predictor_alone(of_any: dict[str, Any]) -> None:
    saved = save_style(Path("base.safetensors"), 1, upsampling="bilinear")  # type: ignore[arg-type]
    of_any |= {"init": "base.safetensors", "freeze": True}
    assert train_many(of_any, parts({}))
    net = load_checkpoint(Path("checkpoints/any.safetensors")).net
    assert isinstance(net, AnyNet)
    for name, weight in saved.state_dict().items():
        assert torch.equal(net.base.state_dict()[name], weight)
    assert float(net.predictor.last.weight.abs().max()) > 0


def test_an_any_net_goes_on_with_its_own_standards(of_any: dict[str, Any]) -> None:
    net = make_net("any", {**NET, "predictor_width": 8}).requires_grad_(False)
    assert isinstance(net, AnyNet)
    net.predictor.center.fill_(0.25)
    about = {"net": {"name": "any", "arguments": {**NET, "predictor_width": 8}},
             "style": {"name": "any"}}  # fmt: skip
    save_checkpoint(Path("before.safetensors"), TrainedStyle(net, about))
    assert train_many(of_any | {"init": "before.safetensors"}, parts({}))
    trained = load_checkpoint(Path("checkpoints/any.safetensors")).net
    assert isinstance(trained, AnyNet)
    assert torch.equal(trained.predictor.center, net.predictor.center)


# --- styles that are named -----------------------------------------------------------------------


def test_a_net_of_several_styles_has_a_row_for_each(of_two: dict[str, Any]) -> None:
    shown: dict[str, str] = {}
    assert train_many(of_two, parts(shown, previews=True))
    trained = load_checkpoint(Path("checkpoints/both.safetensors"))
    net, about = trained.net, trained.description
    assert isinstance(net, ManyNet)
    assert about["style"] == {"name": "both"}
    assert about["net"]["arguments"] == {**NET, "styles": 2}
    assert [row["name"] for row in about["styles"]] == ["painting_0", "painting_1"]
    for row in about["styles"]:
        assert (row["size"], row["style_weight"]) == (64, 6.0)
        assert row["image"].endswith(f"{row['name']}.png")
        assert len(row["image_sha256"]) == 64
        assert row["title"] is row["painter"] is row["year"] is row["rights"] is None
    assert float(net.embeddings.abs().amin(0).amax()) > 0
    assert not torch.equal(net.embeddings[0], net.embeddings[1])
    totals = validations(only_run("both"))
    assert totals[-1] < totals[0]
    for fact in ("painting_0", "painting_1", "64 px"):
        assert fact in shown["styles"]


def test_a_killed_training_of_several_styles_goes_on_as_if_nothing_had_happened(
    of_two: dict[str, Any],
) -> None:
    torch.manual_seed(3)
    net = make_net("any", {**NET, "predictor_width": 8}).requires_grad_(False)
    about = {"net": {"name": "any", "arguments": {**NET, "predictor_width": 8}},
             "style": {"name": "any"}}  # fmt: skip
    Path("checkpoints").mkdir()
    save_checkpoint(Path("checkpoints/any.safetensors"), TrainedStyle(net, about))
    Path("copy.safetensors").write_bytes(Path("checkpoints/any.safetensors").read_bytes())
    of_two |= {"init": "any", "ema": 0.9}
    assert train_many(dict(of_two), parts({}))
    moved("whole")
    Path("checkpoints").mkdir()
    Path("copy.safetensors").rename("checkpoints/any.safetensors")
    moments = (KillAt(step=4), KillAt(step=7))
    assert_same_runs("both", killed_and_resumed(of_two, "both", *moments))


def test_the_slim_network_alone_may_judge(of_two: dict[str, Any]) -> None:
    of_two["loss"] |= {"weights": "slim", "slim_share": None}
    assert train_many(of_two, parts({}))
    about = load_checkpoint(Path("checkpoints/both.safetensors")).description
    assert about["loss"]["loss_network"]["weights"] == "slim"
    assert WEIGHTS["slim"].architecture in about["loss"]["loss_network"].values()
