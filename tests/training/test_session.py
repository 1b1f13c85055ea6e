"""fst.training.session: each step of a training on its own, and their order."""

import hashlib
import math
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import Callback
from support import make_photo
from tiny_runs import ARGUMENTS, digest_of, save_style, training_settings
from torch import Tensor

from fst.data.module import PhotoDataModule
from fst.errors import DivergedError, FstWarning, InputError
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.calibration import Calibration
from fst.styles.trained import load_checkpoint
from fst.training import session
from fst.training.parts import Parts
from fst.training.reporting.curve import CurveCSV
from fst.training.runs import Run
from fst.training.session import Judges
from fst.training.trainer import make_trainer
from fst.training.unfinished import FAILED

pytestmark = pytest.mark.usefixtures("offline")

LAYERS = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a tiny training in an empty folder, whose painting is there."""
    monkeypatch.chdir(tmp_path)
    make_photo(48, 40, seed=99).save(tmp_path / "mine.png")
    settings = training_settings("style.name=mine", "style.image=mine.png", "style.size=24")
    settings["net"]["arguments"] = dict(ARGUMENTS)
    settings["loss"]["weights"] = "random"
    settings["precision"] = "fp32"
    return settings


class Asked:
    """What a configured loss is asked for; gives no real losses, but says of what they are."""

    def __init__(self) -> None:
        self.weights: list[str] = []
        self.targets: list[Tensor] = []

    def __call__(self, target: Any, weights: str, dtype: torch.dtype) -> Any:
        assert dtype == torch.bfloat16
        self.weights.append(weights)
        self.targets.append(target)
        return SimpleNamespace(weights=weights)


def judges_of(settings: dict[str, Any], make_loss: Any) -> Judges:
    parts: Any = SimpleNamespace(make_loss=make_loss)
    return session.make_judges(settings, parts, torch.bfloat16)


# --- the judges ----------------------------------------------------------------------------------


def test_one_loss_judges_all_steps(settings: dict[str, Any]) -> None:
    asked = Asked()
    judges = judges_of(settings, asked)
    assert (asked.weights, judges.early, judges.share) == (["random"], None, 0.0)
    assert asked.targets[0].shape == (1, 3, 20, 24)  # the painting, at the size asked for
    assert "painting" not in settings["style"]


def test_a_schedule_lets_the_slim_network_judge_first(settings: dict[str, Any]) -> None:
    settings["loss"]["slim_share"] = 0.25
    asked = Asked()
    judges = judges_of(settings, asked)
    early: Any = judges.early
    assert sorted(asked.weights) == ["random", "slim"]
    assert (judges.loss.weights, early.weights, judges.share) == ("random", "slim", 0.25)


def test_the_slim_network_does_not_come_before_itself(settings: dict[str, Any]) -> None:
    settings["loss"] |= {"slim_share": 0.25, "weights": "slim"}
    asked = Asked()
    with pytest.raises(InputError, match=r"loss\.slim_share") as caught:
        judges_of(settings, asked)
    assert "slim" in str(caught.value)
    assert asked.weights == []


def test_the_slim_network_comes_before_vgg16_too(settings: dict[str, Any]) -> None:
    settings["loss"] |= {"slim_share": 0.25, "network": "vgg16"}
    layers = {"content_layers": "relu2_2", "style_layers": "relu1_2,relu2_2"}
    judges = judges_of(settings, partial(PerceptualLoss, **{"network": "vgg16", **layers}))
    assert judges.early is not None
    of = [judge.describe()["loss_network"]["architecture"] for judge in judges[:2]]  # type: ignore
    assert of == ["vgg16", "vgg19-slim"]


def test_what_stands_in_for_a_painting_is_told(settings: dict[str, Any]) -> None:
    settings["style"] |= {"image": "monet_woman_with_a_parasol.jpg", "size": 64}
    with pytest.warns(FstWarning, match=r"parasol\.jpg"):
        judges_of(settings, asked := Asked())
    assert isinstance(asked.targets[0], Tensor)
    assert "portrait" in settings["style"]["painting"]


# --- the weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [((2.0, None), (2.0, 6.0)), ((None, 9.0), (1.0, 9.0)), ((0.0, 3.0), (0.0, 3.0))],
)
def test_a_weight_that_is_given_is_taken_and_the_other_is_the_plain_one(
    given: tuple[float | None, float | None],
    expected: tuple[float, float],
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style = settings["style"]
    style |= dict(zip(("content_weight", "style_weight"), given, strict=True))
    monkeypatch.setattr(session, "calibrate_once", None)  # nobody asks it
    nobody: Any = None
    session.weigh(settings, nobody, nobody, nobody)
    assert (style["content_weight"], style["style_weight"]) == expected
    assert style["strength_target"] is None


def weighed(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, rank: int, folder: Path
) -> tuple[list[Any], PerceptualLoss, PerceptualLoss]:
    """What the pilot was asked, and the two judges; the pilot finds a weight of 7."""
    settings["style"]["strength_target"] = 0.4
    asked: list[Any] = []

    def pilot(loss: PerceptualLoss, crops: Any, strength: float, record: Path) -> Calibration:
        asked.append((loss, crops, strength, record))
        loss.style_weight = 7.0
        return Calibration(7.0, 0.4, 0.1, 0.3, 0.52, 9)

    monkeypatch.setattr(session, "calibrate_once", pilot)
    monkeypatch.setattr(session, "process_rank", lambda: rank)
    painting = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    loss, early = (PerceptualLoss(painting, weights="random", **LAYERS) for _ in range(2))
    data: Any = SimpleNamespace(pilot_crops=lambda count: ["held out"] * count)
    run = Run(folder, folder / "mine.safetensors", None)
    session.weigh(settings, Judges(loss, early, 0.5), data, run)
    return asked, loss, early


def test_the_last_judge_is_calibrated_on_held_out_photos_and_the_first_one_follows(
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked, loss, early = weighed(settings, monkeypatch, 0, tmp_path)
    assert asked == [(loss, ["held out"] * 4, 0.4, tmp_path / "calibration.json")]
    style = settings["style"]
    assert (style["content_weight"], style["style_weight"]) == (1.0, 7.0)
    assert style["calibration"] == {
        "photos": 9,
        "content": 0.4,
        "least": 0.3,
        "most": 0.52,
    }
    assert "from 0.30 to 0.52 over 9 photos" in capsys.readouterr().out
    assert style["strength_target"] == 0.4
    assert (loss.style_weight, early.style_weight) == (7.0, 7.0)


def test_of_several_processes_the_first_one_calibrates(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, loss, early = weighed(settings, monkeypatch, 1, tmp_path)
    assert asked == []
    assert (loss.style_weight, early.style_weight) == (6.0, 6.0)


# --- the whole -----------------------------------------------------------------------------------


def parts_of(settings: dict[str, Any], photos: Path, shown: dict[str, Any], **others: Any) -> Parts:
    """Real ones, on a CPU; ``shown`` gets what the page is told, the trainer ``others``."""

    def trainer(run: Run, loggers: Any, settings: dict[str, str]) -> Any:
        shown.update(settings)
        small: dict[str, Any] = {"max_steps": 2, "val_every": 2, "preview_every": 100}
        small |= {"checkpoint_every": 2, **others}
        return make_trainer(run, loggers, device="cpu", settings=settings, **small)

    return Parts(
        make_loss=partial(PerceptualLoss, style_weight=3.0, **LAYERS),
        data=PhotoDataModule("folder", str(photos), size=16, batch_size=2, val_photos=2),
        make_trainer=trainer,
        make_loggers=[CurveCSV],
    )


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_without_photos_nothing_is_made_on_disk(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = left(tmp_path)
    with pytest.raises(InputError, match="empty"):
        session.train(settings, parts_of(settings, tmp_path / "empty", {}))
    assert left(tmp_path) == before


def test_a_beginning_that_does_not_fit_makes_nothing_on_disk(
    settings: dict[str, Any], photo_folder: Path, tmp_path: Path
) -> None:
    save_style(tmp_path / "narrow.safetensors", 0, width=2)
    settings["init"] = "narrow.safetensors"
    before = left(tmp_path)
    with pytest.raises(InputError, match="width"):
        session.train(settings, parts_of(settings, photo_folder, {}))
    assert left(tmp_path) == before


def test_a_training_ends_with_a_style_that_tells_all_of_it(
    settings: dict[str, Any], photo_folder: Path, tmp_path: Path
) -> None:
    saved = save_style(tmp_path / "base.safetensors", 1).state_dict()
    settings |= {"init": "base.safetensors", "seed": 4}
    settings["style"]["style_weight"] = 3.0
    shown: dict[str, Any] = {}
    assert session.train(settings, parts_of(settings, photo_folder, shown))
    style = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors")
    about = style.description
    assert about["training"]["steps"] == 2
    assert (about["training"]["init"], about["training"]["init_sha256"]) == (
        "base",
        digest_of(saved),
    )
    assert about["recipe"]["seed"] == 4
    assert about["net"] == {"name": "johnson", "arguments": ARGUMENTS}
    assert (about["style"]["style_weight"], about["loss"]["style_weight"]) == (3.0, 3.0)
    assert all(math.isfinite(value) for value in about["objective"].values())
    assert any(not torch.equal(w, saved[n]) for n, w in style.net.state_dict().items())
    (run,) = (tmp_path / "runs" / "mine").iterdir()
    assert {"config.yaml", "metrics.csv", "resume"} <= left(run)
    # and the page tells the same
    facts = {
        "painting": ("mine.png", "24 px"),
        "photos": ("folder", "2 a step", "16 px"),
        "judge": ("random",),
        "weights": ("content 1", "style 3", "tv 0.5"),
        "net": ("johnson", "4"),
        "precision": ("fp32",),
    }
    assert shown.keys() == facts.keys()
    for name, expected in facts.items():
        for fact in expected:
            assert fact in shown[name]
    # the same name once more is refused before anything is computed
    with pytest.raises(InputError, match="overwrite"):
        session.train(settings, parts_of(settings, photo_folder, shown))
    assert len(list((tmp_path / "runs" / "mine").iterdir())) == 1


def test_a_run_whose_time_is_up_has_ended_as_planned(
    settings: dict[str, Any], photo_folder: Path, tmp_path: Path
) -> None:
    settings["style"]["style_weight"] = 3.0
    limited = {"max_steps": 9, "max_time": "00:00:00:00"}
    assert session.train(settings, parts_of(settings, photo_folder, {}, **limited))
    assert not list((tmp_path / "checkpoints").iterdir())  # the last step is not done
    (run,) = (tmp_path / "runs" / "mine").iterdir()
    assert not (run / FAILED).exists()


class Interrupting(Callback):
    """A signal while a step is taken."""

    def on_train_batch_start(self, *_: Any) -> None:
        signal.raise_signal(signal.SIGINT)


def test_a_run_that_a_signal_stopped_is_none_however_long_it_might_have_taken(
    settings: dict[str, Any], photo_folder: Path
) -> None:
    settings["style"]["style_weight"] = 3.0
    parts = parts_of(settings, photo_folder, {}, max_steps=9, max_time="01:00:00:00")

    def interrupted(*arguments: Any, **settings: Any) -> Any:
        trainer = parts.make_trainer(*arguments, **settings)
        trainer.callbacks.append(Interrupting())
        return trainer

    assert not session.train(settings, replace(parts, make_trainer=interrupted))


def test_a_run_that_failed_says_so_in_its_folder(
    settings: dict[str, Any], photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DivergedError("nothing was learned")

    monkeypatch.setattr(session, "check_learned", fail)
    settings["style"]["style_weight"] = 3.0
    with pytest.raises(DivergedError):
        session.train(settings, parts_of(settings, photo_folder, {}))
    (run,) = (tmp_path / "runs" / "mine").iterdir()
    assert (run / FAILED).read_text() == "nothing was learned\n"


def test_a_frozen_style_keeps_the_convolutions_that_it_began_with(
    settings: dict[str, Any], photo_folder: Path, tmp_path: Path
) -> None:
    saved = save_style(tmp_path / "base.safetensors", 1).state_dict()
    settings |= {"init": "base.safetensors", "freeze": True}
    settings["style"]["style_weight"] = 3.0
    shown: dict[str, Any] = {}
    assert session.train(settings, parts_of(settings, photo_folder, shown))
    style = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors")
    changed = {n for n, w in style.net.state_dict().items() if not torch.equal(w, saved[n])}
    assert changed == {name for name in saved if ".norm." in name} | {"out.bias"}
    assert style.description["recipe"]["freeze"] is True
    assert "frozen" in shown["net"]


# --- the painting of a run -----------------------------------------------------------------------


def test_a_resumed_run_wants_the_painting_that_it_began_with(settings: dict[str, Any]) -> None:
    style = settings["style"]
    first = session.the_painting(style)
    file = Path("mine.png")
    assert style["image_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert torch.equal(session.the_painting(style), first)
    make_photo(48, 40, seed=1).save(file)
    with pytest.warns(FstWarning, match="checksum"), pytest.raises(InputError, match="another"):
        session.the_painting(style)


def test_a_run_that_began_with_a_portrait_goes_on_with_it(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = settings["style"] | {"image": "monet_woman_with_a_parasol.jpg", "size": 64}
    with pytest.warns(FstWarning, match="portrait"):
        first = session.the_painting(style)
    (tmp_path / "assets" / "styles").mkdir(parents=True)
    make_photo().save(tmp_path / "assets" / "styles" / "monet_woman_with_a_parasol.jpg")
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    with pytest.warns(FstWarning, match="portrait"):
        assert torch.equal(session.the_painting(style), first)
    assert "image_sha256" not in style
