"""Trainings of a moment: a net of two layers, photos of 16 pixels; killed and resumed at will."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from lightning import Callback, LightningModule, Trainer
from omegaconf import OmegaConf
from support import ROOT
from torch import Tensor, nn

from fst.data.module import PhotoDataModule
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.nets.needs import TransformerNet
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.training.checkpoints import newest_whole, read_resumable
from fst.training.fit import fit
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe
from fst.training.reporting.curve import CurveCSV
from fst.training.reporting.page import RunPage
from fst.training.reporting.previews import Previews
from fst.training.runs import Run, prepare_run
from fst.training.trainer import make_trainer

Row = dict[str, str]

ARGUMENTS = {"width": 4, "residual_blocks": 1}
"""Of a tiny net of ours."""


def training_settings(*overrides: str, style: str = "monet") -> dict[str, Any]:
    """All settings of a training, composed as the command does it."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", [f"style={style}", "trainer.device=cpu", *overrides])
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return dict(plain)


def save_style(path: Path, seed: int, painting: Path | None = None, **arguments: int) -> JohnsonNet:
    """Writes a style of weights that half precision holds exactly; its painting may be known."""
    net = JohnsonNet(**ARGUMENTS | arguments).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for weight in net.parameters():
        weight.copy_(torch.randint(-64, 64, weight.shape, generator=generator) / 128)
    about = {
        "net": {"name": "johnson", "arguments": {**ARGUMENTS, **arguments}},
        "style": {"name": path.stem} | ({"image": str(painting)} if painting else {}),
    }
    path.parent.mkdir(exist_ok=True)
    save_checkpoint(path, TrainedStyle(net, about))
    return net


def digest_of(weights: dict[str, Tensor]) -> str:
    """Of a net's weights, as a style tells it."""
    return hashlib.sha256(b"".join(w.numpy().tobytes() for w in weights.values())).hexdigest()


class TinyNet(nn.Module):
    """Two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, photos: Tensor) -> Tensor:
        painted: Tensor = torch.sigmoid(self.last(torch.relu(self.first(photos))))
        return painted


class DeepNet(TinyNet, TransformerNet):
    """Three convolutions; the one in the middle is what Muon takes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 3, 3, padding=1)

    def matrices(self) -> list[Tensor]:
        return [self.middle.weight]

    def forward(self, photos: Tensor) -> Tensor:
        features = torch.relu(self.middle(torch.relu(self.first(photos))))
        painted: Tensor = torch.sigmoid(self.last(features))
        return painted


class RestlessNet(DeepNet):
    """A net that draws from every global generator while it trains."""

    def forward(self, photos: Tensor) -> Tensor:
        painted = super().forward(photos)
        if not self.training:
            return painted
        jitter = 1 - 0.1 * (random.random() + float(np.random.rand()))
        return nn.functional.dropout(painted, 0.2) * jitter


class Endless(torch.autograd.Function):
    """The same value; an infinite gradient."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * torch.inf


def not_a_number(value: Tensor) -> Tensor:
    """The term, spoiled."""
    return value * torch.nan


def infinite_gradient(value: Tensor) -> Tensor:
    """The term, with a gradient that is spoiled."""
    spoiled: Tensor = Endless.apply(value)
    return spoiled


class SpoiledLoss(nn.Module):
    """A loss that goes wrong at some steps of a training."""

    def __init__(
        self,
        loss: PerceptualLoss,
        steps: Sequence[int],
        spoil: Callable[[Tensor], Tensor] = not_a_number,
        terms: Sequence[str] = ("style",),
    ) -> None:
        super().__init__()
        self.loss, self.steps, self.spoil, self.terms = loss, steps, spoil, terms
        self.step: Callable[[], int] = int

    def content_targets(self, photos: Tensor) -> dict[str, Tensor]:
        return self.loss.content_targets(photos)

    def describe(self) -> dict[str, Any]:
        return self.loss.describe()

    def forward(self, images: Tensor, targets: Mapping[str, Tensor], draw: int = 0) -> LossTerms:
        terms: LossTerms = self.loss(images, targets, draw=draw)
        if torch.is_grad_enabled() and self.step() in self.steps:
            terms = terms._replace(**{t: self.spoil(getattr(terms, t)) for t in self.terms})
        return terms


class Killed(BaseException):
    """What a killed process is to a test: nothing catches it."""


class KillAt(Callback):
    """Ends a run after a step, before its checkpoint; or in the middle of a validation."""

    def __init__(self, step: int | None = None, validation: int | None = None) -> None:
        self.step, self.validation = step, validation

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        if trainer.global_step == self.step:
            raise Killed

    def on_validation_batch_end(self, trainer: Trainer, *args: Any) -> None:
        if trainer.global_step == self.validation:
            raise Killed


class AfterStep(Callback):
    """Calls a function after every step, before its checkpoint."""

    def __init__(self, function: Callable[[int, StyleTransferModule], None]) -> None:
        self.function = function

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *args: Any) -> None:
        assert isinstance(module, StyleTransferModule)
        self.function(trainer.global_step, module)


def make_module(net: nn.Module, loss: Any, **options: Any) -> StyleTransferModule:
    """A module with the paper's Adam, but for the ``options`` of its recipe, or its own."""
    names = {field.name for field in fields(Recipe)}
    plain = {"optimizer": "adam", "learning_rate": 1e-3, "pattern_weight": 0.0}
    recipe = Recipe(**{**plain, **{key: options.pop(key) for key in names & set(options)}})
    return StyleTransferModule(net, loss, recipe, **options)


