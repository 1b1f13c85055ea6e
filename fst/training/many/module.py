"""The training step of a net of many styles: every photo of a batch in a style of its own."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.conditional import AnyNet, ConditionalNet, ManyNet
from fst.nets.predictor import USUAL_WEIGHT
from fst.training.many.draws import Styles
from fst.training.many.rows import moved, taken
from fst.training.many.work import Judged
from fst.training.micro_batches import accumulate_gradients
from fst.training.module import StyleTransferModule
from fst.training.optimizers import make_optimizers
from fst.training.outcome import artifacts_of
from fst.training.recipe import Recipe

PREDICTOR_RATE = 1 / 3
"""Of the recipe's rate: 1e-3 where the other weights have 3e-3."""

PREDICTOR_NORM = 1.0
"""To which the predictor's gradient is clipped: a painting that is like no other gives a large
one."""

SHOWN_STYLES = 4
"""Rows of a preview."""


class ManyStylesModule(StyleTransferModule):
    """A conditional net, and the styles that it learns.

    Args:
        net: any or many.
        loss: the objective.
        styles: its, and those that are validated.
        paintings: ``(1, 3, H, W)`` each, of the validated styles: shown in the previews.
        recipe, dtype, early_loss, early_share: as for a net of one style.
        early_styles: of the early loss.
    """

    def __init__(
        self,
        net: ConditionalNet,
        loss: PerceptualLoss,
        styles: Judged,
        paintings: Sequence[Tensor] = (),
        recipe: Recipe | None = None,
        dtype: torch.dtype = torch.float32,
        early_loss: PerceptualLoss | None = None,
        early_share: float = 0.0,
        early_styles: Judged | None = None,
    ) -> None:
        super().__init__(net, loss, recipe, dtype, early_loss, early_share)
        self.styles, self.early_styles = styles, early_styles
        self.held_out = styles.held_out
        self.paintings = list(paintings)
        self._validated = 0
        """Held-out photos that the validation at hand has seen."""

    def forward(self, photos: Tensor) -> Tensor:
        """The photos in the validated styles, one after the other: ``(N, 3, H, W)`` in [0, 1]."""
        rows = torch.arange(len(photos)) % len(self.held_out.variant)
        return self.painted(photos, taken(self.held_out, rows))

    def painted(self, photos: Tensor, styles: Styles) -> Tensor:
        """The photos with the weights to keep, each in its style: ``(N, 3, H, W)`` in [0, 1]."""
        return self._in_styles(self.best_net, photos, moved(styles, photos.device))

    def _in_styles(self, net: nn.Module, photos: Tensor, styles: Styles) -> Tensor:
        with torch.autocast(photos.device.type, enabled=False):
            embeddings = embeddings_of(net, styles)
        return self._paint(net, photos, embeddings)

    def styles_of(self, step: int, count: int) -> Styles:
        """The styles of this process's photos of a step."""
        of_early = self.current_loss() is self.early_loss and self.early_styles is not None
        source = self.early_styles if of_early else self.styles
        assert source is not None
        return moved(source.draw(step, count, self.trainer.global_rank * count), self.device)

    def gradients(
        self, photos: Tensor, backward: Callable[[Tensor], None] = torch.Tensor.backward
    ) -> LossTerms:
        """As for one style; the style term is told at the style weight of the validation."""
        styles = self.styles_of(self.global_step, len(photos))
        terms = accumulate_gradients(
            photos,
            self.micro_batches,
            partial(self._in_styles, self.net),
            self.current_loss(),
            self.recipe,
            backward,
            self.recipe.seed + self.global_step,
            styles,
        )
        if isinstance(self.net, AnyNet):
            nn.utils.clip_grad_norm_(self.net.predictor.reading(), PREDICTOR_NORM)
            terms = terms._replace(style=terms.style / styles.style_weight * USUAL_WEIGHT)
        return terms

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """As for one style; what reads paintings learns more slowly."""
        slower = self.net.predictor.reading() if isinstance(self.net, AnyNet) else []
        return make_optimizers(self.net, self.recipe, slower, PREDICTOR_RATE)

    def on_validation_start(self) -> None:
        """Begins with the first photo and the first style."""
        self._validated = 0

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """Judges each photo in one style, and in so many that every style is judged once."""
        val = self.trainer.datamodule.val  # type: ignore[attr-defined]
        first, self._validated = self._validated, self._validated + len(photos)
        pairs = pairs_of(first, len(photos), len(val), len(self.held_out.variant))
        parts = [self._judged(photos, part) for part in torch.split(pairs, len(photos))]
        self._log("val", LossTerms(*(torch.cat(terms) for terms in zip(*parts, strict=True))))
        own = {int(photo): taken(self.held_out, style[None]) for photo, style in pairs.flip(0)}
        painters = [partial(self.painted, styles=own[i]) for i in range(len(photos))]
        self.log_dict(artifacts_of(painters, photos), batch_size=len(photos))

    def _judged(self, photos: Tensor, pairs: Tensor) -> LossTerms:
        """The terms of some photos in some styles, ``(P, 2)``."""
        chosen = photos[pairs[:, 0].to(photos.device)]
        styles = moved(taken(self.held_out, pairs[:, 1]), photos.device)
        targets = self.loss.content_targets(chosen)
        terms: LossTerms = self.loss(
            self.painted(chosen, styles), targets, styles.grams, styles.style_weight
        )
        return terms

    def preview(self, photos: Tensor) -> list[list[Tensor]]:
        """Rows of pictures ``(3, H, W)``: the photos; a painting, and the photos in its style."""
        blank = torch.ones_like(photos[0])
        rows = [[blank, *photos]]
        for i in range(min(SHOWN_STYLES, len(self.held_out.variant))):
            styles = taken(self.held_out, torch.full((len(photos),), i))
            own = fitted(self.paintings[i], blank) if i < len(self.paintings) else blank
            rows.append([own, *self.painted(photos, styles).float()])
        return rows


def embeddings_of(net: nn.Module, styles: Styles) -> Tensor:
    """The numbers of the styles, ``(N, embedding_size)``: predicted, or the rows that they are."""
    if isinstance(net, AnyNet):
        return net.predict(styles.moments, styles.style_weight, styles.stroke_size)
    assert isinstance(net, ManyNet)
    return net.embeddings[styles.variant]


def pairs_of(first: int, count: int, photos: int, styles: int) -> Tensor:
    """Which of a batch's photos is judged in which styles: ``(P, 2)``, int64.

    Photo ``k`` of all is judged in style ``k`` modulo their number; where there are more styles
    than photos, also in others, so that each is judged once.

    Args:
        first: number of the batch's first photo among all.
        count: photos of the batch.
        photos: of all.
        styles: of all.
    """
    turns = range(first, max(photos, styles))
    of_batch = [i for i in turns if first <= i % photos < first + count]
    return torch.tensor([(i % photos - first, i % styles) for i in of_batch])


def fitted(painting: Tensor, cell: Tensor) -> Tensor:
    """A painting ``(1, 3, H, W)`` as large as it fits into a white cell ``(3, S, T)``."""
    tall, wide = cell.shape[1:]
    scale = min(tall / painting.shape[2], wide / painting.shape[3])
    size = [max(1, round(side * scale)) for side in painting.shape[2:]]
    small = F.interpolate(
        painting.to(cell.device), size, mode="bilinear", antialias=True, align_corners=False
    )
    whole = torch.ones_like(cell)
    top, left = (tall - size[0]) // 2, (wide - size[1]) // 2
    whole[:, top : top + size[0], left : left + size[1]] = small[0].clamp(0, 1)
    return whole
