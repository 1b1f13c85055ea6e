"""Teaches a slim network to judge pictures as VGG-19 does: the losses, above all their gradients.

What a training takes from a loss network is the gradient with respect to the picture, so that is
what is matched, on pictures where a training or an optimization really comes by
(:mod:`fst.research.distillation.pictures`). Three stages, each of which begins with what the one
before gave:

1. ``prune``: in closed form, the teacher's most telling channels
   (:func:`fst.research.distillation.slim.prune`).
2. ``features``: all ReLUs, mapped linearly, match the teacher's.
3. ``gradients``: the same, and the direction of the objective's gradient, its length, and the
   terms' values. Matching derivatives needs the derivative of a derivative: the student runs in
   float32, without the hand-written backward passes of the training.

Source:
    Czarnecki et al. 2017, "Sobolev Training for Neural Networks", for matching derivatives; Wang et
    al. 2020, "Collaborative Distillation for Ultra-Resolution Universal Style Transfer", for a
    VGG-19 with a quarter of the channels and features matched through linear maps.
"""

import math
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19, in_metric
from fst.research.distillation.gradients import (
    GradientErrors,
    Judgement,
    log_ratio,
    student_gradient,
    teacher_gradient,
)
from fst.research.distillation.mixtures import Paint, mixed_pictures, regression_pictures
from fst.research.distillation.pictures import GROUP, TERMS, Batch, HalfStylized, make_styles
from fst.research.distillation.settings import DistillationSettings, DistillationStep
from fst.research.distillation.slim import RELUS, State, linear_maps, metric, plain_features, prune
from fst.research.distillation.student_net import StudentNet
from fst.system.files import atomic_file

PARTS = ("state", "maps", "metrics", "averages", "done")
"""Of a :class:`Distillation`: what a run goes on from."""


def read_state(path: Path) -> dict[str, Any]:
    """What :meth:`Distillation.save` wrote.

    Raises:
        InputError: it is something else, or damaged.
    """
    try:
        parts = torch.load(path, weights_only=True)
        if not (isinstance(parts, dict) and {*PARTS, "of"} <= set(parts)):
            raise ValueError("no state of a distillation")
    except (OSError, RuntimeError, KeyError, EOFError, ValueError, pickle.PickleError) as error:
        raise InputError(f"{path} is damaged, or no state of a distillation") from error
    return parts


