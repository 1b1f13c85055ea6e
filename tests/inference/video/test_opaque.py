"""Frames with holes, for formats that have none."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_clips import Arrays, Drawn, LooksBack, pixels
from PIL import Image

from fst.image.picture import Picture
from fst.inference.video.frames import Frame
from fst.inference.video.opaque import laid_on_white, on_white
from fst.inference.video.paint import paint_clip
from fst.inference.video.parts import held_parts


class WithHoles(Drawn):
    """All but the first frame are transparent on the left."""

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            alpha = np.full((24, 32), 255, np.uint8)
            alpha[:, :16] = 0
            yield frame if frame.number == 0 else replace(frame, alpha=alpha)


def test_white_shows_through_as_pil_has_it() -> None:
    alpha = np.tile(np.linspace(0, 255, 32).round().astype(np.uint8), (24, 1))
    frame = Frame(pixels(1), 1, Fraction(1), alpha=alpha)
    page = Image.new("RGBA", (32, 24), "white")
    page.alpha_composite(frame.image)
    found = laid_on_white(frame.pixels, alpha)
    away = np.abs(found.astype(int) - np.asarray(page.convert("RGB")))
    assert away.max() <= 1  # PIL's rounding
    assert (found[:, 0] == 255).all()
    assert (found[:, -1] == frame.pixels[:, -1]).all()


def test_it_is_said_once_and_opaque_frames_stay() -> None:
    source = WithHoles(4)
    frames = list(on_white(source))
    assert [frame.alpha for frame in frames] == [None] * 4
    assert (frames[0].pixels == pixels(0)).all()
    assert (frames[2].pixels[:, :16] == 255).all()
    assert (frames[2].pixels[:, 16:] == pixels(2)[:, 16:]).all()
    assert sum("transparen" in note for note in source.notes) == 1
    opaque = Drawn(3)
    list(on_white(opaque))
    assert not any("transparen" in note for note in opaque.notes)


@pytest.mark.parametrize("transparent", [False, True])
def test_painters_see_white_where_the_sink_takes_no_alpha(
    tmp_path: Path, transparent: bool
) -> None:
    source, sink, seen = WithHoles(3), Arrays(), list[float]()
    sink.transparent = transparent

    class Looks(LooksBack):
        def __call__(self, picture: Picture) -> Picture:
            assert (picture.alpha is not None) == (transparent and self.painted > 0)
            seen.append(float(picture.rgb[..., :16].min()))
            return super().__call__(picture)

    with held_parts(tmp_path / "out.npy", ".npy", {"what": "ever"}) as parts:
        paint_clip(source, sink, Looks(), parts, 2)
    assert [one == 1 for one in seen[1:]] == [not transparent] * 2
    assert any("transparen" in note for note in source.notes) == (not transparent)
