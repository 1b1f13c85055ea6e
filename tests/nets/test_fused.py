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
from fst.inference.strips.moments import Normalizer
from fst.inference.strips.plans import Plan
from fst.nets import fused
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import in_blocks
from fst.nets.norm import InstanceNorm2d
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
    assert means.dtype == squares.dtype == torch.float32
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
    ties = torch.full((16,), 1 + 2**-8)  # of powers of two: half a step of bf16 above them
    x = x.sign() * 2.0 ** torch.arange(-15, 15)[:, None]
    x = (x * (1 + torch.arange(40) % 2 * 2**-7)).bfloat16()
    x = x.contiguous(memory_format=torch.channels_last)
    found = fused.normalize(x, ties, torch.zeros(16), False, torch.empty_like(x))
    wanted = x.float() * (1 + 2**-8)
    assert torch.equal(found, wanted.bfloat16())
    assert {-1, 1} <= set((found.float() - wanted).sign().flatten().tolist())


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
    assert not fused.suits(narrow, 4)  # 8 channels each
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not fused.suits(narrow)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: False)
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


def a_photo() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((1, 3, 56, 72), generator=generator, dtype=torch.float32)


def painted(net: JohnsonNet, plan: Plan, circular: bool = False) -> Tensor:
    photo = a_photo()
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
    calls: dict[str, list[tuple[object, ...]]] = {"moments": [], "normalize": []}
    for name, given in calls.items():
        monkeypatch.setattr(fused, name, noting(getattr(fused, name), given))
    found = painted(net, plan, circular)
    assert len(calls["normalize"]) >= 9  # 3 before, 4 in the blocks, 2 behind
    of_parts = [given[1] for given in calls["moments"] if given[2] is not None]
    assert (4 in of_parts) == (upsampling == "bilinear" and not plan.disk)
    assert (1 in of_parts) == (not plan.disk)
    count = len(calls["normalize"])
    monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
    torchs = painted(net, plan, circular)
    assert len(calls["normalize"]) == count
    assert (found - torchs).abs().mean() < 3e-3
    if not circular:
        exact = net(a_photo())
        assert (found - exact).abs().mean() < 1.1 * (torchs - exact).abs().mean()


def noting(function: Callable[..., object], calls: list[tuple[object, ...]]) -> object:
    def noted(*given: object) -> object:
        calls.append(given)
        return function(*given)

    return noted


@pytest.mark.parametrize("width", [3, 8, 24])
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_net_of_any_width_is_painted(
    upsampling: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of its features can be taken, and of some of these not the parts."""
    net = shaken_net(upsampling, width)
    found = painted(net, PLANS[1])
    monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
    assert (found - painted(net, PLANS[1])).abs().mean() < 5e-3


@pytest.mark.parametrize("width", [16, 24, 32])
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_picture_of_several_comes_out_as_it_does_alone(upsampling: str, width: int) -> None:
    stages = shaken_net(upsampling, width).stages(torch.bfloat16)
    for seed in range(4):
        photos = torch.rand((3, 3, 76, 80), generator=torch.Generator().manual_seed(seed))
        several = together.run_together(stages, photos, torch.bfloat16)
        for photo, one in zip(torch.split(photos, 1), torch.split(several, 1), strict=True):
            assert torch.equal(run.run(stages, photo, torch.bfloat16), one)


def test_the_callers_default_dtype_changes_nothing() -> None:
    net = shaken_net("bilinear", width=16)
    wanted = painted(net, PLANS[0])
    torch.set_default_dtype(torch.float64)
    try:
        found = painted(net, PLANS[0])
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, wanted)


def test_norms_of_another_dtype_are_brought_to_it() -> None:
    x, norm = draw(1, 16, 3, 70, dtype=torch.bfloat16), InstanceNorm2d(16).double()
    wanted = Normalizer(torch.ones(16), torch.ones(16), norm.float(), True)(x)
    norm.double()
    assert torch.equal(Normalizer(torch.ones(16), torch.ones(16), norm, True)(x), wanted)


def test_what_lies_otherwise_is_added_by_torch() -> None:
    """Another dtype, or channels far apart."""
    rows, kept = (draw(1, 16, 3, 70, seed=seed, dtype=torch.bfloat16) for seed in (0, 1))
    normalize = Normalizer(torch.ones(16), torch.ones(16), InstanceNorm2d(16), False)
    wanted = normalize.added_to(kept.clone(), rows).float()
    for other in (kept.contiguous(), kept.float()):
        found = normalize.added_to(other.clone(), rows)
        assert (found.dtype, found.stride()) == (other.dtype, other.stride())
        torch.testing.assert_close(found.float(), wanted, rtol=1e-2, atol=1e-2)


def test_under_autocast_a_pass_is_right() -> None:
    """Convolutions give bf16 then, and features are kept in float32."""
    photo, net = a_photo(), shaken_net("bilinear", width=16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = run.run(net.stages(), photo).sigmoid()
    assert (found - net(photo)).abs().mean() < 0.02


def test_it_is_an_instance_norm() -> None:
    """All of it: moments, scale and offset, against torch's in float64."""
    x, weight, bias = draw(1, 32, 20, 70), draw(32, seed=2), draw(32, seed=3)
    mean, variance = fused.merged(*fused.moments(x), 70)
    scale = weight * (variance + 1e-5).rsqrt()
    found = fused.normalize(x, scale, bias - mean * scale, False, torch.empty_like(x))
    wanted = F.instance_norm(x.double(), weight=weight.double(), bias=bias.double())
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-5)
