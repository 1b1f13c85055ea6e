"""What moved from the last frame of a clip to this one, and how far that can be trusted.

The dense motion is found by OpenCV's DIS (Kroeger et al. 2016), in both directions. Where they
disagree something has come into view, and there is nothing to look back at.

Source:
    Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search". Sundaram, Brox & Keutzer
    2010, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical Flow", whose
    check Ruder et al. 2016, "Artistic Style Transfer for Videos", section 5, use for paintings.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fst.errors import InputError
from fst.system.packages import need

SIDE = 480
"""Long side, in pixels, at which motion is looked for: the net takes ten times as long."""

LEAST = 32
"""Side, in pixels, that DIS gives sound results from; thinner frames are drawn wider."""

STILL = 0.1
"""Motion below so many pixels is none: nothing is resampled, so nothing gets blurred."""

MATCH = 0.06
"""By how much of 1 a color may differ from where it comes from, for a trust of 1 / e."""

FAR = 1e4
"""Motion in pixels that leads out of every frame, so that it is not trusted."""

LAST = 0.6
"""The last painted frame's share in this one, where it is trusted."""

DETAIL = 1.0
"""Deviation in pixels of the blur that loses what is finest, and gets its strength back."""

AROUND = 13
"""Side in pixels of the neighborhood over which that strength is compared."""

MOST = 2.0
"""By which the finest detail is strengthened at most."""

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """From every pixel of a frame back to where it was in the last one.

    Attributes:
        flow: ``(H, W, 2)``, across and down, in pixels.
        trust: ``(H, W)``, from 0, where it was not seen before, to 1.
    """

    flow: Values
    trust: Values

    def resized(self, height: int, width: int) -> "Motion":
        """The same motion of a picture of another size."""
        h, w = self.trust.shape
        if (h, w) == (height, width):
            return self
        cv2 = _opencv()
        flow = cv2.resize(self.flow, (width, height), interpolation=cv2.INTER_LINEAR)
        flow *= np.array([width / w, height / h], np.float32)
        trust = cv2.resize(self.trust, (width, height), interpolation=cv2.INTER_LINEAR)
        return Motion(flow, trust)


def _opencv() -> Any:
    return need("cv2", "video", "steadiness by optical flow (--stable flow)")


def check_installed() -> None:
    """Asks for OpenCV before anything is painted.

    Raises:
        InputError: it is not installed.
    """
    _opencv()


def is_installed() -> bool:
    """Whether OpenCV is here, and can be loaded."""
    try:
        _opencv()
    except InputError:
        return False
    return True


def fitted(pixels: Pixels, side: int = SIDE) -> Pixels:
    """A frame ``(H, W, 3)`` at the size at which motion is looked for."""
    h, w = pixels.shape[:2]
    scale = min(1.0, side / max(h, w))
    size = (max(LEAST, round(w * scale)), max(LEAST, round(h * scale)))
    if size == (w, h):
        return pixels
    cv2 = _opencv()
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


