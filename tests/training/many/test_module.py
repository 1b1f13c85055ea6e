"""fst.training.many.module: every photo in a style of its own, against sums by hand."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import measure_style
from fst.nets.conditional import AnyNet, ManyNet
from fst.nets.predictor import MOMENTS
from fst.training.many.draws import Styles
from fst.training.many.module import (
    PREDICTOR_RATE,
    ManyStylesModule,
    embeddings_of,
    fitted,
    pairs_of,
)
from fst.training.many.rows import taken
from fst.training.many.work import Judged
from fst.training.muon import Muon
from fst.training.optimizers import prepare
from fst.training.recipe import Recipe

NET: dict[str, Any] = {"width": 4, "residual_blocks": 1, "rank": 2}


@pytest.fixture
def styles(random_loss: PerceptualLoss) -> Styles:
    """Three styles, of which none is like another in anything."""
    generator = torch.Generator().manual_seed(4)
    paintings = [torch.rand(1, 3, 24, 32, generator=generator) for _ in range(3)]
    found = [measure_style(random_loss.vgg, p, random_loss.style_layers).grams for p in paintings]
    grams = {layer: torch.cat([one[layer] for one in found]) for layer in found[0]}
    moments = torch.rand(3, MOMENTS, generator=generator)
    weights, sizes = torch.tensor([2.0, 6.0, 40.0]), torch.tensor([256.0, 512.0, 768.0])
    return Styles(moments, grams, weights, sizes, torch.arange(3))


def module_of(
    net: AnyNet | ManyNet, loss: PerceptualLoss, styles: Styles, **recipe: Any
) -> ManyStylesModule:
    """A module whose photos are painted in the styles in turn."""

    def draw(step: int, count: int, first: int) -> Styles:
        return taken(styles, (torch.arange(count) + first + step) % len(styles.variant))

    recipe = {"pattern_weight": 10.0, **recipe}
    module = ManyStylesModule(net, loss, Judged(draw, styles), (), Recipe(**recipe))
    trainer: Any = SimpleNamespace(global_rank=0, global_step=0, world_size=1)
    module._trainer = trainer
    module._fabric = None
    return module


def filled_any() -> AnyNet:
    """A net whose predictor says something."""
    torch.manual_seed(0)
    net = AnyNet(**NET, predictor_width=8)
    with torch.no_grad():
        net.predictor.last.weight.normal_(0, 0.02)
    net.predictor.eval()  # without noise
    return net


def photos(count: int) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def gradients(module: ManyStylesModule, batch: Tensor) -> dict[str, Tensor]:
    module.zero_grad()
    module.gradients(batch)
    return {n: w.grad.clone() for n, w in module.net.named_parameters() if w.grad is not None}


def test_the_gradient_is_that_of_the_mean_of_objectives_over_their_strength(
    random_loss: PerceptualLoss, styles: Styles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda weights, norm: None)
    net = filled_any()
    found = gradients(module_of(net, random_loss, styles), photos(3))
    net.zero_grad()
    total = torch.zeros(())
    for i, photo in enumerate(photos(3)):
        one = taken(styles, torch.tensor([i]))
        painted = net(photo[None], net.predict(one.moments, one.style_weight, one.stroke_size))
        terms = random_loss(painted, random_loss.content_targets(photo[None]), one.grams)
        weight = float(one.style_weight)
        style = terms.style / random_loss.style_weight * weight
        whole = terms.content + style + terms.tv + 10.0 * upsampling_pattern(painted)
        total = total + whole.sum() / (1 + weight / 8) / 3
    total.backward()
    for name, weights in net.named_parameters():
        assert weights.grad is not None
        torch.testing.assert_close(found[name], weights.grad, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("parts", [2, 3])
def test_micro_batches_take_their_own_styles(
    parts: int, random_loss: PerceptualLoss, styles: Styles
) -> None:
    whole = gradients(module_of(filled_any(), random_loss, styles), photos(3))
    several = module_of(filled_any(), random_loss, styles, accumulate=parts)
    for name, weights in gradients(several, photos(3)).items():
        torch.testing.assert_close(weights, whole[name], rtol=2e-3, atol=1e-5)


def reads_paintings(name: str) -> bool:
    return name.startswith("predictor.") and name != "predictor.asked.weight"


def test_the_predictors_gradient_is_clipped_and_no_others(
    random_loss: PerceptualLoss, styles: Styles, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipped = gradients(module_of(filled_any(), random_loss, styles), photos(3))
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda weights, norm: None)
    free = gradients(module_of(filled_any(), random_loss, styles), photos(3))
    own = [name for name in free if reads_paintings(name)]
    norms = [torch.cat([g[n].flatten() for n in own]).norm() for g in (clipped, free)]
    assert norms[1] > 1
    assert float(norms[0]) == pytest.approx(1, rel=1e-3)
    for name in set(free) - set(own):
        assert torch.equal(clipped[name], free[name])


def test_the_style_term_is_told_at_the_weight_of_the_validation(
    random_loss: PerceptualLoss, styles: Styles
) -> None:
    net = filled_any()
    module = module_of(net, random_loss, styles)
    told = module.gradients(photos(3))
    net_photos = net(photos(3), embeddings_of(net, styles))
    plain = random_loss(net_photos, random_loss.content_targets(photos(3)), styles.grams)
    torch.testing.assert_close(told.style, plain.style.detach() / 3.0 * 6.0)
    torch.testing.assert_close(told.content, plain.content.detach())


def test_the_predictor_learns_at_a_rate_of_its_own() -> None:
    net = filled_any()
    module = module_of(net, *loss_and_styles())
    adam, muon = module.configure_optimizers()
    assert isinstance(muon, Muon)
    prepare([adam, muon], 0.003, torch.zeros(()), torch.device("cpu"))
    rates = {id(w): group["lr"] for o in (adam, muon) for group in o.param_groups
             for w in group["params"]}  # fmt: skip
    assert len(rates) == len(list(net.parameters()))
    for name, weight in net.named_parameters():
        expected = 0.003 * PREDICTOR_RATE if reads_paintings(name) else 0.003
        assert rates[id(weight)] == pytest.approx(expected)
    assert {id(w) for w in muon.param_groups[0]["params"]} == {id(w) for w in net.matrices()}


def loss_and_styles() -> tuple[Any, Styles]:
    empty = torch.zeros(1)
    nothing: Any = torch.nn.Identity()
    return nothing, Styles(empty[None], {}, empty, empty, empty.long())


def test_rows_of_a_net_of_many_styles_are_taken_as_they_are() -> None:
    net = ManyNet(**NET, styles=3)
    torch.nn.init.normal_(net.embeddings)
    _, one = loss_and_styles()
    rows = one._replace(variant=torch.tensor([2, 0, 2]))
    assert torch.equal(embeddings_of(net, rows), net.embeddings[[2, 0, 2]])


@pytest.mark.parametrize(
    ("photos", "styles", "batch"), [(3, 2, 2), (2, 5, 2), (4, 4, 3), (1, 3, 1), (5, 1, 2)]
)
def test_every_style_and_every_photo_is_judged(photos: int, styles: int, batch: int) -> None:
    seen = []
    for first in range(0, photos, batch):
        count = min(batch, photos - first)
        pairs = pairs_of(first, count, photos, styles).tolist()
        assert all(0 <= photo < count for photo, _ in pairs)
        seen += [(first + photo, style) for photo, style in pairs]
    assert {photo for photo, _ in seen} == set(range(photos))
    assert {style for _, style in seen} == set(range(styles))
    assert len(seen) == max(photos, styles) == len(set(seen))
    for photo in range(photos):
        assert (photo, photo % styles) in seen


def test_the_validation_judges_each_photo_in_its_style(
    random_loss: PerceptualLoss, styles: Styles, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = filled_any()
    module = module_of(net, random_loss, styles)
    module._trainer.datamodule = SimpleNamespace(val=[None] * 2)  # type: ignore[union-attr]
    logged: list[Any] = []
    monkeypatch.setattr(module, "_log", lambda part, terms: logged.append(terms))
    monkeypatch.setattr(module, "log_dict", lambda *args, **kwargs: None)
    module.on_validation_start()
    with torch.no_grad():
        for photo in photos(2):
            module.validation_step(photo[None], 0)
    # photo 0 in the styles 0 and 2, photo 1 in style 1; at the styles' own weights
    assert [len(terms.content) for terms in logged] == [2, 1]
    paint = partial(net.forward)
    for terms, photo, rows in zip(logged, photos(2), ([0, 2], [1]), strict=True):
        own = taken(styles, torch.tensor(rows))
        batch = photo[None].expand(len(rows), -1, -1, -1)
        targets = random_loss.content_targets(batch)
        expected = random_loss(
            paint(batch, embeddings_of(net, own)), targets, own.grams, own.style_weight
        )
        for ours, theirs in zip(terms, expected, strict=True):
            torch.testing.assert_close(ours, theirs.detach(), rtol=1e-3, atol=1e-5)


def test_previews_have_a_row_for_each_style_and_a_column_of_paintings(
    random_loss: PerceptualLoss, styles: Styles
) -> None:
    net = filled_any().eval()
    module = module_of(net, random_loss, styles)
    module.paintings = [torch.full((1, 3, 8, 16), i / 4) for i in range(2)]
    with torch.no_grad():
        rows = module.preview(photos(2))
    assert [len(row) for row in rows] == [3, 3, 3, 3]
    assert torch.equal(torch.stack(rows[0][1:]), photos(2))
    assert bool((rows[0][0] == 1).all())
    assert bool((rows[3][0] == 1).all())  # the third painting is not known
    for i in range(2):
        cell = rows[1 + i][0]
        assert cell.shape == (3, 16, 16)
        torch.testing.assert_close(cell[:, 4:12], torch.full((3, 8, 16), i / 4))
        assert bool((cell[:, :4] == 1).all())
    for i in range(3):
        expected = net(photos(2), embeddings_of(net, taken(styles, torch.tensor([i, i]))))
        torch.testing.assert_close(torch.stack(rows[1 + i][1:]), expected.detach())


def test_a_tall_painting_is_fitted_by_its_height() -> None:
    cell = fitted(torch.zeros(1, 3, 40, 20), torch.ones(3, 16, 20))
    assert bool((cell[:, :, 6:14] < 1e-6).all())
    assert bool((cell[:, :, :6] == 1).all())
    assert bool((cell[:, :, 14:] == 1).all())