class TinyRuns:
    """Runs on the same photos, all from the same seed, each in a folder of its own.

    Without pictures and pages, which take most of so short a run.
    """

    def __init__(self, folder: Path, photos: Path, loss: nn.Module) -> None:
        self.folder, self.photos, self.loss = folder, photos, loss
        self.net: Callable[[], nn.Module] = TinyNet
        self.options: dict[str, Any] = {"schedule": "constant", "warmup_steps": 0}
        self.settings: dict[str, Any] = {"max_steps": 12, "val_every": 4, "checkpoint_every": 3}

    def new(self, name: str = "mine") -> Run:
        return prepare_run(name, self.folder / "runs", self.folder / "checkpoints")

    def data(self, **options: Any) -> PhotoDataModule:
        small = {"size": 16, "batch_size": 2, "val_photos": 2}
        return PhotoDataModule("folder", str(self.photos), **{**small, **options})

    def module(self, **options: Any) -> StyleTransferModule:
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        loss: Any = self.loss.train()  # a run that was killed may have left it in eval mode
        module = make_module(self.net(), loss, **{**self.options, **options})
        if isinstance(loss, SpoiledLoss):
            loss.step = lambda: module.global_step
        return module

    def trainer(self, run: Run, *callbacks: Callback, **settings: Any) -> Trainer:
        logger = CurveCSV(str(run.folder))
        settings = {"device": "cpu", "log_every": 1, **self.settings, **settings}
        trainer = make_trainer(run, [logger], **settings)
        ours: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        ours[:] = [*callbacks, *(c for c in ours if not isinstance(c, Previews | RunPage))]
        return trainer

    def fit(self, run: Run, *callbacks: Callback, **settings: Any) -> StyleTransferModule:
        """Trains, from the run's checkpoint if it names one, to the end."""
        module = self.module()
        trainer = self.trainer(run, *callbacks, **settings)
        assert fit(module, self.data(), trainer, run)
        module.trainer = trainer
        return module

    def kill(self, run: Run, *callbacks: Callback) -> bool:
        """Trains until a callback ends it; False where it came to its end."""
        try:
            self.fit(run, *callbacks)
        except Killed:
            return True
        return False

    def again(self, run: Run) -> Run:
        """The run, to go on from its newest checkpoint; from the start if there is none."""
        newest = newest_whole(run.checkpoints)
        if newest is None:
            (run.folder / "metrics.csv").unlink(missing_ok=True)
        return Run(run.folder, run.output, newest)


def curve(run: Run) -> str:
    """The log, as it is on disk."""
    return (run.folder / "metrics.csv").read_text()


def rows(run: Run, having: str = "train/total") -> list[Row]:
    """The rows of the log that have a value in a column."""
    lines = curve(run).splitlines()
    all_rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    return [row for row in all_rows if row[having]]


def checkpoint(run: Run, step: int | None = None) -> dict[str, Any]:
    """What is in a checkpoint on disk; in the newest."""
    newest = newest_whole(run.checkpoints)
    assert newest is not None
    return read_resumable(newest if step is None else newest.with_name(f"step={step}.ckpt"))


def same(first: Any, second: Any) -> bool:
    """Whether two nested states are equal, to the last bit."""
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and torch.equal(first, second)
    if isinstance(first, Mapping):
        keys = first.keys() == second.keys()
        return keys and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def files(run: Run) -> list[str]:
    """The names of a run's checkpoints."""
    return sorted(path.name for path in run.checkpoints.iterdir())


def assert_equal(run: Run, module: StyleTransferModule, whole: Run, twin: nn.Module) -> None:
    """The log and the weights are those of the uninterrupted run, bit for bit."""
    assert curve(run) == curve(whole)
    assert same(module.state_dict(), twin.state_dict())