class Distillation:
    """A teacher, a student and their pictures.

    Args:
        teacher: VGG-19 up to the slim network's last layer.
        photos: ``(3, H, W)`` uint8, no side shorter than ``recipe.size``.
        paintings: ``(3, H, W)`` in [0, 1].
        painted: makes half-stylized pictures of ``(N, 3, H, W)``: trained nets, if there are any.
        recipe: how.
    """

    def __init__(
        self,
        teacher: VGG19,
        photos: list[Tensor],
        paintings: list[Tensor],
        painted: Sequence[Paint] = (),
        recipe: DistillationSettings | None = None,
    ) -> None:
        self.teacher, self.photos, self.painted = teacher, photos, painted
        self.recipe = recipe or DistillationSettings()
        least = self.recipe.size
        if any(min(photo.shape[1:]) < least for photo in photos):
            raise InputError(f"every photo needs {least} pixels on its short side")
        self.generator = torch.Generator().manual_seed(self.recipe.seed)
        self.styles = make_styles(
            paintings, photos, self.recipe.styles, self.recipe.style_size, self.generator
        )
        self.state: State = {}
        self.maps: State = {}
        self.metrics: State = {}
        self.averages: State = {}
        self.done: dict[str, int] = {}

    def finished(self) -> State:
        """The network so far, with a metric for every convolution and ReLU."""
        kept = {**self._trainable(), **self.averages}
        state = {key: kept[f"state.{key}"].detach() for key in self.state}
        pictures = self._pictures_for_regression()
        layers = tuple(name for relu in RELUS for name in (relu.replace("relu", "conv"), relu))
        maps = linear_maps(state, self.teacher, pictures, layers)
        metrics = {layer: metric(linear_map) for layer, linear_map in maps.items()}
        metrics |= {layer: kept[f"metrics.{layer}"].detach() for layer in self.metrics}
        return {**state, **{f"metric.{layer}": value for layer, value in metrics.items()}}

    def run(self) -> Iterator[DistillationStep]:
        """All stages; yields after every step."""
        if not self.state:
            pictures = self._pictures_for_regression()
            self.state = prune(self.teacher, pictures)
            self.maps = linear_maps(self.state, self.teacher, pictures, RELUS)
            yield DistillationStep("prune", 1, 1, {})
        yield from self._match_features()
        yield from self._match_gradients()

    def save(self, path: Path) -> None:
        """Writes what :meth:`load` goes on from; whole or not at all."""
        parts = {name: getattr(self, name) for name in PARTS}
        parts["of"] = self._identity()
        with atomic_file(path) as partial:
            torch.save(parts, partial)

    def load(self, path: Path) -> None:
        """Takes back what :meth:`save` wrote. A stage goes on at its step, with other pictures.

        Raises:
            InputError: a damaged file, or one of another teacher, other pictures or recipe.
        """
        parts = read_state(path)
        if parts["of"] != self._identity():
            raise InputError(f"{path} is of another teacher, other pictures or another recipe")
        for name in PARTS:
            setattr(self, name, parts[name])
        self.generator.manual_seed(self.recipe.seed + 1000 + sum(self.done.values()))

    def _identity(self) -> str:
        """Changes with what a run begins with; the numbers of steps may be raised."""
        recipe = {k: v for k, v in asdict(self.recipe).items() if not k.endswith("_steps")}
        pictures = [float(photo.float().mean()) for photo in self.photos]
        pictures += [float(style.mean()) for style in self.styles]
        return repr((self.teacher.sha256, len(self.painted), recipe, pictures))

    def _trainable(self) -> State:
        """Everything that learns, by part and name."""
        parts = {"state": self.state, "maps": self.maps, "metrics": self.metrics}
        return {
            f"{part}.{k}": value for part, tensors in parts.items() for k, value in tensors.items()
        }

    def _pictures_for_regression(self) -> Tensor:
        return regression_pictures(self.photos, self.styles, self.recipe.size, self.recipe.seed + 1)

    def _feature_error(self, mine: State, theirs: State) -> Tensor:
        """The relative errors of the mapped features, summed over the ReLUs."""
        errors = []
        for layer in RELUS:
            every = 4 if layer[4] == "1" else 1  # block 1 is easy, and would take half of the time
            mapped = in_metric(mine[layer][::every], self.maps[layer])
            wanted = theirs[layer][::every].float() / self._scales[layer]
            error = (mapped.float() - wanted).square().flatten(1).mean(1)
            errors.append((error / wanted.square().flatten(1).mean(1).clamp_min(1e-6)).mean())
        return torch.stack(errors).sum()

    def _prepare(self, stage: str, steps: int, rate: float) -> Iterator[tuple[int, Any]]:
        """Makes everything trainable and yields each step's number and optimizer."""
        with torch.no_grad():
            features = self.teacher(self._pictures_for_regression(), RELUS)
        self._scales = {k: float(f.float().square().mean().sqrt()) for k, f in features.items()}
        for part in (self.state, self.maps, self.metrics):
            for key, value in part.items():
                value = value.detach().clone()
                if value.dim() == 4:
                    value = value.contiguous(memory_format=torch.channels_last)
                part[key] = value.requires_grad_()
        weights = list(self._trainable().values())
        optimizer = torch.optim.Adam(weights, rate, betas=(0.9, 0.99))
        for step in range(self.done.get(stage, 0), steps):
            warmup = min(1.0, (step + 1) / 30)
            decay = 0.02 + 0.49 * (1 + math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = rate * warmup * decay
            yield step, optimizer

    def _match_features(self) -> Iterator[DistillationStep]:
        steps = self.recipe.feature_steps
        for step, optimizer in self._prepare("features", steps, self.recipe.feature_rate):
            pictures = mixed_pictures(
                self.photos, self.styles, self.painted, self.recipe.size, self.generator
            )
            with torch.no_grad():
                theirs = self.teacher(pictures, RELUS)
            bf16 = self.teacher.features_0_weight.dtype == torch.bfloat16
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                error = self._feature_error(plain_features(self.state, pictures, RELUS), theirs)
            optimizer.zero_grad()
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.done["features"] = step + 1
            yield DistillationStep("features", step + 1, steps, {"features": error.item()})

    def _match_gradients(self) -> Iterator[DistillationStep]:
        recipe = self.recipe
        if not self.metrics:
            self.metrics = {k: metric(self.maps[k].detach()) for k in TERMS}
        pool = HalfStylized(
            self.teacher, self.photos, self.styles, recipe.groups, recipe.size, self.generator
        )
        net = StudentNet(pool)
        steps = recipe.gradient_steps
        for step, optimizer in self._prepare("gradients", steps, recipe.gradient_rate):
            photos, style, painted = net.paint(step)
            batch = pool.batch(recipe.groups_a_step, painted, photos, style)
            theirs = teacher_gradient(self.teacher, batch)
            mine = student_gradient(self.state, self.metrics, batch)
            off = self._gradient_errors(mine, theirs, batch)
            optimizer.zero_grad()
            off.weighted(recipe).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 10.0)
            optimizer.step()
            students = mine.gradient.detach()
            net.learn(painted, students[-GROUP:])
            for i, group in enumerate(batch.groups):
                part = slice(i * GROUP, (i + 1) * GROUP)
                pool.move(group, theirs.gradient[part], students[part])
            self._average_weights(step)
            self.done["gradients"] = step + 1
            yield DistillationStep("gradients", step + 1, steps, off.figures())

    def _gradient_errors(self, mine: Judgement, theirs: Judgement, batch: Batch) -> GradientErrors:
        """How far the student is from the teacher on a batch."""
        mine_flat, theirs_flat = mine.gradient.flatten(1), theirs.gradient.flatten(1)
        length = log_ratio(mine_flat.norm(dim=1), theirs_flat.norm(dim=1), 1e-12)
        return GradientErrors(
            cosine=F.cosine_similarity(mine_flat, theirs_flat),
            value=log_ratio(mine.terms, theirs.terms).square() * (batch.weights > 0),
            length=length.square(),
            features=self._feature_error(mine.features, theirs.features),
        )

    def _average_weights(self, step: int) -> None:
        """A step of the moving average of everything that learns: what is kept in the end."""
        decay = min(self.recipe.average, (1 + step) / (10 + step))
        for key, weight in self._trainable().items():
            mean = self.averages.setdefault(key, weight.detach().clone())
            mean.lerp_(weight.detach(), 1 - decay)
