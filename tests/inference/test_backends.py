"""fst.inference.backends: the same picture whatever runs the net."""

import importlib.util
from pathlib import Path

import pytest
import torch
from support import shaken_net
from torch import Tensor, nn

import fst
from fst.choices import BACKENDS
from fst.errors import InputError
from fst.inference import backends, painter
from fst.inference.backends import is_installed, make_whole, pick_backend
from fst.inference.painter import NetPainter
from fst.inference.strips import plans
from fst.inference.stylizers import FeedForwardStylizer
from fst.nets import NETS, fused
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["nearest", "bilinear"])
def net(request: pytest.FixtureRequest) -> JohnsonNet:
    return shaken_net(request.param)


def draw(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_backend_paints_the_same_picture_at_any_size(net: JohnsonNet, backend: str) -> None:
    if not is_installed(backend):
        pytest.skip(f"{backend} is not installed: pip install -e .[{backend}]")
    paint = NetPainter(net, backend=backend)
    for shape in ((1, 3, 64, 64), (2, 3, 33, 50)):
        photos = draw(*shape)
        torch.testing.assert_close(paint(photos), net(photos), rtol=0, atol=2e-5)


def test_other_backends_leave_what_is_too_large_to_the_strips(
    net: JohnsonNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def fake(*arguments: object) -> backends.Whole:
        def whole(photos: Tensor) -> Tensor:
            seen.append(tuple(photos.shape))
            return photos

        return whole

    monkeypatch.setattr(painter, "make_whole", fake)
    photo = draw(1, 3, 30, 42)
    assert torch.equal(NetPainter(net, memory=1 << 40, backend="openvino")(photo), photo)
    assert seen == [(1, 3, 32, 44)]
    small = NetPainter(net, backend="openvino")
    assert small.stages is not None
    small.memory = int(1.5 * plans.memory(small.stages, 30, 42, torch.float32, plans.Plan()))
    torch.testing.assert_close(small(photo), net(photo), rtol=0, atol=1e-5)
    circular = NetPainter(net, memory=1 << 40, circular=True, backend="openvino")
    assert not torch.equal(circular(photo[:, :, :28, :40]), photo[:, :, :28, :40])
    assert len(seen) == 1


def test_compiled_the_net_is_plain_operations(
    net: JohnsonNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling itself takes a C compiler and half a minute."""
    monkeypatch.setattr(torch, "compile", lambda module: module)
    photos = draw(1, 3, 32, 32)
    whole = make_whole("compile", net.stages(), torch.float32)
    torch.testing.assert_close(whole(photos), net(photos), rtol=0, atol=2e-5)
    rounded = make_whole("compile", net.stages(), torch.bfloat16)(photos)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - net(photos)).abs().mean() < 0.02


@pytest.mark.parametrize("amx", [True, False])
@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_auto_is_openvino_where_it_is_faster(
    amx: bool, here: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: here or None)
    monkeypatch.setenv("FST_CONVOLUTIONS", "auto")
    monkeypatch.setattr(fused, "_is_built", lambda: compiled)
    expected = "openvino" if amx and here and not compiled else "eager"
    assert pick_backend("auto", CPU, torch.bfloat16) == expected
    assert pick_backend("auto", CPU, torch.float32) == "eager"
    assert pick_backend("auto", torch.device("cuda"), torch.bfloat16) == "eager"


def test_what_cannot_be_had_is_said(net: JohnsonNet, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="auto, eager, compile, onnxruntime, openvino"):
        pick_backend("tensorrt", CPU, torch.float32)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for backend in ("onnxruntime", "openvino"):
        with pytest.raises(InputError, match=f"{backend} is not installed: pip install {backend}"):
            pick_backend(backend, CPU, torch.float32)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with pytest.raises(InputError, match="runs on a CPU"):
        pick_backend("openvino", torch.device("cuda"), torch.float32)
    assert all(pick_backend(name, CPU, torch.float32) == name for name in BACKENDS)
    with pytest.raises(InputError, match="no other way"):
        NetPainter(nn.Sequential(net), backend="openvino")


@pytest.mark.parametrize("name", ["auto", "eager", "onnxruntime"])
def test_a_wrong_word_for_compiled_code_is_told_before_the_first_photo(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_CONVOLUTIONS", "fast")
    with pytest.raises(InputError, match=r"^FST_CONVOLUTIONS must be one of"):
        pick_backend(name, CPU, torch.float32)
    assert pick_backend("auto", torch.device("cuda"), torch.float32) == "eager"


class OwnNet(nn.Module):
    """A net of one's own, with one argument; it says no stages."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, photos: Tensor) -> Tensor:
        painted: Tensor = torch.sigmoid(self.last(torch.relu(self.first(photos))))
        return painted


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of an :class:`OwnNet`, on a machine where ``auto`` would be OpenVINO."""
    monkeypatch.setitem(NETS, "own", OwnNet)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    monkeypatch.setattr(backends, "is_installed", lambda name: True)
    monkeypatch.setattr(fused, "_is_built", lambda: False)
    torch.manual_seed(0)
    about = {"net": {"name": "own", "arguments": {"width": 5}}, "style": {"name": "mine"}}
    save_checkpoint(tmp_path / "mine.safetensors", TrainedStyle(OwnNet(5), about))
    return tmp_path / "mine.safetensors"


def test_a_net_without_stages_is_painted_with_whatever_auto_would_take(own: Path) -> None:
    assert pick_backend("auto", CPU, torch.bfloat16) == "openvino"
    style = fst.load(own, device="cpu")
    assert isinstance(style.stylizer, FeedForwardStylizer)
    assert style.stylizer.backend == "eager"
    exact = fst.load(own, device="cpu", precision="fp32", margin=0)
    photo = draw(1, 3, 32, 36)
    net = exact.stylizer.style.net  # type: ignore[union-attr]
    torch.testing.assert_close(exact(photo), net(photo), rtol=0, atol=1e-6)
    torch.testing.assert_close(style(photo), net(photo), rtol=0, atol=0.05)
    for control in (
        {"strength": 0.5}, {"preserve_color": "lab"}, {"size": 24, "upsample": "guided"},
        {"mask": draw(1, 1, 32, 36)},
    ):  # fmt: skip
        assert style(photo, **control).shape == photo.shape  # type: ignore[arg-type]


def test_what_a_net_without_stages_cannot_do_is_one_line(own: Path) -> None:
    for options in (
        {"backend": "openvino"}, {"backend": "compile"}, {"memory": "1GB"}, {"circular": True},
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"OwnNet.*stages"):
            fst.load(own, device="cpu", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="stages"):
        fst.load(own, device="cpu")(draw(1, 3, 32, 32), seamless=True)


def test_a_net_is_converted_once_however_a_style_is_used(
    net: JohnsonNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading makes what paints and what tiles; the latter is never run by another backend."""
    converted: list[str] = []

    def counted(backend: str, *others: object) -> backends.Whole:
        converted.append(backend)
        return lambda photos: photos

    monkeypatch.setattr(painter, "make_whole", counted)
    arguments = {"width": 4, "residual_blocks": 2, "upsampling": net.upsampling}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "mine"}}
    save_checkpoint(tmp_path / "mine.safetensors", TrainedStyle(net, about))
    path = tmp_path / "mine.safetensors"
    style = fst.load(path, device="cpu", precision="fp32", backend="compile")
    photo = draw(1, 3, 32, 32)
    style(photo)
    style(photo, seamless=True)
    style(photo)
    assert converted == ["compile"]
