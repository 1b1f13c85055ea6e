"""fst.nets.winograd: against torch's convolutions in float64; and when it is used."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.nets import winograd
from fst.nets.johnson import JohnsonNet
from fst.nets.winograd import convolution
from fst.system import compiled

pytestmark = pytest.mark.skipif(
    compiled.level() is None or not (shutil.which("cc") or shutil.which("gcc")),
    reason="needs a C compiler and a processor that the code is for",
)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all tests here, so that the library is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(compiled.pooch, "os_cache", lambda name: cache_folder / name)
    monkeypatch.setenv("FST_CONVOLUTIONS", "winograd")
    winograd._library.cache_clear()
    winograd._is_best.cache_clear()
    yield
    winograd._library.cache_clear()
    winograd._is_best.cache_clear()


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
    return drawn.to(dtype).contiguous(memory_format=layout)


def exact(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    return F.conv2d(x.double(), weight.double(), bias.double(), padding=padding)


def layer(inputs: int, outputs: int) -> tuple[Tensor, Tensor]:
    """A weight that keeps the features' deviation, and a bias."""
    return draw(outputs, inputs, 3, 3, seed=1) / (9 * inputs) ** 0.5, draw(outputs, seed=2)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    ("n", "inputs", "outputs", "height", "width"),
    [
        (1, 32, 32, 3, 3),  # one position, or nine
        (2, 48, 80, 13, 20),  # blocks of products that are not full
        (3, 32, 112, 8, 6),
        (1, 128, 64, 20, 3),
        (1, 256, 256, 9, 9),
    ],
)
def test_it_is_a_convolution(
    n: int, inputs: int, outputs: int, height: int, width: int, padding: int
) -> None:
    x, (weight, bias) = draw(n, inputs, height, width), layer(inputs, outputs)
    found = convolution(x, weight, bias, padding)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(found, F.conv2d(x, weight, bias, padding=padding))
    wanted = exact(x, weight, bias, padding)
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=2e-4)
    assert (found - wanted).std() < 2e-5


def test_bf16_is_nearer_the_exact_result_than_torchs() -> None:
    x, (weight, bias) = draw(1, 64, 30, 31, dtype=torch.bfloat16), layer(64, 64)
    found = convolution(x, weight, bias)
    assert found.dtype == torch.bfloat16
    torchs = F.conv2d(x, weight.bfloat16(), bias.bfloat16())
    wanted = exact(x, weight, bias, 0)
    assert (found - wanted).std() < (torchs - wanted).std() < 0.01


def test_a_processor_without_avx512_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "level", lambda: compiled.LEVELS[-1][1])
    for dtype, near in ((torch.float32, 2e-4), (torch.bfloat16, 0.02)):
        x, (weight, bias) = draw(2, 48, 13, 20, dtype=dtype), layer(48, 80)
        found = convolution(x, weight, bias, 1)
        wanted = exact(x, weight, bias, 1)
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=near)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_of_a_larger_picture_are_read_where_they_lie(dtype: torch.dtype) -> None:
    store, (weight, bias) = draw(1, 32, 40, 30, dtype=dtype), layer(32, 32)
    rows = store[:, :, 7:19, 2:-3]
    assert not rows.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(convolution(rows, weight, bias), convolution(rows.clone(), weight, bias))


def test_any_layout_and_number_of_threads_gives_the_same() -> None:
    x, (weight, bias) = draw(2, 64, 41, 50), layer(64, 96)
    found = convolution(x, weight, bias)
    assert torch.equal(convolution(x.contiguous(), weight.contiguous(), bias), found)
    torch.set_num_threads(3)
    try:
        assert torch.equal(convolution(x, weight, bias), found)
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-4), (torch.bfloat16, 8e-3)])
def test_its_gradients_are_those_of_a_convolution(
    dtype: torch.dtype, near: float, padding: int
) -> None:
    given = [draw(2, 48, 11, 17, dtype=dtype), *layer(48, 80)]
    upstream = draw(2, 80, 9 + 2 * padding, 15 + 2 * padding, seed=3, dtype=dtype)
    mine = [value.clone().requires_grad_() for value in given]
    theirs = [value.double().requires_grad_() for value in given]
    found = torch.autograd.grad(convolution(*mine, padding), mine, upstream)
    wanted = torch.autograd.grad(exact(*theirs, padding), theirs, upstream.double())
    for gradient, right, value in zip(found, wanted, mine, strict=True):
        assert gradient.dtype == value.dtype
        assert (gradient - right).abs().max() < near * right.abs().max()


