"""From a painting's moments to numbers of one magnitude."""

import torch

from fst.losses.moments import moments_network, painting_moments
from fst.nets.predictor import MOMENTS, StylePredictor, features


def paintings(count: int) -> torch.Tensor:
    torch.manual_seed(0)
    colors = torch.rand(count, 3, 1, 1)
    return (colors + 0.2 * torch.randn(count, 3, 64, 80)).clamp(0, 1)


def test_features_are_standardized() -> None:
    moments = painting_moments(moments_network(), paintings(6))
    predictor = StylePredictor(5, 4)
    predictor.standardize(moments)
    found = (features(moments) - predictor.center) / predictor.spread
    assert found.shape == (6, MOMENTS)
    assert found.mean(0).abs().max() < 1e-3
    assert found.std(0, correction=0).max() < 1.001


def test_colors_are_read_as_they_are() -> None:
    gray = torch.full((1, 3, 64, 64), 0.25)
    gray[:, 0] = 0.5
    found = features(painting_moments(moments_network(), gray))[0]
    torch.testing.assert_close(found[-9:-6], torch.tensor([0.5, 0.25, 0.25]))
    assert found[-6:].abs().max() < 1e-3  # no color varies


def test_noise_is_for_training_only() -> None:
    torch.manual_seed(0)
    predictor = StylePredictor(5, 4)
    torch.nn.init.normal_(predictor.last.weight)
    asked = (torch.rand(1, MOMENTS), torch.tensor([6.0]), torch.tensor([512.0]))
    assert not torch.equal(predictor(*asked), predictor(*asked))
    predictor.eval()
    assert torch.equal(predictor(*asked), predictor(*asked))


def test_what_is_asked_for_changes_every_painting_alike() -> None:
    torch.manual_seed(0)
    predictor = StylePredictor(5, 4).eval()
    two, weights, sizes = (
        torch.rand(2, MOMENTS),
        torch.tensor([6.0, 6.0]),
        torch.tensor([512.0] * 2),
    )
    torch.nn.init.normal_(predictor.asked.weight)
    assert predictor(two, weights, sizes).abs().max() == 0  # the usual changes nothing
    bold = predictor(two, 2 * weights, sizes / 2)
    torch.testing.assert_close(bold[0], bold[1])
    doubled = torch.log(torch.tensor(2.0))
    asked = torch.stack([doubled, torch.tensor(-1.0), doubled**2, torch.tensor(1.0)])
    torch.testing.assert_close(bold[0], predictor.asked.weight @ asked)
