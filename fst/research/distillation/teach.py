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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19, measure
from fst.losses.functional import gram_matrix
from fst.nets import make_net
from fst.research.distillation.pictures import (
    CONTENT,
    GROUP,
    STYLE,
    TERMS,
    Batch,
    HalfStylized,
    loss_terms,
    make_styles,
    random_crop,
)
from fst.research.distillation.slim import RELUS, State, linear_maps, metric, plain_features, prune
from fst.system.files import atomic_file

STUDENT_NET_LIFE = 200
"""Steps for which a net is trained with the student, to learn from its pictures."""


@dataclass(frozen=True)
class Recipe:
    """How a slim network is taught.

    ``feature_steps`` and ``gradient_steps`` are the two stages' lengths, with their learning rates;
    ``groups`` the half-stylized pictures that are kept, in fours; ``size`` the pictures' side in
    pixels; ``direction`` and ``magnitude`` weigh the gradient's direction and its length and the
    terms' values, against the features' relative errors, which are summed over the layers.
    """

    feature_steps: int = 1600
    feature_rate: float = 2e-3
    gradient_steps: int = 1000
    gradient_rate: float = 5e-4
    groups: int = 24
    groups_a_step: int = 3
    styles: int = 120
    style_size: int = 192
    size: int = 128
    direction: float = 4.0
    magnitude: float = 0.1
    average: float = 0.99
    seed: int = 0


PARTS = ("state", "maps", "metrics", "averages", "done")
"""Of a :class:`Distillation`: what a run goes on from."""


