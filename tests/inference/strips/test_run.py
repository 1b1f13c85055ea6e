"""A net run strip by strip is the net, whatever is kept, stored or computed again."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from support import shaken_net
from torch import Tensor, nn

from fst.inference.strips import plans, rows, run
from fst.inference.strips.moments import Moments
from fst.inference.strips.plans import Plan
from fst.inference.strips.rows import Kept, Made
from fst.inference.strips.stores import DiskStore, Store, outside
from fst.nets.johnson import JohnsonNet
from fst.nets.norm import InstanceNorm2d
from fst.nets.stages import Stage
from fst.system.files import scratch_folder

NUMBERS = {"down1": 0, "down2": 1, "up1": 7, "up2": 8}
"""Stages of a net with two residual blocks."""

PLANS = [
    Plan(),
    Plan(strip_bytes=1),
    Plan(strip_bytes=3000),
    Plan(frozenset({NUMBERS["down1"], NUMBERS["up2"]}), strip_bytes=2000),
    Plan(frozenset(NUMBERS.values()), strip_bytes=1000),
    Plan(disk=True, strip_bytes=2000),
    Plan(frozenset(NUMBERS.values()), True, 1),
]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["nearest", "bilinear"])
def net(request: pytest.FixtureRequest) -> JohnsonNet:
    """With norms that scale and shift, as trained ones do."""
    return shaken_net(request.param)


def painted(net: JohnsonNet, photo: Tensor, plan: Plan, circular: bool = False) -> Tensor:
    return torch.sigmoid(run.run(net.stages(), photo, plan=plan, circular=circular))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("size", [(16, 16), (20, 48), (64, 24)])
def test_strips_are_the_whole_picture(net: JohnsonNet, plan: Plan, size: tuple[int, int]) -> None:
    photo = draw(1, 3, *size)
    expected = net.double()(photo.double()).float()
    assert (painted(net.float(), photo, plan) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_any_number_of_blocks(blocks: int) -> None:
    torch.manual_seed(0)
    net = JohnsonNet(width=3, residual_blocks=blocks).requires_grad_(False)
    photo = draw(1, 3, 24, 32)
    torch.testing.assert_close(painted(net, photo, PLANS[2]), net(photo), rtol=0, atol=1e-5)


@pytest.mark.parametrize("plan", PLANS)
def test_circular_padding_knows_no_border(net: JohnsonNet, plan: Plan) -> None:
    """Rolling the photo rolls the painted picture: there is no place where it begins."""
    photo = draw(1, 3, 32, 48)
    whole = painted(net, photo, plan, circular=True)
    rolled = painted(net, photo.roll((8, 20), (2, 3)), plan, circular=True)
    torch.testing.assert_close(rolled, whole.roll((8, 20), (2, 3)), rtol=0, atol=2e-5)
    tiled = painted(net, photo.repeat(1, 1, 2, 2), plan, circular=True)
    torch.testing.assert_close(tiled, whole.repeat(1, 1, 2, 2), rtol=0, atol=2e-5)


def test_the_photo_is_left_as_it_was(net: JohnsonNet) -> None:
    photo = draw(1, 3, 16, 16)
    before = photo.clone()
    painted(net, photo, Plan(strip_bytes=1))
    assert torch.equal(photo, before)


def test_bf16_is_close(net: JohnsonNet) -> None:
    photo = draw(1, 3, 32, 32)
    rounded = run.run(net.stages(torch.bfloat16), photo, torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert 0 < (torch.sigmoid(rounded) - net(photo)).abs().mean() < 0.02


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("pieces", [(7,), (1, 2, 4), (1,) * 7])
def test_statistics_gather(offset: float, pieces: tuple[int, ...]) -> None:
    x = (draw(1, 5, 7, 600) + offset).contiguous(memory_format=torch.channels_last)
    gathered = Moments()
    for piece in torch.split(x, list(pieces), dim=2):
        gathered.add(piece)
    exact = x.double()
    torch.testing.assert_close(gathered.mean, exact.mean((0, 2, 3)), rtol=1e-6, atol=1e-6)
    variance = gathered.squares / gathered.count
    torch.testing.assert_close(variance, exact.var((0, 2, 3), correction=0), rtol=1e-4, atol=0)


def test_statistics_normalize_like_instance_norm() -> None:
    x, norm = draw(1, 5, 6, 8), InstanceNorm2d(5)
    nn.init.normal_(norm.weight)
    gathered = Moments()
    gathered.add(x)
    with torch.no_grad():
        found = gathered.normalizer(norm, relu=True)(x)
        expected = F.instance_norm(x, None, None, norm.weight, norm.bias).relu()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
def test_places_outside_are_those_that_padding_takes(padding: str) -> None:
    line = torch.arange(6.0)
    expected = F.pad(line[None, None], (4, 4), mode=padding)[0, 0].tolist()
    assert [line[outside(i, 6, padding)].item() for i in range(-4, 10)] == expected


@pytest.mark.parametrize("kind", [Store, DiskStore])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_a_store_gives_padded_rows(kind: type[Store], padding: str, pad: int) -> None:
    x = draw(1, 2, 70, 5)
    store = kind(2, 70, 5, pad, torch.float32, "cpu")
    for first in (0, 30, 60):
        store.write(first, x[:, :, first : first + 30])
    store.seal(padding)
    expected = F.pad(x, (pad,) * 4, mode=padding) if pad else x
    assert torch.equal(store.read(-pad, 70 + pad), expected)
    rows = store.read(3, 9).clone() + 1
    store.put(3, rows)
    assert torch.equal(store.read(3, 9), rows)
    assert torch.equal(store.read(9, 70 + pad), expected[:, :, 9 + pad :])


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("rows", [(-2, 3), (0, 7), (4, 9), (-2, 9), (2, 5)])
def test_rows_are_made_where_they_are_wanted(padding: str, rows: tuple[int, int]) -> None:
    x = draw(1, 2, 7, 6)
    asked: list[tuple[int, int]] = []

    def make(first: int, last: int) -> Tensor:
        assert 0 <= first < last <= 7
        asked.append((first, last))
        return x[:, :, first:last]

    found = Made(7, 6, make).rows(*rows, 2, padding)
    expected = F.pad(x, (2, 2, 2, 2), mode=padding)[:, :, rows[0] + 2 : rows[1] + 2]
    assert torch.equal(found, expected)


def test_kept_rows_are_changed_once() -> None:
    store = Store(1, 6, 4, 1, torch.float32, "cpu")
    store.write(0, torch.zeros(1, 1, 6, 4))
    store.seal("reflect")
    kept = Kept(store, "reflect")
    kept.renew(lambda rows, first, last: rows.add_(1))
    for first in range(-1, 5):
        assert kept.rows(first, first + 3, 1, "reflect").eq(1).all()
    kept.renew(lambda rows, first, last: rows.add_(1))
    assert kept.rows(-1, 7, 1, "reflect").eq(2).all()
    assert kept.rows(-1, 7, 1, "replicate").eq(2).all()
    assert kept.change is rows._as_is  # what was added is let go


@pytest.mark.parametrize("stage_pad_stride", [(9, 4, 1), (3, 1, 1), (3, 1, 2)])
def test_a_stage_reaches_as_far_as_its_kernel(stage_pad_stride: tuple[int, int, int]) -> None:
    kernel, pad, stride = stage_pad_stride
    stage = Stage(torch.zeros(2, 3, kernel, kernel), None, stride=stride, pad=pad)
    size = 24
    x = draw(1, 3, size, size)
    padded = F.pad(x, (pad,) * 4, mode="reflect")
    whole = stage(padded)
    assert whole.shape[2] == size // stride
    for first, last in ((0, 4), (2, 6), (size // stride - 4, size // stride)):
        low, high = stage.reach(first, last)
        assert stage(padded[:, :, low + pad : high + pad]).shape[2] == last - first


@pytest.mark.parametrize("height", [16, 18, 20, 100, 1002])
@pytest.mark.parametrize("rows", [0, 1, 7, 64, 5000])
def test_strips_are_even_and_cover_the_picture(height: int, rows: int) -> None:
    found = list(run._strips(height, rows))
    assert found[0][0] == 0
    assert found[-1][1] == height
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(first % 2 == 0 and last > first for first, last in found)


# --- memory --------------------------------------------------------------------------------------


def test_plans_take_less_and_less_memory(net: JohnsonNet) -> None:
    stages = JohnsonNet().stages(torch.bfloat16)
    for side in (1024, 8192):
        needs = [plans.memory(stages, side, side, torch.bfloat16, p) for p in plans.plans(stages)]
        assert side < 8192 or needs[0] > needs[1] > needs[2] > needs[3]
        assert min(needs) == needs[-1]
    widths = [NUMBERS["down1"], NUMBERS["up2"]]
    assert plans.plans(net.stages())[1].anew == frozenset(widths)
    assert plans.plans(net.stages())[2].anew == frozenset(NUMBERS.values())


def test_what_is_promised_is_at_least_what_is_stored(
    net: JohnsonNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts the bytes of all stores that are alive at once."""
    alive = most = 0
    allocate = Store.allocate

    def counting(self: Store, shape: tuple[int, int, int], device: torch.device) -> None:
        nonlocal alive, most
        allocate(self, shape, device)
        self.size = self.rows.nbytes  # type: ignore[attr-defined]
        alive += self.rows.nbytes
        most = max(most, alive)

    def freed(self: Store) -> None:
        nonlocal alive
        alive -= self.size  # type: ignore[attr-defined]

    monkeypatch.setattr(Store, "allocate", counting)
    monkeypatch.setattr(Store, "__del__", freed, raising=False)
    stages = net.stages()
    for plan in plans.plans(stages)[:3]:
        most = 0
        run.run(stages, draw(1, 3, 64, 80), plan=plan)
        assert alive == 0
        assert 0 < most < plans.memory(stages, 64, 80, torch.float32, plan)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells of open files by /proc")
def test_the_disks_file_is_in_the_scratch_folder_and_has_no_name() -> None:
    """Nothing is left behind, however the process ends."""
    store = DiskStore(3, 8, 8, 1, torch.float32, "cpu")
    place = os.readlink(f"/proc/self/fd/{store.file.fileno()}")
    assert place.startswith(str(scratch_folder()))
    assert list(scratch_folder().iterdir()) == []
