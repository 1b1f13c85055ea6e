"""The loss of a picture in the style of several paintings, or of one in each of its regions."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import FstWarning, InputError
from fst.loss_networks.receptive import receptive_field
from fst.losses.perceptual import PerceptualLoss, course_scale
from fst.losses.style.statistic import Target

LEAST = 1.0
"""Positions of a layer that a region has to cover: of fewer there are no statistics."""


class Guide(NamedTuple):
    """Where a picture is judged by which part of the paintings.

    Attributes:
        names: of the regions, for messages.
        picture: ``(R, H, W)`` in [0, 1], of the picture that is judged, at any size: it is brought
            to every layer's by averaging areas.
        paintings: the same of every painting; all 0 where it lacks a region.
    """

    names: Sequence[str]
    picture: Tensor
    paintings: Sequence[Tensor]


class _Measured(NamedTuple):
    """What is known of a painting at a layer and in a region: its share, and mean activation."""

    share: float
    target: Target
    mean: float


class _Kept(NamedTuple):
    """Where that is kept: buffers are called ``key_name``, for every key."""

    share: float
    name: str
    keys: tuple[str, ...]


class GuidedLoss(PerceptualLoss):
    """As :class:`~fst.losses.perceptual.PerceptualLoss`, for several paintings or in regions.

    *Several paintings.* Their Gram matrices are mixed, ``A = sum share_i A_i``, and compared with
    once: for a squared error that is the sum of the paintings' losses, up to a constant, but with
    shares that don't depend on how strong a painting's features are. Of other statistics the errors
    are added up.

    *Regions.* At every layer and in every region, features are weighted by the region's mask, so
    that ``G = F T T F^T`` with ``T^2 = mask / sum mask``, and compared with the part of the
    paintings that has the same label. A region counts by its area, so that all pixels count alike.
    One that covers no position of a layer is left out there.

    Args:
        paintings: ``(1, 3, H, W)`` each, RGB in [0, 1].
        shares: of each, above 0.
        guide: None is one region.
        arguments: of a ``PerceptualLoss``.

    Raises:
        InputError: as there; regions with the statistic of patches.

    Source:
        Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section 4 and
        eq. 5 to 7 (there every region counts alike); mixtures of Gram matrices: Johnson's
        neural-style (``-style_blend_weights``).
    """

    def __init__(
        self,
        paintings: Sequence[Tensor],
        shares: Sequence[float],
        guide: Guide | None = None,
        **arguments: Any,
    ) -> None:
        self._paintings, self._shares = tuple(paintings), tuple(shares)
        self.guide = guide
        self._masks: dict[tuple[int, int], tuple[Tensor, list[float]]] = {}
        if guide is not None and arguments.get("statistic") == "patches":
            raise InputError("statistic patches knows no regions: leave labels out")
        super().__init__(paintings[0], **arguments)

    def of_paintings(self, paintings: Sequence[Tensor]) -> "GuidedLoss":
        """The same loss, for the paintings in other colors; this one stays as it is."""
        other = self._copy()
        other._paintings = tuple(paintings)
        other._measure(paintings[0])
        return other

    def of_masks(self, masks: Tensor) -> "GuidedLoss":
        """The same loss, for a picture with other masks, ``(R, H, W)``; this one stays as it is."""
        assert self.guide is not None
        other = self._copy()
        other.guide = self.guide._replace(picture=masks)
        return other

    def _copy(self) -> "GuidedLoss":
        other = copy.copy(self)
        other._buffers, other._masks = dict(self._buffers), {}
        return other

    def _scale(self, target: Target, mean: float) -> float:
        """Of a region at a layer, as the normalization wants it, or else the statistic."""
        if self.normalization != "course":
            return self.statistic.scale
        return float(course_scale(target["gram"], mean, 4))

    @torch.no_grad()
    def _measure(self, painting: Tensor) -> None:
        """Keeps what is known of all paintings, region by region."""
        device = next(self.vgg.buffers()).device
        self._places: dict[tuple[str, int], list[_Kept]] = {}
        self._scales: dict[tuple[str, int], float] = {}
        self._style_scales = dict.fromkeys(self.style_layers, 1.0)
        found: dict[tuple[str, int], list[_Measured]] = {}
        for number, (one, share) in enumerate(zip(self._paintings, self._shares, strict=True)):
            for layer, features in self.vgg(one.to(device), self.style_layers).items():
                for region, part, mean in self._parts(features, number):
                    measured = _Measured(share, self.statistic.measure(part), mean)
                    found.setdefault((layer, region), []).append(measured)
        for (layer, region), parts in found.items():
            total = sum(part.share for part in parts)
            if self.statistic_name == "gram":
                mixed = sum(part.share / total * part.target["gram"] for part in parts)
                mean = sum(part.share / total * part.mean for part in parts)
                parts = [_Measured(total, {"gram": torch.as_tensor(mixed)}, mean)]
            self._scales[layer, region] = self._scale(parts[0].target, parts[0].mean)
            kept = []
            for place, known in enumerate(parts):
                name = f"{layer}_{region}_{place}"
                for key, value in known.target.items():
                    self.register_buffer(f"{key}_{name}", value, persistent=False)
                kept.append(_Kept(known.share / total, name, tuple(known.target)))
            self._places[layer, region] = kept

    def _parts(self, features: Tensor, number: int) -> list[tuple[int, Tensor, float]]:
        """The regions that a painting has at a layer, their features and mean absolute value."""
        activation = features.float().abs().mean((0, 1))  # (H, W)
        if self.guide is None:
            return [(0, features, float(activation.mean()))]
        masks = self.guide.paintings[number].to(features.device)
        small = F.adaptive_avg_pool2d(masks, (features.shape[2], features.shape[3]))
        return [
            (region, self._within(features, mask), float((mask * activation).sum() / mask.sum()))
            for region, mask in enumerate(small)
            if float(mask.sum()) >= LEAST
        ]

    def _within(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features of a region, ``(1, C, H, W)``: weighted softly, so that Gram matrices are means.

        For other statistics, whose features are no sums of squares, those that lie inside:
        ``(1, C, 1, M)``.
        """
        if self.statistic_name == "gram":
            weights = mask * (mask.numel() / mask.sum())
            return features * weights.sqrt().to(features.dtype)
        inside = mask >= min(0.5, float(mask.max()))
        return features[:, :, inside][:, :, None]

    def style_error(self, layer: str, features: Tensor, grams: Any = None, draw: int = 0) -> Tensor:
        """Of one picture: the regions' errors, weighted by their areas; ``(1,)``."""
        if self.guide is None:
            return self._error(layer, 0, features, draw)
        masks, areas = self._masks_at((features.shape[2], features.shape[3]), features.device)
        error = torch.zeros(len(features), device=features.device)
        for region, (mask, area) in enumerate(zip(masks, areas, strict=True)):
            if area < LEAST or (layer, region) not in self._places:
                continue
            part = self._error(layer, region, self._within(features, mask), draw)
            error = error + area / mask.numel() * part
        return error

    def _error(self, layer: str, region: int, features: Tensor, draw: int) -> Tensor:
        error = torch.zeros(len(features), device=features.device)
        for share, name, keys in self._places[layer, region]:
            target = {key: getattr(self, f"{key}_{name}") for key in keys}
            error = error + share * self.statistic.error(features, target, draw)
        return error * self._scales[layer, region]

    def _masks_at(self, size: tuple[int, int], device: torch.device) -> tuple[Tensor, list[float]]:
        """The masks at a layer's size, ``(R, h, w)``, and how many positions each covers."""
        assert self.guide is not None
        if size not in self._masks:
            masks = F.adaptive_avg_pool2d(self.guide.picture, size)
            areas = masks.double().sum((1, 2)).tolist()
            self._masks = {**self._masks, size: (masks.to(device), areas)}
        return self._masks[size]

    def say_left_out(self, height: int, width: int) -> None:
        """Warns of regions that cover no position of a style layer, of a picture of that size."""
        if self.guide is None:
            return
        for region, name in enumerate(self.guide.names):
            layers = []
            for layer in self.style_layers:
                stride = receptive_field(layer, self.vgg.layers).stride
                size = (max(1, height // stride), max(1, width // stride))
                area = F.adaptive_avg_pool2d(self.guide.picture[region : region + 1], size).sum()
                if float(area) < LEAST or (layer, region) not in self._places:
                    layers.append(layer)
            if layers:
                where = "any layer" if len(layers) == len(self.style_layers) else ", ".join(layers)
                warnings.warn(
                    f"the region {name} is too small to be seen at {where}: left out there",
                    FstWarning,
                    stacklevel=2,
                )
