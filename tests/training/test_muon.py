"""The optimizer against SVD, and against torch's own of the same name."""

import copy

import pytest
import torch
from torch import Tensor, nn

from fst.training import muon
from fst.training.muon import Muon, orthogonalize


def matrices(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(*shape: int, seed: int = 0) -> nn.Parameter:
    weight = nn.Parameter(matrices(*shape, seed=seed))
    weight.grad = matrices(*shape, seed=seed + 100)
    return weight


@pytest.mark.parametrize("shape", [(3, 6, 40), (2, 40, 6), (1, 8, 8)])
def test_singular_values_end_near_one_and_directions_stay(shape: tuple[int, ...]) -> None:
    given = matrices(*shape)
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    turned = left.mT @ orthogonalize(given) @ right.mT
    values = turned.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.6
    assert values.max() < 1.25
    torch.testing.assert_close(turned, torch.diag_embed(values), rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_length_of_a_gradient_does_not_matter(scale: float) -> None:
    given = matrices(2, 5, 9)
    torch.testing.assert_close(orthogonalize(scale * given), orthogonalize(given))


def test_products_are_not_rounded_to_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(given: Tensor) -> Tensor:
        seen.append(torch.backends.cuda.matmul.allow_tf32)
        return orthogonalize(given)

    monkeypatch.setattr(muon, "orthogonalize", watched)
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, True
    try:
        Muon([with_gradient(4, 6)]).step()
        assert (seen, matmul.allow_tf32) == ([False], True)
    finally:
        matmul.allow_tf32 = before


def test_zeros_stay_zeros() -> None:
    assert orthogonalize(torch.zeros(1, 4, 7)).eq(0).all()


def test_steps_are_those_of_torch() -> None:
    ours, theirs = with_gradient(24, 60), with_gradient(24, 60)
    settings = {"lr": 0.01, "momentum": 0.9}
    muon = Muon([ours], **settings)
    reference = torch.optim.Muon(
        [theirs], **settings, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
    )
    before = ours.detach().clone()
    for step in range(4):
        ours.grad = matrices(24, 60, seed=step)
        theirs.grad = ours.grad.clone()
        muon.step()
        reference.step()
    # torch's iteration runs in bf16
    moved, expected = ours.detach() - before, theirs.detach() - before
    assert (moved - expected).norm() < 0.03 * expected.norm()


def test_a_convolutions_kernel_counts_as_columns() -> None:
    weight = with_gradient(6, 5, 3, 3)
    flat = nn.Parameter(weight.detach().flatten(1).clone())
    assert weight.grad is not None
    flat.grad = weight.grad.flatten(1)
    Muon([weight]).step()
    Muon([flat]).step()
    torch.testing.assert_close(weight.detach().flatten(1), flat.detach())


def test_channels_last_weights_move_alike() -> None:
    plain, other = with_gradient(6, 5, 3, 3), with_gradient(6, 5, 3, 3)
    other.data = other.data.contiguous(memory_format=torch.channels_last)
    for _ in range(2):
        Muon([plain]).step()
        Muon([other]).step()
    torch.testing.assert_close(plain, other)


def test_weights_of_one_shape_move_as_they_would_alone() -> None:
    together = [with_gradient(6, 20, seed=s) for s in range(3)]
    alone = [with_gradient(6, 20, seed=s) for s in range(3)]
    Muon(together).step()
    for weight in alone:
        Muon([weight]).step()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b)


def test_a_flagged_step_leaves_weight_and_momentum_alone() -> None:
    weight = with_gradient(4, 12)
    muon = Muon([weight])
    muon.found_inf = torch.tensor(0.0)
    muon.step()
    before, momentum = weight.detach().clone(), muon.state[weight]["momentum"].clone()
    weight.grad = torch.full((4, 12), torch.nan)
    muon.found_inf = torch.tensor(1.0)
    muon.step()
    assert torch.equal(weight, before)
    assert torch.equal(muon.state[weight]["momentum"], momentum)


def test_the_flag_unset_changes_no_digit() -> None:
    plain, flagged = with_gradient(4, 12), with_gradient(4, 12)
    Muon([plain]).step()
    muon = Muon([flagged])
    muon.found_inf = torch.tensor(0.0)
    muon.step()
    assert torch.equal(plain, flagged)


def test_an_entry_moves_by_a_fifth_of_the_rate_on_average() -> None:
    weight = with_gradient(32, 288)
    before = weight.detach().clone()
    Muon([weight], lr=0.01).step()
    moved = (weight.detach() - before).square().mean().sqrt()
    assert moved.item() == pytest.approx(0.2 * 0.01, rel=0.2)


def test_state_survives_saving() -> None:
    first, second = with_gradient(4, 12), with_gradient(4, 12)
    muon = Muon([first])
    muon.step()
    with torch.no_grad():
        second.copy_(first)
    other = Muon([second], lr=1.0, momentum=0.1)
    other.load_state_dict(copy.deepcopy(muon.state_dict()))
    for weight, optimizer in ((first, muon), (second, other)):
        weight.grad = matrices(4, 12, seed=7)
        optimizer.step()
    assert torch.equal(first, second)


def test_weights_without_a_gradient_stay() -> None:
    moving, still = with_gradient(4, 12), nn.Parameter(matrices(4, 12))
    before = still.detach().clone()
    Muon([moving, still]).step()
    assert torch.equal(still, before)
