"""fst.inference.painter: one pass is the net's own output, without a graph."""

import os
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.inference import painter
from fst.inference.painter import NetPainter, feedforward
from fst.inference.strips import plans
from fst.nets.johnson import JohnsonNet
from fst.nets.needs import NetNeeds, TransformerNet
from fst.system.memory import free_memory, parse_memory


@pytest.fixture
def net() -> JohnsonNet:
    torch.manual_seed(0)
    return JohnsonNet(width=4, residual_blocks=1).eval()


def draw(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 3, 17, 30), (2, 3, 16, 21)])
def test_one_pass_is_the_nets_output(net: JohnsonNet, shape: tuple[int, ...]) -> None:
    photo = draw(*shape)
    expected = net.double()(photo.double()).float()
    painted = feedforward(net.float(), photo)
    assert painted.dtype == torch.float32
    torch.testing.assert_close(painted, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("in_stages", [True, False])
@pytest.mark.parametrize(
    ("size", "margin"), [((16, 16), 12), ((20, 36), 16), ((17, 35), 12), ((24, 64), 20)]
)
def test_a_margin_is_painted_and_cut_off(
    net: JohnsonNet, size: tuple[int, int], margin: int, in_stages: bool
) -> None:
    photo = draw(1, 3, *size)
    pads = [(margin, margin + -side % 4) for side in size]
    # NumPy's odd reflection, axis by axis: what goes on as it was going
    wide = np.pad(photo.numpy(), ((0, 0), (0, 0), pads[0], (0, 0)), "reflect", reflect_type="odd")
    wide = wide.clip(0, 1)
    wide = np.pad(wide, ((0, 0), (0, 0), (0, 0), pads[1]), "reflect", reflect_type="odd")
    expected = net(torch.from_numpy(wide.clip(0, 1)))
    expected = expected[..., margin : margin + size[0], margin : margin + size[1]]
    # as much as there is room for
    made = NetPainter(net if in_stages else nn.Sequential(net), margin=20)
    torch.testing.assert_close(made(photo), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(feedforward(net, photo), net(photo), rtol=0, atol=1e-5)


@pytest.mark.parametrize("margin", [260, 6, -4, "wide", 4.5, 8.0, False])
def test_a_margin_that_cannot_be_is_refused(net: JohnsonNet, margin: object) -> None:
    with pytest.raises(InputError, match="margin"):
        NetPainter(net, margin=margin)  # type: ignore[arg-type]


def test_a_picture_that_tiles_has_no_margin(net: JohnsonNet) -> None:
    photo = draw(1, 3, 32, 32)
    tiling = NetPainter(net, circular=True)(photo)
    assert torch.equal(NetPainter(net, circular=True, margin=20)(photo), tiling)


def test_pictures_of_a_batch_do_not_touch_each_other(net: JohnsonNet) -> None:
    photos = draw(3, 3, 20, 24)
    together = feedforward(net, photos)
    for i in range(3):
        torch.testing.assert_close(
            together[i : i + 1], feedforward(net, photos[i : i + 1]), rtol=0, atol=1e-5
        )


def test_bf16_is_close_but_not_the_same(net: JohnsonNet) -> None:
    photo = draw(1, 3, 32, 32)
    exact, rounded = feedforward(net, photo), feedforward(net, photo, torch.bfloat16)
    assert rounded.dtype == torch.float32
    difference = (exact - rounded).abs()
    assert 0 < difference.max() < 0.06
    assert difference.mean() < 0.01


def test_a_net_that_answers_in_bf16_is_brought_back_to_float32() -> None:
    painted = feedforward(nn.Conv2d(3, 3, 1), draw(1, 3, 16, 16), torch.bfloat16)
    assert painted.dtype == torch.float32


@pytest.mark.parametrize("in_stages", [True, False])
def test_bf16_reaches_the_convolutions_and_nothing_stays_switched_on(
    net: JohnsonNet, in_stages: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.dtype] = []
    conv2d = torch.nn.functional.conv2d

    def watched(x: Tensor, *others: Any, **settings: Any) -> Tensor:
        y = conv2d(x, *others, **settings)
        seen.append(y.dtype)
        return y

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    painting: nn.Module = net if in_stages else nn.Sequential(net)
    for dtype in (torch.bfloat16, torch.float32):
        seen.clear()
        feedforward(painting, draw(1, 3, 16, 16), dtype)
        assert set(seen) == {dtype}
    assert not torch.is_autocast_enabled("cpu")


def test_a_pass_leaves_no_graph_although_the_net_can_learn(net: JohnsonNet) -> None:
    assert all(parameter.requires_grad for parameter in net.parameters())
    photo = draw(1, 3, 16, 16).requires_grad_()
    painted = feedforward(net, photo)
    assert not painted.requires_grad
    assert painted.grad_fn is None
    assert torch.is_grad_enabled()


def test_the_photo_is_left_as_it_was() -> None:
    class InPlace(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images + 1

    photo = draw(1, 3, 16, 16)
    before = photo.clone()
    feedforward(InPlace(), photo)
    assert torch.equal(photo, before)


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0, 20])
def test_a_picture_that_does_not_fit_is_painted_in_strips(net: JohnsonNet, margin: int) -> None:
    photo = draw(1, 3, 70, 50)
    plenty = NetPainter(net, memory=1 << 40, margin=margin)
    assert plenty.stages is not None
    expected = plenty(photo)
    for plan in plans.plans(plenty.stages):
        height, width = 70 + 2 * margin, 50 + 2 * margin
        widened = 4 * 3 * height * width  # a float32 copy of the photo: 70 is no multiple of 4
        enough = widened + plans.memory(plenty.stages, height, width, torch.float32, plan)
        tight = NetPainter(net, memory=enough, margin=margin)
        chosen = tight.plan(70, 50, torch.device("cpu"))
        needed = plans.memory(plenty.stages, height, width, torch.float32, chosen)
        assert needed <= enough - widened
        torch.testing.assert_close(tight(photo), expected, rtol=0, atol=1e-5)


def test_too_little_memory_names_the_least_that_works(net: JohnsonNet) -> None:
    with pytest.raises(InputError, match=r"needs (0\.\d+) GB.* 0\.00 GB may be taken") as caught:
        NetPainter(net, memory=1000)(draw(1, 3, 64, 64))
    needed = re.search(r"needs (\S+) GB", str(caught.value))
    assert needed is not None
    NetPainter(net, memory=int(float(needed[1]) * 1e9) + 10_000_000)(draw(1, 3, 64, 64))


def test_circular_painting_tiles(net: JohnsonNet) -> None:
    photo = draw(1, 3, 24, 32)
    tiling = NetPainter(net, circular=True)
    once, twice = tiling(photo), tiling(photo.repeat(1, 1, 1, 2))
    torch.testing.assert_close(twice, once.repeat(1, 1, 1, 2), rtol=0, atol=1e-5)
    with pytest.raises(InputError, match="no other way"):
        NetPainter(nn.Sequential(net), circular=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2e9), ("1.5 gb", 1.5e9), ("500M", 5e8), ("1GiB", 2**30), ("64k", 64e3), ("9", 9)],
)
def test_memory_is_given_in_bytes(text: str, expected: float) -> None:
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "1.2.3GB", "two", "1PB"])
def test_other_memory_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="2GB"):
        parse_memory(text)