@dataclass(frozen=True)
class Progress:
    """One step: its stage and number, how many there are, and what was measured."""

    stage: str
    step: int
    steps: int
    figures: dict[str, float]


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
        painted: Sequence[Callable[[Tensor], Tensor]] = (),
        recipe: Recipe | None = None,
    ) -> None:
        self.teacher, self.photos, self.painted = teacher, photos, painted
        self.recipe = recipe or Recipe()
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

    def run(self) -> Iterator[Progress]:
        """All stages; yields after every step."""
        if not self.state:
            pictures = self._pictures_for_regression()
            self.state = prune(self.teacher, pictures)
            self.maps = linear_maps(self.state, self.teacher, pictures, RELUS)
            yield Progress("prune", 1, 1, {})
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
        try:
            parts: dict[str, Any] = torch.load(path, weights_only=True)
            identity = parts.pop("of")
        except (OSError, RuntimeError, KeyError, EOFError, ValueError, pickle.PickleError) as error:
            raise InputError(f"{path} is damaged, or no state of a distillation") from error
        if identity != self._identity():
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

    def _pictures_for_regression(self, count: int = 48) -> Tensor:
        """Photos, styles and noise, ``(count, 3, size, size)``; the same ones every time."""
        generator = torch.Generator().manual_seed(self.recipe.seed + 1)
        size, pictures = self.recipe.size, []
        for i in range(count):
            if i % 12 == 0:
                pictures.append(torch.rand(3, size, size, generator=generator))
            elif i % 2:
                photo = self.photos[i * len(self.photos) // count]
                pictures.append(random_crop(photo, size, generator))
            else:
                pictures.append(self.styles[i * len(self.styles) // count][:, :size, :size])
        return torch.stack(pictures)

    def _mixed_pictures(self) -> Tensor:
        """Sixteen photos, styles, blends of them and of noise, and painted photos."""
        size, generator, pictures = self.recipe.size, self.generator, []
        for i in range(16):
            which = int(torch.randint(len(self.photos), (1,), generator=generator))
            photo = random_crop(self.photos[which], size, generator)
            share = float(torch.rand(1, generator=generator))
            noise = torch.rand(photo.shape, generator=generator)
            which = int(torch.randint(len(self.styles), (1,), generator=generator))
            style = random_crop((255 * self.styles[which]).to(torch.uint8), size, generator)
            if i < 5:
                photo = style
            elif i == 5:
                photo = share * photo + (1 - share) * style
            elif i == 6:
                photo = share * photo + (1 - share) * noise
            elif i == 7:
                photo = (photo + 0.2 * share * (noise - 0.5)).clamp(0, 1)
            elif i < 10 and self.painted:
                net = self.painted[int(share * len(self.painted))]
                painted = net(photo[None])[0]
                photo = painted if i == 8 else 0.5 * (photo + painted)
            pictures.append(photo)
        return torch.stack(pictures)

    def _feature_error(self, mine: State, theirs: State) -> Tensor:
        """The relative errors of the mapped features, summed over the ReLUs."""
        errors = []
        for layer in RELUS:
            every = 4 if layer[4] == "1" else 1  # block 1 is easy, and would take half of the time
            mapped = measure(mine[layer][::every], self.maps[layer])
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

    def _match_features(self) -> Iterator[Progress]:
        steps = self.recipe.feature_steps
        for step, optimizer in self._prepare("features", steps, self.recipe.feature_rate):
            pictures = self._mixed_pictures()
            with torch.no_grad():
                theirs = self.teacher(pictures, RELUS)
            bf16 = self.teacher.features_0_weight.dtype == torch.bfloat16
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                error = self._feature_error(plain_features(self.state, pictures, RELUS), theirs)
            optimizer.zero_grad()
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.done["features"] = step + 1
            yield Progress("features", step + 1, steps, {"features": error.item()})

    def _match_gradients(self) -> Iterator[Progress]:
        recipe = self.recipe
        if not self.metrics:
            self.metrics = {k: metric(self.maps[k].detach()) for k in TERMS}
        pool = HalfStylized(
            self.teacher, self.photos, self.styles, recipe.groups, recipe.size, self.generator
        )
        net = _StudentNet(pool)
        steps = recipe.gradient_steps
        for step, optimizer in self._prepare("gradients", steps, recipe.gradient_rate):
            photos, style, painted = net.paint(step)
            batch = pool.batch(recipe.groups_a_step, painted, photos, style)
            theirs = teacher_gradient(self.teacher, batch)
            mine = student_gradient(self.state, self.metrics, batch)
            direction = F.cosine_similarity(mine.gradient.flatten(1), theirs.gradient.flatten(1))
            value = _log_ratio(mine.terms, theirs.terms).square() * (batch.weights > 0)
            length = _log_ratio(
                mine.gradient.flatten(1).norm(dim=1), theirs.gradient.flatten(1).norm(dim=1), 1e-12
            ).square()
            features = self._feature_error(mine.features, theirs.features)
            off = recipe.direction * (1 - direction).mean()
            off = off + recipe.magnitude * (value.mean() + length.mean()) + features
            weights = optimizer.param_groups[0]["params"]
            optimizer.zero_grad()
            off.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, 10.0)
            optimizer.step()
            students = mine.gradient.detach()
            net.learn(painted, students[-GROUP:])
            for i, group in enumerate(batch.groups):
                part = slice(i * GROUP, (i + 1) * GROUP)
                pool.move(group, theirs.gradient[part], students[part])
            decay = min(recipe.average, (1 + step) / (10 + step))
            for key, weight in self._trainable().items():
                mean = self.averages.setdefault(key, weight.detach().clone())
                mean.lerp_(weight.detach(), 1 - decay)
            self.done["gradients"] = step + 1
            yield Progress(
                "gradients",
                step + 1,
                steps,
                {
                    "cosine": direction[:-GROUP].mean().item(),
                    "cosine_nets": direction[-GROUP:].mean().item(),
                    "values": value.mean().item(),
                    "lengths": length.mean().item(),
                    "features": features.item(),
                },
            )


class _StudentNet:
    """A net that is trained with the student's gradients: its pictures are what training sees."""

    def __init__(self, pool: HalfStylized) -> None:
        self.pool, self.style = pool, 0

    def paint(self, step: int) -> tuple[Tensor, int, Tensor]:
        """Photos, the style, and the photos painted; begins anew now and then."""
        if step % STUDENT_NET_LIFE == 0 or not hasattr(self, "net"):
            self.net = make_net("johnson", {"width": 16, "residual_blocks": 5})
            self.optimizer = torch.optim.Adam(self.net.parameters(), 2e-3)
            self.style = self.pool.some_style()
        photos = self.pool.some_photos()
        return photos, self.style, self.net(photos)

    def learn(self, painted: Tensor, gradient: Tensor) -> None:
        """One step of Adam."""
        self.optimizer.zero_grad()
        painted.backward(gradient / len(painted))  # type: ignore[no-untyped-call]
        self.optimizer.step()


@dataclass(frozen=True)
class Judgement:
    """``terms`` ``(N, terms)``, ``gradient`` ``(N, 3, s, s)`` of their weighted sums, features."""

    terms: Tensor
    gradient: Tensor
    features: State


def teacher_gradient(teacher: VGG19, batch: Batch) -> Judgement:
    """What VGG-19 says about a batch."""
    images = batch.images.clone().requires_grad_()
    features = teacher(images, RELUS)
    terms = loss_terms(features, batch.targets, batch.grams)
    (gradient,) = torch.autograd.grad((terms * batch.weights).sum(), images)
    return Judgement(terms.detach(), gradient, {k: f.detach() for k, f in features.items()})


def student_gradient(state: State, metrics: State, batch: Batch) -> Judgement:
    """What the student says about it, differentiable with respect to its weights."""
    images = batch.images.clone().requires_grad_()
    features = plain_features(state, images, RELUS)
    photos = plain_features(state, batch.photos, CONTENT)
    styles = plain_features(state, batch.styles, STYLE)
    grams = {k: gram_matrix(measure(f, metrics[k])) for k, f in styles.items()}
    terms = loss_terms(
        {k: measure(features[k], metrics[k]) for k in TERMS},
        {k: measure(f, metrics[k]) for k, f in photos.items()},
        {k: gram.repeat_interleave(GROUP, 0) for k, gram in grams.items()},
    )
    weighted = (terms * batch.weights).sum()
    (gradient,) = torch.autograd.grad(weighted, images, create_graph=True)
    return Judgement(terms, gradient, features)


def _log_ratio(mine: Tensor, theirs: Tensor, least: float = 1e-4) -> Tensor:
    """``log(mine / theirs)``, where both are at least ``least``; at most 3 either way."""
    return (mine.clamp_min(least).log() - theirs.clamp_min(least).log()).clamp(-3, 3)
