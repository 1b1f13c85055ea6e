"""What teacher and student say about pictures, and in which direction they would change them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fst.loss_networks.vgg import VGG19, in_metric
from fst.losses.functional import gram_matrix
from fst.research.distillation.pictures import CONTENT, GROUP, STYLE, TERMS, Batch, loss_terms
from fst.research.distillation.settings import DistillationSettings
from fst.research.distillation.slim import RELUS, State, plain_features


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
    grams = {k: gram_matrix(in_metric(f, metrics[k])) for k, f in styles.items()}
    terms = loss_terms(
        {k: in_metric(features[k], metrics[k]) for k in TERMS},
        {k: in_metric(f, metrics[k]) for k, f in photos.items()},
        {k: gram.repeat_interleave(GROUP, 0) for k, gram in grams.items()},
    )
    weighted = (terms * batch.weights).sum()
    (gradient,) = torch.autograd.grad(weighted, images, create_graph=True)
    return Judgement(terms, gradient, features)


def log_ratio(mine: Tensor, theirs: Tensor, least: float = 1e-4) -> Tensor:
    """``log(mine / theirs)``, where both are at least ``least``; at most 3 either way."""
    return (mine.clamp_min(least).log() - theirs.clamp_min(least).log()).clamp(-3, 3)


class GradientErrors(NamedTuple):
    """What the third stage brings down, for the N pictures of a batch.

    ``cosine`` of the two gradients ``(N,)``; squared logarithmic errors of the terms' ``value``
    ``(N, terms)`` and of the gradient's ``length`` ``(N,)``; relative error of the ``features``.
    """

    cosine: Tensor
    value: Tensor
    length: Tensor
    features: Tensor

    def weighted(self, recipe: DistillationSettings) -> Tensor:
        """Their sum, weighted as the settings say."""
        off = recipe.direction * (1 - self.cosine).mean()
        return off + recipe.magnitude * (self.value.mean() + self.length.mean()) + self.features

    def figures(self) -> dict[str, float]:
        """As they are told; the last group's pictures are those of the net in training."""
        return {
            "cosine": self.cosine[:-GROUP].mean().item(),
            "cosine_nets": self.cosine[-GROUP:].mean().item(),
            "values": self.value.mean().item(),
            "lengths": self.length.mean().item(),
            "features": self.features.item(),
        }