def test_a_weight_that_trains_or_is_changed_is_read_anew() -> None:
    x, (weight, bias) = draw(1, 32, 9, 9), layer(32, 32)
    for trains in (False, True):
        changed = weight.clone().requires_grad_(trains)
        convolution(x, changed, bias)
        with torch.no_grad():
            changed.mul_(2)
        found = convolution(x, changed, bias).detach()
        wanted = exact(x, 2 * weight, bias, 0)
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=5e-4)


def test_autocast_brings_it_to_bf16() -> None:
    x, (weight, bias) = draw(1, 32, 9, 9), layer(32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        found = convolution(x, weight, bias)
    assert torch.equal(found, convolution(x.bfloat16(), weight, bias))


def test_what_is_not_a_number_does_not_get_lost() -> None:
    x, (weight, bias) = draw(1, 32, 20, 20), layer(32, 32)
    x[0, 3, 9, 9] = torch.nan
    for given in (x, x.bfloat16()):
        found = convolution(given, weight, bias)
        assert found[:, :, 7:10, 7:10].isnan().all()
        assert found[:, :, 12:, :6].isfinite().all()


@pytest.mark.parametrize(
    ("shape", "weight"),
    [
        ((1, 24, 9, 9), (32, 24, 3, 3)),
        ((1, 16, 9, 9), (32, 16, 3, 3)),
        ((1, 32, 9, 9), (32, 32, 5, 5)),
        ((0, 32, 9, 9), (32, 32, 3, 3)),
    ],
)
def test_other_convolutions_are_torchs(shape: tuple[int, ...], weight: tuple[int, ...]) -> None:
    x, kernel = draw(*shape), draw(*weight, seed=1)
    assert torch.equal(convolution(x, kernel, None), F.conv2d(x, kernel))
    assert torch.equal(
        convolution(x.double(), kernel.double(), None), F.conv2d(x.double(), kernel.double())
    )


def test_auto_takes_it_in_bf16_once_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_CONVOLUTIONS", "auto")
    monkeypatch.setattr(compiled.pooch, "os_cache", lambda name: tmp_path)
    able = {**torch.cpu.get_capabilities(), "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    x, (weight, bias) = draw(1, 32, 9, 9, dtype=torch.bfloat16), layer(32, 32)
    weight, bias = weight.bfloat16(), bias.bfloat16()
    torchs = F.conv2d(x, weight, bias)
    assert torch.equal(convolution(x, weight, bias), torchs)
    assert list(tmp_path.iterdir()) == []  # nobody has asked for it

    compiled.build(winograd.SOURCE)
    winograd._is_best.cache_clear()
    assert not torch.equal(convolution(x, weight, bias), torchs)
    wide = (x.float(), weight.float(), bias.float())
    assert torch.equal(convolution(*wide), F.conv2d(*wide))

    winograd._is_best.cache_clear()
    able["amx_bf16"] = True
    assert torch.equal(convolution(x, weight, bias), torchs)


def test_torch_is_torch_and_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, (weight, bias) = draw(1, 32, 9, 9), layer(32, 32)
    monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
    assert torch.equal(convolution(x, weight, bias), F.conv2d(x, weight, bias))
    monkeypatch.setenv("FST_CONVOLUTIONS", "fast")
    with pytest.raises(InputError, match=r"FST_CONVOLUTIONS .*auto, torch, winograd.*'fast'"):
        convolution(x, weight, bias)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_a_net_paints_the_same(upsampling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = JohnsonNet(32, 2, upsampling)
    photo = torch.rand(1, 3, 40, 44, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = net(photo)
        monkeypatch.setenv("FST_CONVOLUTIONS", "torch")
        wanted = net(photo)
    assert 0 < (found - wanted).abs().max() < 2e-4
