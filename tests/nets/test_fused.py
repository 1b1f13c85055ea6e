"""fst.nets.fused: against float64; when it is used; and a net's pass by it."""

import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from support import shaken_net
from torch import Tensor

from fst.inference.strips import run, together
from fst.inference.strips.plans import Plan
from fst.nets import fused
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import in_blocks
from fst.system import compiled

pytestmark = pytest.mark.skipif(
    compiled.level() is None or not (shutil.which("cc") or shutil.which("gcc")),
    reason="needs a C compiler and a processor that the code is for",
)

NEAR = {torch.float32: 2e-6, torch.bfloat16: 4e-3}
"""Relative to a number: bf16 has 8 binary digits."""


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all tests here, so that the library is compiled once."""
    return tmp_path_factory.mktemp("cache")


def forget() -> None:
    fused._library.cache_clear()
    fused._is_built.cache_clear()


@pytest.fixture(autouse=True)
def own_cache(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("pooch.os_cache", lambda name: cache_folder / name)
    monkeypatch.setenv("FST_CONVOLUTIONS", "auto")
    compiled.build(fused.SOURCE)
    forget()
    yield
    forget()


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return drawn.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else drawn


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bf16"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    found: torch.dtype = request.param
    return found


SIZES = [(16, 1, 1), (32, 3, 64), (48, 5, 65), (112, 2, 130), (128, 4, 200)]
"""Channels, height, width: groups of registers and blocks of pixels that are full, and not."""


@pytest.mark.parametrize(("channels", "height", "width"), SIZES)
def test_moments_are_those_of_the_numbers(
    channels: int, height: int, width: int, dtype: torch.dtype
) -> None:
    x = draw(1, channels, height, width, dtype=dtype) * 3 + 7
    means, squares = fused.moments(x)
    exact = x.double()[0].permute(1, 0, 2)  # (H, C, W)
    torch.testing.assert_close(means.double(), exact.mean(2), rtol=1e-6, atol=0)
    wanted = (exact - exact.mean(2, keepdim=True)).square().sum(2)
    torch.testing.assert_close(squares.double(), wanted, rtol=1e-5, atol=1e-6)
    mean, variance = fused.merged(means, squares, width)
    torch.testing.assert_close(mean.double(), exact.mean((0, 2)), rtol=1e-6, atol=0)
    torch.testing.assert_close(
        variance.double(), exact.var((0, 2), correction=0), rtol=1e-5, atol=1e-6
    )


def test_a_faint_signal_on_a_large_offset_keeps_its_digits() -> None:
    """As in two passes; from sums of squares nothing would be left of it."""
    x = draw(1, 16, 40, 300) * 0.1 + 1000
    _, variance = fused.merged(*fused.moments(x), 300)
    exact = x.double().var((0, 2, 3), correction=0)
    torch.testing.assert_close(variance.double(), exact, rtol=1e-4, atol=0)


@pytest.mark.parametrize("parts", [1, 4])
def test_features_go_to_their_place_on_the_way(parts: int, dtype: torch.dtype) -> None:
    x = draw(1, 48 * parts, 5, 70, dtype=dtype)
    wanted = x if parts == 1 else in_blocks(x)
    store = torch.zeros(1, 48, wanted.shape[2] + 3, wanted.shape[3] + 2, dtype=dtype)
    store = store.contiguous(memory_format=torch.channels_last)
    means, squares = fused.moments(x, parts, store[:, :, 2:-1, 1:-1])
    assert torch.equal(store[:, :, 2:-1, 1:-1], wanted)
    store[:, :, 2:-1, 1:-1] = 0
    assert not store.any(), "something was written beside"
    mean, variance = fused.merged(means, squares, x.shape[3])
    exact = wanted.double()
    torch.testing.assert_close(mean.double(), exact.mean((0, 2, 3)), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        variance.double(), exact.var((0, 2, 3), correction=0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(("channels", "height", "width"), SIZES)
@pytest.mark.parametrize(("relu", "adds"), [*product([False, True], repeat=2)])
def test_it_normalizes(
    channels: int, height: int, width: int, relu: bool, adds: bool, dtype: torch.dtype
) -> None:
    x, added = (draw(1, channels, height, width, seed=seed, dtype=dtype) for seed in (0, 1))
    scale, offset = draw(channels, seed=2), draw(channels, seed=3)
    wanted = x.double() * scale[:, None, None] + offset[:, None, None]
    wanted = wanted.relu() if relu else wanted
    wanted = wanted + added.double() if adds else wanted
    other = added if adds else None
    found = fused.normalize(x, scale, offset, relu, torch.full_like(x, 9), other)
    near = NEAR[dtype]
    torch.testing.assert_close(found.double(), wanted, rtol=near, atol=near)
    if adds:
        assert torch.equal(fused.normalize(x, scale, offset, relu, added.clone(), added), found)
        over = added.clone()
        assert torch.equal(fused.normalize(x, scale, offset, relu, over, over), found)
    else:
        over = x.clone()
        assert torch.equal(fused.normalize(over, scale, offset, relu, over), found)


def test_bf16_is_rounded_to_the_nearest() -> None:
    x = draw(1, 16, 30, 40, dtype=torch.bfloat16)
    scale = torch.full((16,), 1.234567)
    found = fused.normalize(x, scale, torch.zeros(16), False, torch.empty_like(x))
    assert torch.equal(found, (x.float() * 1.234567).bfloat16())


def test_rows_of_a_larger_picture_are_read_where_they_lie(dtype: torch.dtype) -> None:
    rows = draw(1, 32, 40, 90, dtype=dtype)[:, :, 7:19, 2:-3]
    for found, wanted in zip(fused.moments(rows), fused.moments(rows.clone()), strict=True):
        assert torch.equal(found, wanted)
    scale, offset = draw(32, seed=2), draw(32, seed=3)
    outs = [
        fused.normalize(x, scale, offset, True, torch.empty_like(x)) for x in (rows, rows.clone())
    ]
    assert torch.equal(*outs)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_none(broken: float, dtype: torch.dtype) -> None:
    x = draw(1, 16, 2, 70, dtype=dtype)
    x[0, 3, 1, 66] = broken
    means, _ = fused.moments(x)
    assert not means[1, 3].isfinite()
    assert means.isfinite().sum() == means.numel() - 1
    scale, offset = torch.ones(16), torch.zeros(16)
    found = fused.normalize(x, scale, offset, True, torch.empty_like(x))
    assert torch.equal(found.isnan(), x.isnan())
    assert torch.equal(found.isinf(), x.relu().isinf())
    scale[5] = float("nan")  # of a net that has diverged
    assert fused.normalize(x, scale, offset, True, torch.empty_like(x))[0, 5].isnan().all()


@pytest.mark.parametrize("torchs", [True, False], ids=["torch's", "own"])
def test_any_number_of_threads_gives_the_same(
    torchs: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torchs:
        monkeypatch.setattr(compiled, "team", lambda: None)
    x, scale, offset = draw(1, 64, 90, 110, dtype=dtype), draw(64, seed=2), draw(64, seed=3)

    def found() -> list[Tensor]:
        y, out = torch.empty_like(x), torch.empty_like(x)
        return [*fused.moments(x, 1, y), y, fused.normalize(x, scale, offset, True, out)]

    one = found()
    torch.set_num_threads(3)
    try:
        three = found()
    finally:
        torch.set_num_threads(1)
    assert all(map(torch.equal, one, three))


def test_a_processor_without_avx512_computes_the_same(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    x, scale, offset = draw(1, 112, 5, 70, dtype=dtype), draw(112, seed=2), draw(112, seed=3)

    def found() -> list[Tensor]:
        out = torch.empty_like(x)
        return [*fused.moments(x), fused.normalize(x, scale, offset, True, out)]

    best = found()
    monkeypatch.setattr(compiled, "level", lambda: compiled.LEVELS[-1][1])
    forget()
    for one, other in zip(best, found(), strict=True):
        torch.testing.assert_close(one, other)


def test_auto_takes_it_in_bf16_once_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = draw(1, 32, 4, 4, dtype=torch.bfloat16), draw(1, 32, 4, 4)
    assert fused.suits(narrow)
    assert not fused.suits(wide)
    assert not fused.suits(narrow.contiguous())  # channels far apart
    assert not fused.suits(narrow[:, :30])
    assert not fused.suits(narrow.repeat(2, 1, 1, 1))
    assert not fused.suits(narrow[:, :, :0])
    assert not fused.suits(narrow.to("meta"))
    monkeypatch.setenv("FST_CONVOLUTIONS", "winograd")
    assert fused.suits(wide)
    assert not fused.suits(wide.double())
    monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
    assert not fused.suits(narrow)
    monkeypatch.setenv("FST_CONVOLUTIONS", "auto")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    forget()
    assert not fused.suits(narrow)
    assert list(tmp_path.iterdir()) == []  # nobody has asked for it


PLANS = [
    Plan(),
    Plan(strip_bytes=20_000),
    Plan(frozenset({0, 8}), strip_bytes=20_000),
    Plan(frozenset({0, 1, 7, 8}), True, 20_000),
]


def painted(net: JohnsonNet, plan: Plan, circular: bool = False) -> Tensor:
    photo = torch.rand((1, 3, 56, 72), generator=torch.Generator().manual_seed(1))
    stages = net.stages(torch.bfloat16)
    with torch.no_grad():
        return run.run(stages, photo, torch.bfloat16, plan, circular).sigmoid()


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_pass_by_it_is_the_pass(
    upsampling: str, circular: bool, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = shaken_net(upsampling, width=16)
    calls: list[None] = []
    monkeypatch.setattr(fused, "normalize", counting(fused.normalize, calls))
    found = painted(net, plan, circular)
    assert calls
    count = len(calls)
    monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
    torchs = painted(net, plan, circular)
    assert len(calls) == count
    assert (found - torchs).abs().mean() < 3e-3
    if not circular:
        photo = torch.rand((1, 3, 56, 72), generator=torch.Generator().manual_seed(1))
        exact = net(photo)
        assert (found - exact).abs().mean() < 1.1 * (torchs - exact).abs().mean()


def counting(function: Callable[..., Tensor], calls: list[None]) -> Callable[..., Tensor]:
    def counted(*given: object, **named: object) -> Tensor:
        calls.append(None)
        return function(*given, **named)

    return counted


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_picture_of_several_comes_out_as_it_does_alone(upsampling: str) -> None:
    stages = shaken_net(upsampling, width=16).stages(torch.bfloat16)
    photos = torch.rand((3, 3, 76, 80), generator=torch.Generator().manual_seed(1))
    several = together.run_together(stages, photos, torch.bfloat16)
    for photo, one in zip(torch.split(photos, 1), torch.split(several, 1), strict=True):
        alone = run.run(stages, photo, torch.bfloat16)
        assert torch.equal(alone, one)


def test_it_is_an_instance_norm() -> None:
    """All of it: moments, scale and offset, against torch's in float64."""
    x, weight, bias = draw(1, 32, 20, 70), draw(32, seed=2), draw(32, seed=3)
    mean, variance = fused.merged(*fused.moments(x), 70)
    scale = weight * (variance + 1e-5).rsqrt()
    found = fused.normalize(x, scale, bias - mean * scale, False, torch.empty_like(x))
    wanted = F.instance_norm(x.double(), weight=weight.double(), bias=bias.double())
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-5)
