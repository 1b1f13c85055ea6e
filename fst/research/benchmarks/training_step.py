"""What ``fst benchmark train`` times: our training step, the textbook's, and their memory.

Ours is the step of ``fst train`` with its defaults: net, optimizers, schedule, guard against values
that are not finite, and the term against the upsampling's pattern; judged by VGG-19 and by the slim
network, between which a hybrid training divides its steps. The textbook's is the same net as the
literature trains it. Neither has what a run shows and writes.
"""

import io
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.data.module import PhotoDataModule
from fst.errors import AssetError, InputError
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.nets.johnson import JohnsonNet
from fst.research.benchmarks.defaults import default_net
from fst.research.benchmarks.our_step import our_step
from fst.research.benchmarks.rounds import Work, peak_bytes
from fst.research.benchmarks.textbook import TextbookLoss, TextbookNet, textbook_step
from fst.styles.catalog import find_style
from fst.styles.objective import style_target
from fst.system.device import pick_device, pick_precision
from fst.system.memory import is_out_of_memory, keep_freed_memory
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is trained: plain values, so that a process of its own can be told them.

    ``photos`` is a folder; None takes ``photos/train`` of the assets, or else the samples.
    ``workers`` are threads that decode ahead.
    """

    style: str = "monet"
    batch: int = 4
    size: int = 256
    width: int = 32
    photos: str | None = None
    device: str = "auto"
    weights: str = "auto"
    workers: int = 0


@dataclass(frozen=True)
class Variant:
    """A way to take a step: ``kind`` is ``"textbook"``, ``"bf16"`` or ``"fp32"``.

    With ``data`` every step draws its own photos; without, all take the same batch. ``slim`` is
    judged by the slim network.
    """

    kind: str
    data: bool = False
    compiled: bool = False
    slim: bool = False

    @property
    def name(self) -> str:
        """As it stands in the table."""
        how = " slim" * self.slim + " + data" * self.data
        return "compile " * self.compiled + self.kind + how

    @property
    def yardstick(self) -> "Variant":
        """The textbook's step that this one is compared with."""
        return Variant("textbook", self.data)


def pick_kinds(precision: str, device: torch.device) -> list[str]:
    """The precisions to measure, of ``auto``, ``fp32``, ``bf16``, and ``both``.

    ``"both"`` is float32 alone where the hardware does not gain by bf16.
    """
    auto = pick_precision("auto", device)
    if precision == "both":
        return [kind for kind, dtype in DTYPES.items() if dtype in (auto, torch.float32)]
    dtype = pick_precision(precision, device)
    return [kind for kind in DTYPES if DTYPES[kind] == dtype]


def training_cases(kinds: Iterable[str], compiled: bool, slim: bool = False) -> list[Variant]:
    """The rows of the table: every precision on a ready batch, with data, by slim, and compiled."""
    kinds = list(kinds)
    cases = [Variant(kind) for kind in kinds] + [Variant(kind, data=True) for kind in kinds]
    cases += [Variant(kind, slim=True) for kind in kinds if slim]
    return cases + [Variant(kind, compiled=True) for kind in kinds if compiled]


