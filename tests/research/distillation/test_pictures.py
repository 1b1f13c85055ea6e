"""The pictures start where they should, move downhill, and are replaced."""

import pytest
import torch
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.functional import content_loss, gram_matrix, style_loss
from fst.research.distillation import pictures
from fst.research.distillation.pictures import (
    CONTENT,
    DEFAULT_WEIGHTS,
    GROUP,
    STYLE,
    TERMS,
    HalfStylized,
    loss_terms,
    make_styles,
    paint_over,
    random_crop,
    recolor,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def teacher() -> VGG19:
    return VGG19(TERMS, "random")


@pytest.fixture(scope="module")
def photos() -> list[Tensor]:
    numbers = generator(1)
    return [torch.randint(256, (3, 40, 44), generator=numbers).to(torch.uint8) for _ in range(5)]


@pytest.fixture
def pool(teacher: VGG19, photos: list[Tensor]) -> HalfStylized:
    styles = torch.rand(3, 3, 32, 32, generator=generator(2))
    return HalfStylized(teacher, photos, styles, groups=3, size=32, generator=generator(3))


def test_the_terms_are_the_losses_in_order(teacher: VGG19) -> None:
    image, photo, painting = torch.rand(3, 1, 3, 32, 32, generator=generator())
    features = teacher(image, TERMS)
    targets = teacher(photo, CONTENT)
    grams = {layer: gram_matrix(f) for layer, f in teacher(painting, STYLE).items()}
    (found,) = loss_terms(features, targets, grams)
    assert found[0] == content_loss(features["relu4_2"], targets["relu4_2"])
    for place, layer in enumerate(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 1):
        assert found[place] == style_loss(gram_matrix(features[layer]), grams[layer])
    assert DEFAULT_WEIGHTS.sum() == pytest.approx(4.0)  # content 1 + style 3


def test_a_crop_is_a_piece_of_the_photo(photos: list[Tensor]) -> None:
    numbers, flipped = generator(), set()
    for _ in range(20):
        crop = (255 * random_crop(photos[0], 16, numbers)).round().to(torch.uint8)
        pieces = photos[0].unfold(1, 16, 1).unfold(2, 16, 1).permute(1, 2, 0, 3, 4)
        plain = bool((pieces == crop).flatten(2).all(2).any())
        mirrored = bool((pieces == crop.flip(2)).flatten(2).all(2).any())
        assert plain != mirrored
        flipped.add(mirrored)
    assert flipped == {True, False}


@pytest.mark.parametrize("change", [recolor, paint_over])
def test_changed_pictures_stay_pictures(change: object) -> None:
    assert callable(change)
    numbers = generator()
    for _ in range(30):
        image = torch.rand(3, 24, 28, generator=numbers)
        changed = change(image, numbers)
        assert changed.shape == image.shape
        assert 0 <= changed.min() <= changed.max() <= 1


def test_styles_come_from_paintings_and_photos(photos: list[Tensor]) -> None:
    paintings = [torch.rand(3, 50, 70, generator=generator(4))]
    styles = make_styles(paintings, photos, 10, 32, generator())
    assert styles.shape == (10, 3, 32, 32)
    assert 0 <= styles.min() <= styles.max() <= 1
    assert len({tuple(style.flatten().tolist()) for style in styles}) == 10
    assert torch.equal(styles, make_styles(paintings, photos, 10, 32, generator()))


def test_a_batch_holds_what_the_teacher_said(teacher: VGG19, pool: HalfStylized) -> None:
    photos = pool.some_photos()
    painted = torch.rand(GROUP, 3, 32, 32, generator=generator(9))
    batch = pool.batch(2, painted, photos, style=1)
    assert batch.images.shape == batch.photos.shape == (3 * GROUP, 3, 32, 32)
    assert torch.equal(batch.images[-GROUP:], painted)
    assert torch.equal(batch.weights[-GROUP:], DEFAULT_WEIGHTS.expand(GROUP, -1))
    assert torch.equal(batch.styles[-1], pool.styles[1])
    targets = teacher(batch.photos, CONTENT)
    torch.testing.assert_close(batch.targets["relu4_2"], targets["relu4_2"])
    for place in range(3):
        features = teacher(batch.styles[place][None], STYLE)
        for layer in STYLE:
            gram = gram_matrix(features[layer]).expand(GROUP, -1, -1)
            part = batch.grams[layer][place * GROUP : (place + 1) * GROUP]
            torch.testing.assert_close(part, gram)


def test_pictures_move_against_the_gradient_of_whoever_leads(pool: HalfStylized) -> None:
    up = torch.ones(GROUP, 3, 32, 32)
    for teacher_leads in (True, False):
        pool.moves_left[0], pool.teacher_leads[0] = 9, teacher_leads
        pool.images[0] = 0.5
        pool.motion[0] = 0
        leader, other = up, -1e6 * up
        pool.move(0, *((leader, other) if teacher_leads else (other, leader)))
        assert float(pool.images[0].max()) < 0.5
        # its size says nothing: only the direction counts
        assert float(pool.images[0].min()) > 0.5 - 0.04


def test_pictures_stay_near_the_range_and_survive_a_gradient_of_zero(pool: HalfStylized) -> None:
    pool.moves_left[0] = 1000
    for _ in range(200):
        pool.move(0, torch.ones(GROUP, 3, 32, 32), torch.ones(GROUP, 3, 32, 32))
    assert pool.images[0].min() == pytest.approx(-0.05)
    pool.move(0, *torch.zeros(2, GROUP, 3, 32, 32))
    assert bool(torch.isfinite(pool.images).all())


def test_after_its_moves_a_group_is_renewed(pool: HalfStylized) -> None:
    pool.moves_left[0] = 2
    before = pool.photos[0].clone()
    for last in (False, True):
        pool.move(0, *torch.ones(2, GROUP, 3, 32, 32))
        assert torch.equal(pool.photos[0], before) != last
    assert 4 <= pool.moves_left[0] <= pictures.LONGEST_LIFE
    assert float(pool.motion[0].abs().max()) == 0


def test_starts_and_weights_are_of_every_kind(pool: HalfStylized) -> None:
    alone, default, as_photo = 0, 0, 0
    for _ in range(40):
        pool.renew(0)
        assert 0 <= pool.images[0].min() <= pool.images[0].max() <= 1
        for weights, image, photo in zip(
            pool.weights[0], pool.images[0], pool.photos[0], strict=True
        ):
            alone += int((weights > 0).sum()) == 1
            default += torch.equal(weights, DEFAULT_WEIGHTS)
            as_photo += torch.equal(image, photo)
    # of 160, expected 24, 80 and 56
    assert 8 < alone < 45
    assert 55 < default < 105
    assert 33 < as_photo < 80
