import threading

import pytest
import torch

from fst.inference.optimizing import OptimizingStylizer
from fst.inference.painter import NetPainter
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.system.cancellation import Canceled, cancelable, stop_if_canceled


def test_work_that_nobody_watches_goes_on() -> None:
    stop_if_canceled()


def test_work_ends_where_it_can_and_only_within() -> None:
    canceled = threading.Event()
    with cancelable(canceled):
        stop_if_canceled()
        canceled.set()
        with pytest.raises(Canceled):
            stop_if_canceled()
    stop_if_canceled()


def test_other_threads_are_not_canceled() -> None:
    canceled = threading.Event()
    canceled.set()
    ended: list[bool] = []
    with cancelable(canceled):
        thread = threading.Thread(target=lambda: (stop_if_canceled(), ended.append(True)))
        thread.start()
        thread.join()
    assert ended == [True]


def test_work_inside_of_other_work_has_an_end_of_its_own() -> None:
    outer, inner, seen = threading.Event(), threading.Event(), []
    with cancelable(outer, lambda: seen.append("outer")):
        stop_if_canceled()
        inner.set()
        with cancelable(inner), pytest.raises(Canceled):
            stop_if_canceled()
        stop_if_canceled()
    assert seen == ["outer", "outer"]


def test_a_pass_ends_at_its_next_strip() -> None:
    painter = NetPainter(JohnsonNet(width=4, residual_blocks=1).eval())
    photo = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    whole = painter(photo)
    canceled, strips = threading.Event(), []
    with cancelable(canceled, lambda: strips.append(1)):
        assert torch.equal(painter(photo), whole)
    count = len(strips)
    assert count >= 5

    def cancel() -> None:
        strips.append(1)
        if len(strips) == count + 3:
            canceled.set()

    with cancelable(canceled, cancel), pytest.raises(Canceled):
        painter(photo)
    assert len(strips) == count + 3


def test_an_optimization_ends_after_its_iteration(random_loss: PerceptualLoss) -> None:
    canceled, seen = threading.Event(), []
    stylizer = OptimizingStylizer(random_loss, torch.device("cpu"), {"iterations": 50})

    def see(iterate: object) -> None:
        seen.append(iterate)
        if len(seen) == 3:
            canceled.set()

    with cancelable(canceled), pytest.raises(Canceled):
        stylizer(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)), see)
    assert len(seen) == 3
