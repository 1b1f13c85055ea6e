"""Moments held over time, against those of all frames as one picture."""

import pytest
import torch
from support import shaken_net

from fst.inference.strips import held, plans, run
from fst.inference.strips.held import HeldMoments


def moments(frame: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    variance, mean = torch.var_mean(frame, (1, 2), correction=0)
    return mean, variance


def test_the_first_frames_count_alike() -> None:
    """They are those of one long picture, and the share is a plain mean's."""
    generator = torch.Generator().manual_seed(0)
    frames = [torch.randn(3, 5, 6, generator=generator) * (n + 1) + n for n in range(5)]
    kept = HeldMoments()
    for count in range(1, 6):
        mean, variance = kept.mixed(0, *moments(frames[count - 1]))
        kept.next_frame()
        expected = moments(torch.cat(frames[:count], 1))
        torch.testing.assert_close(mean, expected[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(variance, expected[1], atol=1e-4, rtol=1e-5)


def test_later_frames_count_less_and_less() -> None:
    kept = HeldMoments()
    one, zero = torch.ones(1), torch.zeros(1)
    for _ in range(30):
        kept.mixed(0, zero, zero)
        kept.next_frame()
    expected = 0.0
    for _ in range(3):
        mean, variance = kept.mixed(0, one, zero)
        kept.next_frame()
        expected += held.NEW * (1 - expected)
        assert float(mean) == pytest.approx(expected)
        # of frames that are 1 with this share and else 0
        assert float(variance) == pytest.approx(expected * (1 - expected))


def test_what_does_not_change_stays_to_the_bit() -> None:
    kept = HeldMoments()
    mean, variance = torch.rand(7), torch.rand(7)
    for _ in range(20):
        found = kept.mixed(0, mean, variance)
        kept.next_frame()
        assert torch.equal(found[0], mean)
        assert torch.equal(found[1], variance)


def test_a_frame_that_was_left_out_ends_what_is_held() -> None:
    kept = HeldMoments()
    kept.mixed(0, torch.ones(2), torch.ones(2))
    kept.next_frame()
    kept.next_frame()
    mean, _ = kept.mixed(0, torch.zeros(2), torch.ones(2))
    assert torch.equal(mean, torch.zeros(2))


def test_strips_that_compute_again_hold_the_same() -> None:
    stages = shaken_net("bilinear").stages()
    frames = torch.rand(3, 3, 48, 40, generator=torch.Generator().manual_seed(1)).split(1)
    ways = plans.plans(stages)
    assert len(ways) > 1
    found = []
    for plan in (ways[0], ways[-1]):
        kept = HeldMoments()
        for frame in frames:
            painted = run.run(stages, frame, plan=plan, held=kept)
            kept.next_frame()
        found.append(painted)
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-4)
    assert not torch.equal(found[0], run.run(stages, frames[-1]))
