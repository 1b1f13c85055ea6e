"""The one loss object: training, pixel optimization, evaluation and tests all call it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.loss_networks.architectures import check_layers, parse_layers
from fst.loss_networks.vgg import VGG19
from fst.losses.colors import color_moments
from fst.losses.functional import content_loss, total_variation
from fst.losses.style.choice import check_statistic, patch_settings
from fst.losses.style.table import statistic_of
from fst.system.checks import number

CONTENT_LAYERS = {"relu4_2": 1.0}
"""Gatys et al. 2015 use conv4_2; its ReLU is what most projects compare."""

STYLE_LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 1.0}
"""Gatys et al. 2015, section 2, equally weighted."""

CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 1.0, 6.0, 0.5
"""Where nothing is calibrated: about what :mod:`fst.optimization.calibration` finds for most
paintings."""

NORMALIZATIONS = ("relative", "course")
"""``"relative"``: the errors of :mod:`fst.losses.functional` as they are. ``"course"``: the costs
of the well-known course notebooks, ``sum (F - P)^2 / (4 H W C)`` and ``sum (G - A)^2 / (4 C^2)``,
on features rescaled to a mean absolute activation of one (Gatys et al. 2016, section 2: the
notebooks rely on their VGG's scale instead). Neither depends on the loss network's scale."""


class LossTerms(NamedTuple):
    """The weighted terms of the objective, one value per picture: ``(N,)`` each."""

    content: Tensor
    style: Tensor
    tv: Tensor

    @property
    def total(self) -> Tensor:
        """Their sum, the objective: ``(N,)``."""
        return self.content + self.style + self.tv


class PerceptualLoss(nn.Module):
    """How well a picture shows a photo's content in a painting's style.

    ``total = content_weight * content + style_weight * style + tv_weight * tv``, where content and
    style are weighted means over layers of the relative errors of :mod:`fst.losses.functional`. A
    layer's weight counts relative to the other layers': multiplying all of them changes nothing.

    Args:
        painting: ``(1, 3, H, W)``, RGB in [0, 1], at the size whose strokes are to be learned.
        content_weight: at least 0.
        style_weight: at least 0. Where nothing is said of it, about what
            :mod:`fst.optimization.calibration` finds for most paintings.
        tv_weight: at least 0; smooths.
        content_layers: layer name -> weight, or ``"relu4_2=1,relu3_1"``: a bare name counts 1.
        style_layers: likewise; None is the statistic's own, which is :data:`STYLE_LAYERS` for all
            but patches.
        weights: of VGG-19, or of ``network``, as for :class:`~fst.loss_networks.vgg.VGG19`.
        pooling: of VGG-19, ``"max"`` or ``"avg"``.
        padding: of VGG-19, as for :class:`~fst.loss_networks.vgg.VGG19`; of the painting and of
            pictures alike.
        normalization: one of :data:`NORMALIZATIONS`.
        dtype: to run VGG-19 in; the losses are float32 in any case.
        network: that judges, as for :class:`~fst.loss_networks.vgg.VGG19`.
        statistic: what style is compared by, one of :data:`~fst.choices.STATISTICS`.
        patch_size: of ``"patches"``, the side in positions of a layer; None is 3.
        patch_stride: of ``"patches"``, at most their size; None is 2.

    Raises:
        InputError: a weight that is negative or not a number, an unknown layer, no layer at all;
            settings of a statistic that don't go together.
    """

    def __init__(
        self,
        painting: Tensor,
        content_weight: float = CONTENT_WEIGHT,
        style_weight: float = STYLE_WEIGHT,
        tv_weight: float = TV_WEIGHT,
        content_layers: Mapping[str, float] | str = CONTENT_LAYERS,
        style_layers: Mapping[str, float] | str | None = None,
        weights: str = "auto",
        pooling: str = "max",
        normalization: str = "relative",
        dtype: torch.dtype = torch.float32,
        padding: str = "zeros",
        network: str | None = None,
        statistic: str = "gram",
        patch_size: int | None = None,
        patch_stride: int | None = None,
    ) -> None:
        super().__init__()
        if normalization not in NORMALIZATIONS:
            options = ", ".join(NORMALIZATIONS)
            raise InputError(f"normalization must be one of {options}, not {normalization!r}")
        self.normalization = normalization
        self.content_weight = number("content_weight", content_weight, 0)
        self.style_weight = number("style_weight", style_weight, 0)
        self.tv_weight = number("tv_weight", tv_weight, 0)
        self.content_layers = _normalize("content_layers", content_layers)
        check_statistic({"statistic": statistic, "normalization": normalization})
        self.statistic_name = statistic
        self.statistic = statistic_of(statistic, patch_size, patch_stride)
        if style_layers is None:
            style_layers = self.statistic.layers or STYLE_LAYERS
        self.style_layers = _normalize("style_layers", style_layers)
        if statistic != "gram":  # some take long where nothing comes of it
            self.style_layers = {name: share for name, share in self.style_layers.items() if share}
        self._patches = patch_settings(patch_size, patch_stride)
        layers = [*self.content_layers, *self.style_layers]
        self.vgg = VGG19(layers, weights, pooling, dtype, padding, network)
        self.register_buffer("colors", color_moments(painting), persistent=False)
        self.colors: Tensor
        self._measure(painting)

    @torch.no_grad()
    def _measure(self, painting: Tensor) -> None:
        """Keeps what the style loss compares with, and the scales of its layers."""
        self._style_scales = dict.fromkeys(self.style_layers, self.statistic.scale)
        self._names: dict[str, tuple[str, ...]] = {}
        for layer, features in self.vgg(painting, self.style_layers).items():
            measured = self.statistic.measure(features)
            self._names[layer] = tuple(measured)
            for name, value in measured.items():
                self.register_buffer(f"{name}_{layer}", value, persistent=False)
            if self.normalization == "course":
                mean = float(features.float().abs().mean())
                self._style_scales[layer] = course_scale(measured["gram"], mean, 4).item()

    def style_target(self, layer: str) -> dict[str, Tensor]:
        """What is known of the painting at a style layer, by the names of the statistic."""
        return {name: getattr(self, f"{name}_{layer}") for name in self._names[layer]}

    def of_painting(self) -> dict[str, Tensor]:
        """All that is known of the painting, by name and layer: ``gram_relu1_1`` ..."""
        return {
            f"{name}_{layer}": value
            for layer in self.style_layers
            for name, value in self.style_target(layer).items()
        }

    def style_error(
        self,
        layer: str,
        features: Tensor,
        grams: Mapping[str, Tensor] | None = None,
        draw: int = 0,
    ) -> Tensor:
        """How far features are from the painting's at a style layer, unweighted: ``(N,)``."""
        wanted = self.style_target(layer) if grams is None else {"gram": grams[layer]}
        return self.statistic.error(features, wanted, draw)

    @torch.no_grad()
    def content_targets(self, photos: Tensor) -> dict[str, Tensor]:
        """The photos' features at the content layers; computes nothing deeper.

        Args:
            photos: ``(N, 3, H, W)``, RGB in [0, 1].
        """
        features: dict[str, Tensor] = self.vgg(photos, self.content_layers)
        return features

    def forward(
        self,
        images: Tensor,
        targets: Mapping[str, Tensor],
        grams: Mapping[str, Tensor] | None = None,
        style_weight: Tensor | None = None,
        draw: int = 0,
        layers: dict[str, Tensor] | None = None,
    ) -> LossTerms:
        """Judges ``images`` against the photos that gave ``targets`` and against the painting.

        Args:
            images: ``(N, 3, H, W)``, RGB in [0, 1]; differentiable.
            targets: from :meth:`content_targets`, for the same N and size.
            grams: Gram matrices to compare with instead of the painting's, by layer: ``(1, C, C)``,
                or ``(N, C, C)`` for a style to every picture. They are this loss network's; not
                with the ``"course"`` normalization, whose scales are the painting's, nor with
                another statistic.
            style_weight: ``(N,)``, instead of the loss's own.
            draw: what a statistic draws at random, if it does; one number is one draw.
            layers: is given every layer's part of the terms, ``(N,)`` each and without a graph, as
                ``"content/relu4_2"`` and ``"style/relu1_1"``; they are weighted and add up.

        Raises:
            InputError: other Gram matrices with the ``"course"`` normalization, or another
                statistic.
        """
        if grams is not None and self.statistic_name != "gram":
            raise InputError(f"statistic {self.statistic_name} knows one painting: take gram")
        if grams is not None and self.normalization == "course":
            raise InputError("normalization course knows one painting: take relative")
        features = self.vgg(images, [*self.content_layers, *self.style_layers])
        zero = torch.zeros(len(images), device=images.device)
        content, style = zero, zero
        for layer, weight in self.content_layers.items():
            loss = weight * content_loss(features[layer], targets[layer])
            if self.normalization == "course":
                mean = targets[layer].float().abs().flatten(1).mean(1)
                loss = loss * course_scale(targets[layer], mean, 2)
            content = content + loss
            if layers is not None:
                layers[f"content/{layer}"] = self.content_weight * loss.detach()
        shared = self.style_weight if style_weight is None else style_weight
        for layer, weight in self.style_layers.items():
            with torch.autocast(images.device.type, enabled=False):
                error = self.style_error(layer, features[layer], grams, draw)
            part = weight * self._style_scales[layer] * error
            style = style + part
            if layers is not None:
                layers[f"style/{layer}"] = shared * part.detach()
        tv = total_variation(images) if self.tv_weight else zero
        return LossTerms(self.content_weight * content, style * shared, self.tv_weight * tv)

    def describe(self) -> dict[str, Any]:
        """The configuration and what judged, as plain values for a checkpoint or a report.

        The statistic is told where it is not the Gram matrices: what was judged before there was a
        choice says nothing of it, and is the same.
        """
        statistic: dict[str, Any] = {}
        if self.statistic_name != "gram":
            statistic["statistic"] = self.statistic_name
        if self.statistic_name == "patches":
            statistic["patch_size"], statistic["patch_stride"] = self._patches
        return {
            "content_weight": self.content_weight,
            "style_weight": self.style_weight,
            "tv_weight": self.tv_weight,
            "content_layers": self.content_layers,
            "style_layers": self.style_layers,
            "normalization": self.normalization,
            "loss_network": self.vgg.describe(),
            **statistic,
        }


def course_scale(target: Tensor, mean: Tensor | float, power: int) -> Tensor:
    """What turns a relative error into the ``"course"`` normalization, ``(N,)``.

    It undoes the division by the target's energy and divides by the features' mean absolute
    activation instead, to the power in which the term grows with it.
    """
    return target.float().square().flatten(1).mean(1) / (4 * mean**power)


def _normalize(name: str, given: Mapping[str, float] | str) -> dict[str, float]:
    """Layer weights that sum to one."""
    layers = parse_layers(name, given)
    check_layers(layers)
    total = sum(layers.values())
    return {layer: weight / total for layer, weight in layers.items()}
