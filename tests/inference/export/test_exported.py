"""fst.inference.export.exported: margin, any size and bytes are part of the net in a file."""

import pytest
import torch
from exports import exported, painter, tiny_style
from torch import Tensor

from fst.inference.export.exported import as_bytes, as_floats
from fst.inference.export.pictures import photos_to_prove


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    ("margin", "height", "width"),
    [(20, 65, 50), (20, 24, 27), (4, 64, 48), (0, 41, 30), (0, 17, 16)],
)
@torch.no_grad()
def test_it_paints_what_the_painter_paints(
    upsampling: str, margin: int, height: int, width: int
) -> None:
    style = tiny_style(upsampling)
    photos = photos_to_prove(2, height, width)
    net = exported(style, margin)
    assert min(height, width) >= net.least_side
    torch.testing.assert_close(net(photos), painter(style, margin)(photos), rtol=0, atol=2e-5)


@torch.no_grad()
def test_where_sides_have_to_be_multiples_of_4_it_is_the_same() -> None:
    style = tiny_style()
    photos = photos_to_prove(1, 64, 48)
    for margin in (0, 20):
        net = exported(style, margin, any_size=False)
        assert net.multiple == 4
        torch.testing.assert_close(net(photos), painter(style, margin)(photos), rtol=0, atol=2e-5)


@torch.no_grad()
def test_bytes_are_decoded_and_rounded_inside() -> None:
    style = tiny_style()
    photos = photos_to_prove(2, 50, 65)
    pictures = as_bytes(photos)
    assert (pictures.shape, pictures.dtype) == ((2, 50, 65, 3), torch.uint8)
    torch.testing.assert_close(as_floats(pictures), photos, rtol=0, atol=1e-7)
    made = exported(style, uint8=True)(pictures)
    expected = painter(style)(photos).mul(255).permute(0, 2, 3, 1)
    assert (made.shape, made.dtype) == (pictures.shape, torch.uint8)
    assert float((made.float() - expected).abs().max()) <= 0.51


@torch.no_grad()
def test_channels_and_rows_of_bytes_are_not_mixed_up() -> None:
    """A net whose output is its input, nearly: a red dot stays where it was, and red."""
    net = exported(tiny_style(), margin=4, uint8=True)

    def same(x: Tensor) -> Tensor:
        return x

    net.plain.forward = same  # type: ignore[method-assign]
    pictures = torch.zeros(1, 10, 13, 3, dtype=torch.uint8)
    pictures[0, 2, 7, 0] = 200
    torch.testing.assert_close(net(pictures), pictures)


def test_what_converters_are_shown_is_as_the_file_takes_it() -> None:
    assert exported(tiny_style()).example(2, 40, 32).shape == (2, 3, 40, 32)
    shown = exported(tiny_style(), uint8=True).example(2, 40, 32)
    assert (shown.shape, shown.dtype) == ((2, 40, 32, 3), torch.uint8)
