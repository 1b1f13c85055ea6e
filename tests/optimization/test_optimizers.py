"""fst.optimization.optimizers: names, rates, and one of one's own."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.inference.pixel_options import PixelOptions
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.optimizers import OPTIMIZERS, make_optimizer, usual_rate
from fst.optimization.pixels import optimize


@pytest.fixture
def pixels() -> Tensor:
    return torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0)).requires_grad_()


@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [("lbfgs", "LBFGS", 1.0), ("adam", "Adam", 0.02), ("sgd", "SGD", 5e-7 * 3 * 20 * 24)],
)
def test_a_name_is_an_optimizer_of_torchs(
    pixels: Tensor, name: str, kind: str, rate: float
) -> None:
    made = make_optimizer(name, pixels)
    assert type(made).__name__ == kind
    assert made.param_groups[0]["lr"] == pytest.approx(rate)
    assert made.param_groups[0].get("momentum", 0) == 0
    assert make_optimizer(name, pixels, 2 * usual_rate(name)).param_groups[0]["lr"] == (
        pytest.approx(2 * rate)
    )


@pytest.mark.parametrize("rate", [0, -1, float("nan"), "fast"])
def test_a_rate_that_there_is_not_is_refused(pixels: Tensor, rate: Any) -> None:
    with pytest.raises(InputError, match="learning_rate"):
        make_optimizer("adam", pixels, rate)


def test_an_optimizer_of_ones_own_is_an_entry(
    random_loss: PerceptualLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mine(pixels: Tensor, learning_rate: float = 0.01) -> torch.optim.Optimizer:
        return torch.optim.RMSprop([pixels], lr=learning_rate)

    monkeypatch.setitem(OPTIMIZERS, "mine", mine)
    photo = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(5))
    settings = PixelOptions(optimizer="mine", iterations=12).optimization()
    totals = [float(i.terms.total) for i in optimize(random_loss, photo, **settings)]
    assert totals[-1] < 0.9 * totals[0]
    # by hand
    expected = photo.clone().requires_grad_()
    solver = torch.optim.RMSprop([expected], lr=0.01)
    targets = random_loss.content_targets(photo)
    random_loss(expected, targets).total.sum().backward()
    solver.step()
    second = list(optimize(random_loss, photo, optimizer="mine", iterations=1))[1]
    assert torch.equal(second.image, expected.detach())


def test_an_own_optimizer_that_evaluates_often_is_told_of_by_its_iterates(
    random_loss: PerceptualLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wolfe(pixels: Tensor, learning_rate: float = 1.0) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(
            [pixels], lr=learning_rate, max_iter=4, line_search_fn="strong_wolfe"
        )

    monkeypatch.setitem(OPTIMIZERS, "wolfe", wolfe)
    photo = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(5))
    targets = random_loss.content_targets(photo)
    for iterate in optimize(random_loss, photo, optimizer="wolfe", iterations=3):
        expected = random_loss(iterate.image, targets).total
        torch.testing.assert_close(iterate.terms.total, expected)


def test_the_names_need_no_torch() -> None:
    check = (
        "import sys, fst.optimization.optimizers as o; print(*o.OPTIMIZERS, 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["lbfgs", "adam", "sgd", "False"]
