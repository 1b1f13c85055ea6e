"""What the figures are, on networks whose agreement is known."""

import pytest
import torch
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import PerceptualLoss
from fst.research.distillation import agreement as agreement_module
from fst.research.distillation.agreement import Case, Verdict, agreement, make_cases, verdict_on
from fst.research.distillation.pictures import CONTENT, DEFAULT_WEIGHTS, TERMS


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def case(seed: int, kind: str = "noise") -> Case:
    return Case(kind, *random(3, 1, 3, 24, 28, seed=seed))


@pytest.fixture(scope="module")
def network() -> VGG19:
    return VGG19(TERMS, "random")


@pytest.fixture(scope="module")
def pairs(network: VGG19) -> list[tuple[Case, Verdict, Verdict]]:
    cases = [case(0), case(1), case(2, "photo")]
    verdicts = [verdict_on(network, c) for c in cases]
    return [(c, v, v) for c, v in zip(cases, verdicts, strict=True)]


def test_a_verdict_is_the_objectives_terms_and_gradients(network: VGG19) -> None:
    judged = case(3)
    loss = PerceptualLoss(judged.painting, style_weight=3, tv_weight=0, weights="random")
    image = judged.image.clone().requires_grad_()
    terms = loss(image, loss.content_targets(judged.photo))
    terms.total.sum().backward()
    verdict = verdict_on(network, judged)
    total = (DEFAULT_WEIGHTS * verdict.terms).sum()
    torch.testing.assert_close(total, terms.total.detach()[0])
    gradient = (DEFAULT_WEIGHTS[:, None, None, None] * verdict.gradients).sum(0)
    torch.testing.assert_close(gradient[None], image.grad, rtol=1e-4, atol=1e-8)


def test_a_network_agrees_with_itself(pairs: list[tuple[Case, Verdict, Verdict]]) -> None:
    figures = agreement(pairs)
    assert list(figures) == [*TERMS, "total"]
    for by_term in figures.values():
        assert set(by_term["cosine"]) == {"all", "noise", "photo"}
        assert by_term["cosine"]["all"] == pytest.approx(1, abs=1e-5)
        assert by_term["correlation"] == pytest.approx(1)
        assert by_term["relative_error"] == 0


def test_one_term_that_points_the_other_way(
    pairs: list[tuple[Case, Verdict, Verdict]],
) -> None:
    def turned(verdict: Verdict) -> Verdict:
        sign = torch.ones(len(TERMS))
        sign[2] = -1
        return Verdict(2 * verdict.terms, sign[:, None, None, None] * verdict.gradients)

    figures = agreement([(c, v, turned(w)) for c, v, w in pairs])
    assert figures[TERMS[2]]["cosine"]["all"] == pytest.approx(-1, abs=1e-5)
    assert figures[TERMS[1]]["cosine"]["all"] == pytest.approx(1, abs=1e-5)
    assert figures["total"]["relative_error"] == pytest.approx(1)
    assert figures["total"]["cosine"]["all"] < 1 - 1e-4


def test_a_photos_own_content_has_no_direction(network: VGG19) -> None:
    photo, painting = random(2, 1, 3, 24, 28)
    of_photo = Case("photo", photo, photo, painting)
    found = [(c, verdict_on(network, c), verdict_on(network, c)) for c in (of_photo, case(4))]
    figures = agreement(found)
    assert set(figures[CONTENT[0]]["cosine"]) == {"all", "noise"}
    assert set(figures["total"]["cosine"]) == {"all", "noise", "photo"}


def test_cases_are_on_the_way_of_both_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement_module, "ITERATIONS", (1, 2, 3))
    photos, paintings = [random(1, 3, 24, 24, seed=i) for i in (0, 1)], [random(1, 3, 32, 32)]
    cases = list(make_cases(photos, paintings, {"reference": "random", "other": "random"}))
    kinds = ["photo", "noise", *(f"reference, {i} iterations" for i in (1, 2, 3))]
    kinds += ["other, 1 iterations", "other, 2 iterations"]
    assert [c.kind for c in cases] == 2 * kinds
    assert torch.equal(cases[0].image, photos[0])
    assert not torch.equal(cases[2].image, photos[0])
    assert torch.equal(cases[2].image, cases[5].image)  # the same network leads to the same place
