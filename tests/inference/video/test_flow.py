"""Motion that is known, and what is not to be trusted."""

import numpy as np
import pytest
from support import make_photo

from fst.inference.video import flow
from fst.inference.video.flow import Motion, Pixels, as_fine, fitted, mixed, motion, warped


def textured(width: int, height: int, seed: int = 0) -> Pixels:
    """A smooth picture with finer shapes, so that its motion can be seen."""
    coarse = np.asarray(make_photo(width, height, seed)).astype(np.float32)
    random = np.random.default_rng(seed).uniform(-40, 40, (height // 4, width // 4, 1))
    fine = random.repeat(4, 0).repeat(4, 1)
    return (coarse + fine).clip(0, 255).astype(np.uint8)


def test_a_pan_is_found_and_trusted() -> None:
    wide = textured(160, 96)
    found = motion(wide[:, 5:133].copy(), wide[:, 8:136].copy())  # the window moves by 3
    inner = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(found.flow[inner][..., 0].mean(), 3, atol=0.2)
    np.testing.assert_allclose(found.flow[inner][..., 1].mean(), 0, atol=0.2)
    assert found.trust[inner].mean() > 0.8


def test_what_comes_into_view_is_not_trusted() -> None:
    wide = textured(200, 96)
    found = motion(wide[:, :128].copy(), wide[:, 8:136].copy())
    assert found.trust[:, -5:].mean() < 0.1
    assert found.trust[20:-20, 20:-40].mean() > 0.7


def test_what_looks_otherwise_is_not_trusted() -> None:
    last, now = textured(128, 96), textured(128, 96)
    now[30:60, 40:80] = 255 - now[30:60, 40:80]
    found = motion(last, now)
    assert found.trust[36:54, 46:74].mean() < 0.15
    assert found.trust[70:, :].mean() > 0.9


def test_what_stands_still_is_not_resampled() -> None:
    photo = textured(96, 64)
    found = motion(photo, photo)
    assert not found.flow.any()
    picture = np.random.default_rng(0).random((64, 96, 3), np.float32)
    assert np.array_equal(warped(picture, found.flow), picture)
    assert np.array_equal(mixed(picture, picture, found), picture)


def test_a_motion_of_another_size() -> None:
    once = Motion(np.full((24, 48, 2), (2, -1), np.float32), np.full((24, 48), 0.5, np.float32))
    twice = once.resized(96, 96)
    np.testing.assert_allclose(twice.flow, np.broadcast_to((4, -4), (96, 96, 2)))
    np.testing.assert_allclose(twice.trust, 0.5)


def test_warped_is_the_picture_from_there() -> None:
    picture = np.random.default_rng(0).random((20, 30, 3), np.float32)
    moved = warped(picture, np.full((20, 30, 2), (3, 1), np.float32))
    np.testing.assert_allclose(moved[:-1, :-3], picture[1:, 3:], atol=1e-5)


def test_the_share_of_the_last_frame() -> None:
    """Trusted it has its share, not trusted none, and all stays in [0, 1]."""
    now, last = np.full((16, 20, 3), 0.25, np.float32), np.full((16, 20, 3), 0.75, np.float32)
    trust = np.zeros((16, 20), np.float32)
    trust[:, :10] = 1
    found = mixed(now, last, Motion(np.zeros((16, 20, 2), np.float32), trust))
    np.testing.assert_allclose(found[:, 12:], 0.25, atol=1e-6)
    np.testing.assert_allclose(found[:, :8], 0.25 + flow.LAST * 0.5, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 40), (20, 640), (900, 33)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    frames = [fitted(random.integers(0, 256, (*size, 3)).astype(np.uint8)) for _ in range(2)]
    found = motion(*frames).resized(*size)
    assert found.flow.shape == (*size, 2)
    assert found.trust.shape == size
    assert np.isfinite(
        mixed(np.zeros((*size, 3), np.float32), np.ones((*size, 3), np.float32), found)
    ).all()


def test_even_frames() -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    assert motion(black, black).trust.max() <= 1
    assert motion(black, black + 200).trust.max() < 0.01


def test_detail_gets_its_strength_back() -> None:
    """Of a mean of two grains, which has less; a frame alone stays as it is."""
    random = np.random.default_rng(0)
    one, other = (0.5 + 0.1 * random.standard_normal((60, 80, 3)).astype(np.float32) for _ in "ab")
    mean = (one + other) / 2
    found = as_fine(mean, one)
    assert found.std() == pytest.approx(one.std(), rel=0.06)
    assert mean.std() < 0.75 * one.std()
    np.testing.assert_allclose(as_fine(one, one), one, atol=1e-6)
    even = np.full((60, 80, 3), 0.5, np.float32)
    np.testing.assert_allclose(as_fine(even, one), even, atol=1e-6)


def test_threads_change_nothing() -> None:
    """So that a painting that goes on with other threads is the same, to the bit."""
    cv2 = pytest.importorskip("cv2")
    wide, before = textured(200, 152), cv2.getNumThreads()
    found = []
    try:
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            found.append(motion(wide[:, :180].copy(), wide[:, 5:185].copy()))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(one.flow, found[0].flow) for one in found)
    assert all(np.array_equal(one.trust, found[0].trust) for one in found)