class TrainingBench:
    """The steps that are compared: the same painting, net, VGG-19 and photos for all.

    Args:
        settings: what is trained.
        recipe: how ours is trained; None is the default of ``fst train``.

    Raises:
        InputError: no photos, an unknown style or device, a size that is too small.
        AssetError: neither the painting nor its portrait, or no VGG-19, can be had.
    """

    def __init__(self, settings: BenchmarkSettings, recipe: Recipe | None = None) -> None:
        self.settings, self.recipe = settings, recipe or Recipe()
        self.device = pick_device(settings.device)
        style = find_style(settings.style)
        if style.image is None:
            raise InputError(f"{settings.style} has no painting to train on")
        self.painting = style_target(style.image, style.size)
        self._style_weights: dict[str, Any] = {**style.weights}
        self._losses: dict[tuple[torch.dtype, bool, bool], PerceptualLoss] = {}
        self._steps: dict[tuple[str, bool, bool], Callable[[Tensor], object]] = {}
        self.photos = _open_photos(settings)
        if self.device.type != "cpu":  # a trainer tells the loader where photos are cropped
            place: Any = SimpleNamespace(root_device=self.device)
            self.photos.trainer = SimpleNamespace(  # type: ignore[assignment]
                global_step=0, max_steps=-1, global_rank=0, world_size=1, strategy=place
            )
        self.batch: Tensor = next(self._batches()).to(self.device)

    def run(self, variant: Variant) -> Work:
        """The variant's step; variants that differ in their photos alone train the same net."""
        key = (variant.kind, variant.compiled, variant.slim)
        if key not in self._steps:
            make = self._textbook if variant.kind == "textbook" else self._ours
            self._steps[key] = make(variant)
        step, batch, device = self._steps[key], self.batch, self.device
        if not variant.data:
            return lambda: step(batch)
        batches = self._batches()
        return lambda: step(next(batches).to(device, non_blocking=True))

    def _batches(self) -> Iterator[Tensor]:
        return iter(self.photos.train_dataloader())

    def told(self) -> list[str]:
        """What is timed, in two lines."""
        net, recipe, loss = self._net(), self.recipe, self._loss(torch.float32)
        return [
            f"ours, a step of fst train: johnson of width {net.out.in_channels}, {net.upsampling} "
            f"upsampling; {recipe.optimizer}, {recipe.schedule} rate from "
            f"{recipe.learning_rate:g}, pattern weight {recipe.pattern_weight:g}, bad steps left "
            f"out; judged by {loss.vgg.architecture} ({loss.vgg.source}), style weight "
            f"{loss.style_weight:g}, painting at {max(self.painting.shape[2:])} px. Not timed: "
            "validation, previews, checkpoints, curves",
            "the textbook's: the same net, loss network and painting; Adam, no pattern term, no "
            "guard",
        ]

    def _loss(
        self, dtype: torch.dtype, compiled: bool = False, slim: bool = False
    ) -> PerceptualLoss:
        key = (dtype, compiled, slim)  # compiling happens in place
        if key not in self._losses:
            weights = "slim" if slim else self.settings.weights
            loss = PerceptualLoss(
                self.painting, weights=weights, dtype=dtype, **self._style_weights
            )
            self._losses[key] = loss.to(self.device)
        return self._losses[key]

    def _net(self) -> JohnsonNet:
        torch.manual_seed(0)
        about = default_net()
        arguments = {**about["arguments"], "width": self.settings.width}
        net = make_net(about["name"], arguments)
        assert isinstance(net, JohnsonNet)
        return net.to(self.device)

    def _ours(self, variant: Variant) -> Callable[[Tensor], object]:
        dtype = DTYPES[variant.kind]
        loss = self._loss(dtype, variant.compiled, variant.slim)
        module = StyleTransferModule(self._net(), loss, self.recipe, dtype)
        if variant.compiled:
            torch.compiler.config.force_disable_caches = True  # what an earlier run left behind
            module.compile()
        return our_step(module)

    def _textbook(self, variant: Variant) -> Callable[[Tensor], object]:
        net = TextbookNet.like(self._net())
        loss = TextbookLoss(self._loss(torch.float32), self.painting)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        return lambda photos: textbook_step(net, loss, optimizer, photos)


def _open_photos(settings: BenchmarkSettings) -> PhotoDataModule:
    source, path = "folder", settings.photos
    if path is None:
        try:
            path = str(assets.find("photos", "train"))
        except AssetError:
            source = "sample"
    data = PhotoDataModule(
        source, path, settings.size, settings.batch, val_photos=1, num_workers=settings.workers
    )
    data.setup()
    return data


def tune_process(device: torch.device) -> None:
    """What a training of ours sets for its whole process, once; see fst/training/trainer.py."""
    keep_freed_memory()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True


def peak_memory(settings: BenchmarkSettings, variant: Variant) -> float:
    """Peak memory of two steps in a fresh process, in MB (10^6 bytes).

    On a GPU what torch held there; else the resident set of the whole process. The textbook's
    process is left as torch has it, ours is tuned as a training of ours is.

    Raises:
        InputError: there is not enough memory.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_peak_of_this_process, settings, variant).result()
        except (BrokenProcessPool, RuntimeError) as error:
            if not (isinstance(error, BrokenProcessPool) or is_out_of_memory(error)):
                raise
            raise InputError(
                f"not enough memory for {variant.name}: lower batch or size"
            ) from error


def _peak_of_this_process(settings: BenchmarkSettings, variant: Variant) -> float:
    with redirect_stdout(io.StringIO()):  # the parent has said it all
        device = pick_device(settings.device)
        if variant.kind != "textbook":
            tune_process(device)
        run = TrainingBench(settings).run(variant)
        for _ in range(2):
            run()
    return peak_bytes(device) / 1e6
