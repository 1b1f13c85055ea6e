"""fst.research.distillation.gradients: what teacher and student say about pictures."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.research.distillation.gradients import student_gradient, teacher_gradient
from fst.research.distillation.pictures import GROUP, STYLE, TERMS, Batch
from fst.research.distillation.slim import RELUS, SLIM, State, random_slim, write_slim


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def teacher() -> VGG19:
    return VGG19(RELUS, "random")


def batch_for(network: VGG19, seed: int = 0) -> Batch:
    """One group of noise, with the targets of ``network``."""
    styles, photos = random(1, 3, 32, 32, seed=seed), random(GROUP, 3, 32, 32, seed=seed + 1)
    grams = {k: gram_matrix(f).expand(GROUP, -1, -1) for k, f in network(styles, STYLE).items()}
    return Batch(
        groups=[0],
        images=random(GROUP, 3, 32, 32, seed=seed + 2),
        photos=photos,
        styles=styles,
        grams=grams,
        targets=network(photos, ("relu4_2",)),
        weights=random(GROUP, len(TERMS), seed=seed + 3),
    )


def metrics() -> State:
    sizes = {layer: SLIM.channels[int(layer[4]) - 1] for layer in TERMS}
    return {k: torch.eye(n) + 0.1 * random(n, n) for k, n in sizes.items()}


def test_the_students_gradient_is_that_of_the_network_it_becomes(tmp_path: Path) -> None:
    """Judged by VGG19 from the written file, as any loss network is."""
    state = {k: v.half().float() for k, v in random_slim().items()}
    mine = {k: v.half().float() for k, v in metrics().items()}
    every = {f"metric.{r}": mine.get(r, torch.eye(SLIM.channels[int(r[4]) - 1])) for r in RELUS}
    every |= {k.replace("relu", "conv"): v for k, v in every.items()}
    write_slim(tmp_path / "slim.safetensors", {**state, **every}, {})
    network = VGG19(RELUS, str(tmp_path / "slim.safetensors"))
    batch = batch_for(network)
    expected = teacher_gradient(network, batch)
    found = student_gradient(state, mine, batch)
    torch.testing.assert_close(found.terms, expected.terms, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.gradient, expected.gradient, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("key", ["features.0.weight", "features.7.bias", "metric"])
def test_the_gradients_direction_has_the_derivative_of_finite_differences(
    teacher: VGG19, key: str
) -> None:
    batch = batch_for(teacher)
    wide = replace(
        batch,
        images=batch.images.double(),
        photos=batch.photos.double(),
        styles=batch.styles.double(),
        weights=batch.weights.double(),
        grams={k: v.double() for k, v in batch.grams.items()},
        targets={k: v.double() for k, v in batch.targets.items()},
    )
    state = {k: v.double() for k, v in random_slim().items()}
    own = {k: v.double() for k, v in metrics().items()}
    weight = own["relu2_1"] if key == "metric" else state[key]
    towards = random(GROUP, 3, 32, 32, seed=8).double() - 0.5

    def cosine() -> Tensor:
        found = student_gradient(state, own, wide).gradient
        return F.cosine_similarity(found.flatten(), towards.flatten(), dim=0)

    weight.requires_grad_()
    (exact,) = torch.autograd.grad(cosine(), weight)
    weight.requires_grad_(False)
    direction = random(*weight.shape, seed=7).double() - 0.5
    with torch.no_grad():
        original, step = weight.clone(), 1e-6
    values = []
    for sign in (1, -1):
        weight.copy_(original + sign * step * direction)
        values.append(float(cosine().detach()))
    weight.copy_(original)
    numeric = (values[0] - values[1]) / (2 * step)
    assert numeric == pytest.approx(float((exact * direction).sum()), rel=1e-3, abs=1e-9)


def test_gradients_of_a_batch_can_be_matched(teacher: VGG19) -> None:
    batch = batch_for(teacher)
    theirs = teacher_gradient(teacher, batch).gradient.flatten(1)
    state = {key: value.requires_grad_() for key, value in random_slim().items()}
    optimizer = torch.optim.Adam(state.values(), 2e-3)
    cosines = []
    for _ in range(40):
        mine = student_gradient(state, metrics(), batch).gradient.flatten(1)
        cosine = F.cosine_similarity(mine, theirs).mean()
        cosines.append(cosine.item())
        optimizer.zero_grad()
        (-cosine).backward()
        optimizer.step()
    assert cosines[-1] > cosines[0] + 0.15
