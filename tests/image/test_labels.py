"""fst.image.labels: few flat colors are regions, and the same color means the same thing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.image.labels import Labels, read_labels, regions_of

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def drawn(*colors: tuple[int, int, int], width: int = 48, height: int = 40) -> Image.Image:
    """Stripes of equal width, from left to right."""
    array = np.zeros((height, width, 3), np.uint8)
    for place, columns in enumerate(np.array_split(np.arange(width), len(colors))):
        array[:, columns] = colors[place]
    return Image.fromarray(array)


@pytest.fixture
def read(tmp_path: Path) -> "type[object]":
    def of(image: Image.Image, name: str = "labels.png", **options: object) -> Labels:
        image.save(tmp_path / name, **options)
        return read_labels(tmp_path / name)

    return of  # type: ignore[return-value]


def colors_of(labels: Labels) -> set[tuple[int, int, int]]:
    return set(labels.colors)


def test_every_color_of_a_png_is_a_label(read) -> None:  # type: ignore[no-untyped-def]
    labels = read(drawn(RED, GREEN, BLUE))
    assert colors_of(labels) == {RED, GREEN, BLUE}
    assert labels.size == (48, 40)
    found = np.asarray([labels.colors[place] for place in labels.index[0].tolist()])
    assert (found[:16] == RED).all()
    assert (found[16:32] == GREEN).all()
    assert (found[32:] == BLUE).all()


def test_classes_may_be_written_as_gray_0_1_2(read) -> None:  # type: ignore[no-untyped-def]
    classes = np.repeat(np.arange(3, dtype=np.uint8), 4)[None].repeat(6, 0)
    labels = read(Image.fromarray(classes))
    assert labels.colors == ((0, 0, 0), (1, 1, 1), (2, 2, 2))
    assert torch.equal(labels.index, torch.from_numpy(classes.astype(np.int64)))


def test_a_jpegs_noise_and_soft_edges_are_the_nearest_label(read) -> None:  # type: ignore[no-untyped-def]
    sharp = drawn(RED, BLUE, (0, 200, 40), width=300, height=200)
    soft = sharp.rotate(10, Image.Resampling.BICUBIC, fillcolor=RED)
    for image, name, options in ((sharp, "labels.jpg", {"quality": 60}), (soft, "soft.png", {})):
        labels = read(image, name, **options)
        assert len(labels.colors) == 3
        found = torch.tensor(labels.colors)[labels.index]  # (H, W, 3)
        exact = torch.from_numpy(np.asarray(image.convert("RGB")).astype(np.int64))
        near = (found - exact).abs().amax(2) < 40
        assert near.float().mean() > 0.97  # the rest lies on edges
        assert labels.size == (300, 200)


def test_a_photo_is_no_picture_of_labels(read) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="is no picture of labels") as caught:
        read(make_photo(200, 150))
    assert "labels.png" in str(caught.value)


def named(name: str, image: Image.Image) -> Labels:
    array = np.asarray(image.convert("RGB")).astype(np.int64)
    found, index = np.unique(array.reshape(-1, 3), axis=0, return_inverse=True)
    colors = tuple((int(r), int(g), int(b)) for r, g, b in found)
    return Labels(colors, torch.from_numpy(index.reshape(array.shape[:2])), name)


def areas(masks: torch.Tensor) -> Sequence[float]:
    return masks.mean((1, 2)).tolist()  # type: ignore[no-any-return]


def test_the_same_color_is_the_same_region_of_whichever_painting_has_it() -> None:
    photo = named("photo", drawn(RED, RED, BLUE))
    regions = regions_of(photo, [named("a", drawn(BLUE)), named("b", drawn(RED, GREEN))])
    assert set(regions.names) == {"#ff0000", "#0000ff"}
    red, blue = regions.names.index("#ff0000"), regions.names.index("#0000ff")
    assert areas(regions.photo)[red] == pytest.approx(2 / 3)
    assert areas(regions.paintings[0])[blue] == 1
    assert areas(regions.paintings[0])[red] == 0
    assert areas(regions.paintings[1])[red] == pytest.approx(1 / 2)
    assert float(regions.photo.sum(0).min()) == 1  # every pixel is in one of them


def test_a_region_without_a_counterpart_is_named_by_its_color() -> None:
    with pytest.raises(InputError, match="photo has the label #0000ff, which a or b lacks") as said:
        regions_of(
            named("photo", drawn(RED, BLUE)), [named("a", drawn(RED)), named("b", drawn(GREEN))]
        )
    assert "there are #ff0000, #00ff00" in str(said.value)


def test_near_colors_of_several_pictures_are_one_but_exact_ones_go_first() -> None:
    photo = named("photo", drawn((250, 6, 3), BLUE))
    regions = regions_of(photo, [named("a", drawn(RED, (2, 0, 250)))])
    assert areas(regions.paintings[0]) == [0.5, 0.5]
    two = regions_of(
        named("photo", drawn((0, 0, 0), (1, 1, 1))),
        [named("a", drawn((0, 0, 0))), named("b", drawn((1, 1, 1)))],
    )
    assert two.names == ("#000000", "#010101")  # classes 0 and 1, each of another painting
    grays = named("photo", drawn((0, 0, 0), (1, 1, 1)))
    regions = regions_of(grays, [named("a", drawn((0, 0, 0), (1, 1, 1), (2, 2, 2), (2, 2, 2)))])
    assert areas(regions.paintings[0]) == [0.25, 0.25]
