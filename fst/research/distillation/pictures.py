"""The pictures on which a loss network is used: photos on their way to a style.

A slim network need not agree with VGG-19 everywhere, but it has to where a training or an
optimization takes it: at photos, at noise, at pictures half-way, and at whatever its own mistakes
lead to. So the pictures it learns from move while it learns, along its own gradients or VGG-19's.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.functional import content_loss, gram_matrix, style_loss
from fst.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS

CONTENT, STYLE = tuple(CONTENT_LAYERS), tuple(STYLE_LAYERS)
TERMS = (*CONTENT, *STYLE)
DEFAULT_WEIGHTS = torch.tensor([1.0, *([3.0 / len(STYLE)] * len(STYLE))])
"""Of the terms, where the slim network is taught and judged: content 1, style 3."""

GROUP = 4
"""Pictures that share a style."""

LONGEST_LIFE = 64
"""Moves that a picture makes, at most, before another takes its place."""


def loss_terms(
    features: dict[str, Tensor], targets: dict[str, Tensor], grams: dict[str, Tensor]
) -> Tensor:
    """The relative errors in the order of :data:`TERMS`: ``(N, terms)``."""
    content = [content_loss(features[layer], targets[layer]) for layer in CONTENT]
    style = [style_loss(gram_matrix(features[layer]), grams[layer]) for layer in STYLE]
    return torch.stack([*content, *style], 1)


def random_crop(photo: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """``(3, H, W)`` uint8 to ``(3, size, size)`` in [0, 1], mirrored half of the time."""
    height, width = photo.shape[1:]
    top, left, flip = (
        int(torch.randint(n, (1,), generator=generator))
        for n in (height - size + 1, width - size + 1, 2)
    )
    crop = photo[:, top : top + size, left : left + size].float() / 255
    return crop.flip(2) if flip else crop


def recolor(image: Tensor, generator: torch.Generator) -> Tensor:
    """Other colors for ``(3, H, W)`` in [0, 1]: channels permuted, mixed, perhaps inverted."""
    image = image[torch.randperm(3, generator=generator)]
    if float(torch.rand(1, generator=generator)) < 0.3:
        image = 1 - image
    mixing = torch.eye(3) + 0.25 * torch.randn(3, 3, generator=generator)
    image = torch.einsum("ij,jhw->ihw", mixing, image - 0.5) + 0.5
    return image.clamp(0, 1) ** math.exp(float(torch.rand(1, generator=generator)) - 0.5)


def paint_over(image: Tensor, generator: torch.Generator) -> Tensor:
    """A photo with something of a painting, ``(3, H, W)``: few tones, blots, lines, or blocks."""
    kind = int(torch.randint(5, (1,), generator=generator))
    if kind == 0:
        tones = 2 + int(torch.randint(4, (1,), generator=generator))
        image = (image * tones).round() / tones
    elif kind == 1:
        side = 3 + 2 * int(torch.randint(3, (1,), generator=generator))
        image = F.max_pool2d(image[None], side, 1, side // 2)[0]
    elif kind == 2:
        image = 3 * (image - F.avg_pool2d(image[None], 7, 1, 3)[0]) + 0.5
    elif kind == 3:
        image = F.interpolate(F.avg_pool2d(image[None], 4), scale_factor=4.0)[0]
    return image.clamp(0, 1)  # kind 4 leaves it a photo


def make_styles(
    paintings: list[Tensor], photos: list[Tensor], count: int, size: int, generator: torch.Generator
) -> Tensor:
    """Pictures to take the style of, ``(count, 3, size, size)`` in [0, 1].

    Three of five are crops of paintings, at strokes of several sizes, half of them recolored; the
    others are photos painted over, so that more than a few paintings' statistics are seen.

    Args:
        paintings: ``(3, H, W)`` in [0, 1], no side shorter than 1.3 sizes.
        photos: ``(3, H, W)`` uint8.
        count: how many.
        size: side in pixels.
        generator: of random numbers.
    """
    styles = []
    for place in range(count):
        if place % 5 < 3:
            painting = paintings[int(torch.randint(len(paintings), (1,), generator=generator))]
            short = int(size * (1.0 + 1.2 * float(torch.rand(1, generator=generator))))
            scale = min(1.0, short / min(painting.shape[1:]))
            small = F.interpolate(
                painting[None], scale_factor=scale, mode="bilinear", antialias=True
            )[0]
            style = random_crop((255 * small.clamp(0, 1)).to(torch.uint8), size, generator)
        else:
            photo = photos[int(torch.randint(len(photos), (1,), generator=generator))]
            side = min(size, *photo.shape[1:])
            crop = paint_over(random_crop(photo, side, generator), generator)
            style = F.interpolate(crop[None], (size, size), mode="bilinear")[0]
        styles.append(recolor(style, generator) if place % 2 else style)
    return torch.stack(styles)


@dataclass
class Batch:
    """What both networks judge: N pictures, of the same number of groups times :data:`GROUP`.

    ``images`` and ``photos`` are ``(N, 3, s, s)``; ``styles`` one picture a group; ``grams`` and
    ``targets`` the teacher's Grams of the styles, ``(N, C, C)``, and its content features of the
    photos; ``weights`` ``(N, terms)``, of the terms in each picture's objective.
    """

    groups: list[int]
    images: Tensor
    photos: Tensor
    styles: Tensor
    grams: dict[str, Tensor]
    targets: dict[str, Tensor]
    weights: Tensor


class HalfStylized:
    """Groups of pictures that move from a photo, from noise or from a blend towards a style.

    Args:
        teacher: VGG-19; gives the targets.
        photos: ``(3, H, W)`` uint8, no side shorter than ``size``.
        styles: from :func:`make_styles`.
        groups: how many, of :data:`GROUP` pictures each.
        size: of the pictures, in pixels.
        generator: of random numbers.
    """

    def __init__(
        self,
        teacher: VGG19,
        photos: list[Tensor],
        styles: Tensor,
        groups: int,
        size: int,
        generator: torch.Generator,
    ) -> None:
        self.teacher, self.photo_list, self.styles = teacher, photos, styles
        self.size, self.generator = size, generator
        with torch.no_grad():
            self.grams = [
                {layer: gram_matrix(f) for layer, f in teacher(style[None], STYLE).items()}
                for style in styles
            ]
        shape = (groups, GROUP, 3, size, size)
        self.images, self.photos, self.motion = (torch.zeros(shape) for _ in range(3))
        self.weights = torch.zeros(groups, GROUP, len(TERMS))
        self.style, self.moves_left = [0] * groups, [0] * groups
        self.rate, self.teacher_leads = [0.0] * groups, [False] * groups
        self.targets: list[dict[str, Tensor]] = [{} for _ in range(groups)]
        for group in range(groups):
            self.renew(group)
            self.moves_left[group] = 1 + int(LONGEST_LIFE / 2 * self._random())

    def _random(self) -> float:
        return float(torch.rand(1, generator=self.generator))

    def some_photos(self) -> Tensor:
        """``(GROUP, 3, size, size)``, random crops of random photos."""
        which = torch.randint(len(self.photo_list), (GROUP,), generator=self.generator).tolist()
        return torch.stack(
            [random_crop(self.photo_list[i], self.size, self.generator) for i in which]
        )

    def some_style(self) -> int:
        """The index of a random style."""
        return int(torch.randint(len(self.styles), (1,), generator=self.generator))

    def renew(self, group: int) -> None:
        """Other photos, another style, another start, other weights of the terms."""
        self.photos[group] = self.some_photos()
        self.style[group] = self.some_style()
        style = self.styles[self.style[group]][:, : self.size, : self.size]
        for i in range(GROUP):
            self.images[group, i] = self._start(self.photos[group, i], style)
            self.weights[group, i] = self._term_weights()
        self.motion[group] = 0
        self.moves_left[group] = 4 + int((LONGEST_LIFE - 4) * self._random() ** 2)
        self.rate[group] = 0.004 * math.exp(2.2 * self._random())
        self.teacher_leads[group] = self._random() < 0.4
        with torch.no_grad():
            self.targets[group] = self.teacher(self.photos[group], CONTENT)

    def _start(self, photo: Tensor, style: Tensor) -> Tensor:
        noise = torch.rand(photo.shape, generator=self.generator)
        kind, share = self._random(), self._random()
        if kind < 0.35:
            start = photo
        elif kind < 0.5:
            start = noise
        elif kind < 0.65:
            start = share * photo + (1 - share) * noise
        elif kind < 0.75:
            start = share * photo + (1 - share) * style
        elif kind < 0.85:
            start = F.interpolate(F.avg_pool2d(photo[None], 4), photo.shape[1:], mode="bilinear")[0]
        else:
            start = photo + 0.6 * share * (noise - 0.5)
        return start.clamp(0, 1)

    def _term_weights(self) -> Tensor:
        """The default ones half of the time; else near them; one time in seven a single term."""
        kind = self._random()
        if kind < 0.5:
            return DEFAULT_WEIGHTS
        if kind < 0.85:
            near = torch.randn(len(TERMS), generator=self.generator)
            return DEFAULT_WEIGHTS * torch.exp(1.5 * near)
        alone = int(torch.randint(len(TERMS), (1,), generator=self.generator))
        return F.one_hot(torch.tensor(alone), len(TERMS)).float()

    def batch(self, groups: int, painted: Tensor, photos: Tensor, style: int) -> Batch:
        """Random groups, and one more: what a net in training made of ``photos``."""
        chosen = torch.randperm(len(self.style), generator=self.generator)[:groups].tolist()
        styles = [*(self.style[k] for k in chosen), style]
        with torch.no_grad():
            targets = [*(self.targets[k] for k in chosen), self.teacher(photos, CONTENT)]
        return Batch(
            groups=chosen,
            images=torch.cat([*self.images[chosen], painted.detach()]),
            photos=torch.cat([*self.photos[chosen], photos]),
            styles=self.styles[styles],
            grams={
                layer: torch.cat([self.grams[k][layer].expand(GROUP, -1, -1) for k in styles])
                for layer in STYLE
            },
            targets={layer: torch.cat([t[layer] for t in targets]) for layer in CONTENT},
            weights=torch.cat([*self.weights[chosen], DEFAULT_WEIGHTS.expand(GROUP, -1)]),
        )

    def move(self, group: int, teachers: Tensor, students: Tensor) -> None:
        """One step of descent, along the gradient of whoever leads: ``(GROUP, 3, size, size)``."""
        gradient = teachers if self.teacher_leads[group] else students
        scale = gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-20)
        self.motion[group] = 0.8 * self.motion[group] + 0.32 * gradient / scale
        moved = self.images[group] - self.rate[group] * self.motion[group]
        self.images[group] = moved.clamp(-0.05, 1.05)
        self.moves_left[group] -= 1
        if self.moves_left[group] <= 0:
            self.renew(group)