def motion(last: Pixels, now: Pixels) -> Motion:
    """What moved between two frames of one size, ``(H, W, 3)``, RGB."""
    cv2 = _opencv()
    gray = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (last, now)]
    back, forth = flow_between(gray[1], gray[0]), flow_between(gray[0], gray[1])
    places = _places(back)
    there = cv2.remap(forth, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    trust = agreement(back, there)
    h, w = trust.shape
    # at the very border motion is never quite none
    trust *= cv2.inRange(places, (-0.9, -0.9), (w - 0.1, h - 0.1)) > 0
    trust = cv2.erode(trust, np.ones((3, 3), np.uint8))
    before = cv2.remap(last, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    differing = cv2.blur(cv2.absdiff(before, now), (3, 3))
    differing = cv2.transform(differing, np.full((1, 3), 1 / 3)).astype(np.float32)
    trust *= np.exp(-np.square(differing / (255 * MATCH)))
    trust = cv2.blur(trust, (3, 3))
    back[_squared(back) < STILL**2] = 0
    return Motion(back, trust)


def flow_between(first: Pixels, second: Pixels, preset: str = "fast") -> Values:
    """DIS flow between two gray pictures ``(H, W)``: where each pixel of the first went.

    Args:
        first: of one size with ``second``.
        second: the other one.
        preset: of OpenCV's, ``"ultrafast"``, ``"fast"`` or ``"medium"``.

    Returns:
        ``(H, W, 2)``, across and down, in pixels.
    """
    cv2 = _opencv()
    dis = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset.upper()}"))
    flow: Values = dis.calc(first, second, None)
    # of even pictures it is not always a number
    return np.nan_to_num(flow, copy=False, nan=FAR, posinf=FAR, neginf=FAR)


def agreement(back: Values, forth: Values) -> Values:
    """1 where the way back, and forth from there, ends about where it began, else 0.

    Args:
        back: ``(H, W, 2)``, in pixels.
        forth: likewise, at the places that ``back`` leads to.
    """
    bound = 0.01 * (_squared(back) + _squared(forth)) + 0.5
    agree: Values = (_squared(back + forth) < bound).astype(np.float32)
    return agree


def _squared(values: Values) -> Values:
    """``(H, W, C)``: squares, summed over channels (several times as fast as by axis)."""
    summed: Values = np.einsum("ijk,ijk->ij", values, values)
    return summed


def _places(flow: Values) -> Values:
    """Where each pixel was, across and down."""
    h, w = flow.shape[:2]
    across, down = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    places: Values = flow + np.stack([across, down], 2)
    return places


def warped(picture: Values, flow: Values) -> Values:
    """A picture ``(H, W, C)`` moved along a flow of its size; it goes on as it ends."""
    cv2 = _opencv()
    moved: Values = cv2.remap(
        picture, _places(flow), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def mixed(now: Values, last: Values, moved: Motion) -> Values:
    """A painted frame, with the last one in it as far as that can be trusted.

    Args:
        now: ``(H, W, 3)`` in [0, 1].
        last: the same shape: what was shown.
        moved: between the two frames that were painted, of any size.
    """
    cv2 = _opencv()
    moved = moved.resized(*now.shape[:2])
    step = warped(last, moved.flow)
    cv2.subtract(step, now, step)  # in place: frames are large
    cv2.multiply(step, cv2.merge([LAST * moved.trust] * 3), step)
    cv2.add(step, now, step)
    result: Values = np.clip(step, 0, 1, out=step)
    return result


def as_fine(mixture: Values, now: Values) -> Values:
    """A mixture with finest detail as strong as that of the frame itself.

    A mean of strokes that don't quite lie on each other has weaker ones. What is shown gets them
    back; what the next frame is mixed with does not, or grain would grow from frame to frame.

    Args:
        mixture: from :func:`mixed`, ``(H, W, 3)`` in [0, 1].
        now: the painted frame before.
    """
    cv2 = _opencv()
    wanted = _strength(_detail(now))
    shown = _detail(mixture)
    gain = np.clip(np.sqrt(wanted / _strength(shown)), 1, MOST) - 1
    cv2.multiply(shown, cv2.merge([gain] * 3), shown)
    cv2.add(shown, mixture, shown)
    result: Values = np.clip(shown, 0, 1, out=shown)
    return result


def _detail(picture: Values) -> Values:
    """What a blur loses."""
    cv2 = _opencv()
    blurred = cv2.GaussianBlur(picture, (0, 0), DETAIL)
    detail: Values = cv2.subtract(picture, blurred, blurred)
    return detail


def _strength(detail: Values) -> Values:
    """Its mean square around each pixel, ``(H, W)``; never quite none."""
    strength: Values = _opencv().blur(_squared(detail), (AROUND, AROUND))
    strength += 1e-5
    return strength