def test_free_memory_is_between_nothing_and_everything() -> None:
    free = free_memory(torch.device("cpu"))
    assert 0 < free < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_trained_net_changes_nothing_about_itself(net: JohnsonNet) -> None:
    before = {key: value.clone() for key, value in net.state_dict().items()}
    feedforward(net, draw(1, 3, 20, 20), torch.bfloat16)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_disk_that_is_memory_saves_none(net: JohnsonNet, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = NetPainter(net).stages
    assert stages is not None
    on_disk, rest = [], []
    for plan in plans.plans(stages):
        needed = plans.memory(stages, 256, 256, torch.float32, plan)
        (on_disk if plan.disk else rest).append(needed)
    assert min(on_disk) < min(rest)
    tight = NetPainter(net, memory=min(on_disk))
    assert tight.plan(256, 256, torch.device("cpu")).disk
    monkeypatch.setattr(painter, "is_in_memory", lambda folder: True)
    with pytest.raises(InputError, match=r"in memory.*TMPDIR"):
        tight.plan(256, 256, torch.device("cpu"))
    assert not NetPainter(net, memory=min(rest)).plan(256, 256, torch.device("cpu")).disk


# --- what a net says of itself -------------------------------------------------------------------


class Halving(TransformerNet):
    """A net that halves three times, and says so."""

    needs = NetNeeds(least_side=24, multiple=8)

    def forward(self, images: Tensor) -> Tensor:
        self.seen = tuple(images.shape[2:])
        return images


@pytest.mark.parametrize("margin", [0, 20])
@pytest.mark.parametrize("size", [(5, 9), (24, 24), (31, 50)])
def test_a_net_gets_the_pictures_that_it_needs(size: tuple[int, int], margin: int) -> None:
    photo, net = draw(1, 3, *size), Halving()
    assert torch.equal(NetPainter(net, margin=margin)(photo), photo)
    assert all(side % 8 == 0 and side >= 24 for side in net.seen)


def test_stages_are_asked_of_nets_that_declare_them_only() -> None:
    """An attribute of that name says nothing: a module of another library may have it."""

    class Other(nn.Conv2d):
        def stages(self) -> str:
            return "of something else"

    other = NetPainter(Other(3, 3, 1))
    assert other.stages is None
    assert other(draw(1, 3, 16, 16)).shape == (1, 3, 16, 16)
