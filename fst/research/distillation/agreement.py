"""How far two loss networks agree: in their losses and in the gradients that training follows."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.research.distillation.pictures import CONTENT, DEFAULT_WEIGHTS, STYLE, TERMS, loss_terms

ITERATIONS = (5, 20, 50)
"""Iterates of the optimization with the reference at which the networks are compared."""


@dataclass(frozen=True)
class Case:
    """A picture to judge: ``kind`` says where it comes from; all ``(1, 3, H, W)`` in [0, 1]."""

    kind: str
    image: Tensor
    photo: Tensor
    painting: Tensor


@dataclass(frozen=True)
class Verdict:
    """``terms`` are the relative errors, ``(T,)``; ``gradients`` theirs, ``(T, 3, H, W)``."""

    terms: Tensor
    gradients: Tensor


def make_cases(
    photos: Sequence[Tensor],
    paintings: Sequence[Tensor],
    leaders: Mapping[str, str],
    dtype: torch.dtype = torch.float32,
) -> Iterator[Case]:
    """Every photo with every painting: as it is, as noise, and on its way to the painting.

    Args:
        photos: ``(1, 3, H, W)`` in [0, 1].
        paintings: the same.
        leaders: the networks that lead the way, name -> weights as for
            :class:`~fst.loss_networks.vgg.VGG19`:
            the reference first, then others, whose optimizations come by other pictures.
        dtype: to run them in.
    """
    for painting in paintings:
        losses = {
            name: PerceptualLoss(
                painting,
                style_weight=float(DEFAULT_WEIGHTS[1:].sum()),
                weights=weights,
                dtype=dtype,
            )
            for name, weights in leaders.items()
        }
        for i, photo in enumerate(photos):
            yield Case("photo", photo, photo, painting)
            noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(i))
            yield Case("noise", noise, photo, painting)
            for place, (name, loss) in enumerate(losses.items()):
                last = ITERATIONS[1] if place else ITERATIONS[-1]
                for iterate in optimize(loss, photo, iterations=last):
                    if iterate.iteration in ITERATIONS:
                        kind = f"{name}, {iterate.iteration} iterations"
                        yield Case(kind, iterate.image, photo, painting)


def verdict_on(network: VGG19, case: Case) -> Verdict:
    """What a network says about a picture."""
    with torch.no_grad():
        targets = network(case.photo, CONTENT)
        grams = {k: gram_matrix(f) for k, f in network(case.painting, STYLE).items()}
    image = case.image.detach().clone().requires_grad_()
    terms = loss_terms(network(image, TERMS), targets, grams)[0]
    gradients = [torch.autograd.grad(t, image, retain_graph=True)[0] for t in terms]
    return Verdict(terms.detach(), torch.cat(gradients))


def agreement(pairs: Sequence[tuple[Case, Verdict, Verdict]]) -> dict[str, Any]:
    """The figures: the reference's verdicts against another network's.

    Returns:
        For every term and the ``"total"`` (the default weights, without total variation):
        ``"cosine"``, the mean cosine of the gradients, by kind of picture and over ``"all"``;
        ``"correlation"`` (Pearson) of the losses over all pictures and their median
        ``"relative_error"``.
    """
    figures: dict[str, Any] = {}
    for place, term in enumerate((*TERMS, "total")):
        cosines: dict[str, list[float]] = {"all": []}
        losses = []
        for case, reference, other in pairs:
            one, two = (_weighted(verdict, place) for verdict in (reference, other))
            losses.append((float(one[0]), float(two[0])))
            if one[1].abs().max() > 0:  # a photo's own content has no gradient
                cosine = float(F.cosine_similarity(one[1].flatten(), two[1].flatten(), dim=0))
                for kind in ("all", case.kind):
                    cosines.setdefault(kind, []).append(cosine)
        figures[term] = {
            "cosine": {kind: statistics.mean(values) for kind, values in cosines.items()},
            "correlation": statistics.correlation(*zip(*losses, strict=True)),
            "relative_error": statistics.median(abs(b - a) / a for a, b in losses if a > 0),
        }
    return figures


def _weighted(verdict: Verdict, place: int) -> tuple[Tensor, Tensor]:
    """A term and its gradient, or, behind the last one, the objective and its gradient."""
    if place < len(TERMS):
        return verdict.terms[place], verdict.gradients[place]
    total = (DEFAULT_WEIGHTS * verdict.terms).sum()
    return total, torch.einsum("t,tchw->chw", DEFAULT_WEIGHTS, verdict.gradients)
