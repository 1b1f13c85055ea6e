"""Any painting as a style, at once: the any-painting net predicts the net of one painting."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.errors import CheckpointError, InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.moments import moments_network, painting_moments
from fst.nets.conditional import AnyNet
from fst.nets.predictor import USUAL_SIZE
from fst.styles.kept import kept_painting
from fst.styles.objective import checksum_of, usual_loss
from fst.styles.style import Style, term_weights
from fst.styles.trained import DeferredStyle, TrainedStyle, load_checkpoint
from fst.system.checks import number, whole_number

ANY = "any"
"""The checkpoint of the any-painting net: no style by itself."""

STROKE_SIZES = (256, 768)
"""Pixels of a painting's long side, in which the any-painting net was trained."""

STROKE_STEP = 64
"""Pixels in which strokes that fit a photo are stepped, so that a few nets do for many photos."""

FITS = "fits"
"""What a description says of a stroke size that follows from each photo's size."""

WEIGHTS = (2, 40)
"""Style weights in which it was trained."""

PREDICTED_WEIGHT = 12.0
"""Style weight where nothing is asked: more than a training's usual one, since a net that was not
trained on a painting paints it tamely (docs/any.md)."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a predicted net.

    Attributes:
        style_weight: against a content weight of one; between :data:`WEIGHTS`.
        stroke_size: long side in pixels at which the painting is seen: larger strokes from a larger
            painting; between :data:`STROKE_SIZES`.

    Raises:
        InputError: out of that range.
    """

    style_weight: float = PREDICTED_WEIGHT
    stroke_size: int = int(USUAL_SIZE)

    def __post_init__(self) -> None:
        try:
            weight = number("style_weight", self.style_weight, *WEIGHTS)
            size = whole_number("stroke_size", self.stroke_size, *STROKE_SIZES)
        except InputError as error:
            raise InputError(f"{error}: others take method optimize (--method optimize)") from error
        object.__setattr__(self, "style_weight", weight)  # frozen for everybody else
        object.__setattr__(self, "stroke_size", size)


ASKED = tuple(field.name for field in fields(Asked))


@dataclass(frozen=True)
class AnyPainting:
    """The any-painting net and the slim network that it sees paintings through."""

    trained: TrainedStyle
    sees: VGG19

    @property
    def net(self) -> AnyNet:
        """The conditional net with its predictor."""
        assert isinstance(self.trained.net, AnyNet)
        return self.trained.net

    @cached_property
    def digest(self) -> str:
        """That of the net's weights."""
        return self.trained.digest

    @torch.no_grad()
    def embedding(self, painting: Tensor, asked: Asked) -> Tensor:
        """The numbers that make a style of a painting, ``(embedding_size,)``.

        Args:
            painting: ``(1, 3, H, W)``, RGB in [0, 1], with a long side of ``asked.stroke_size``.
            asked: how strong, and with which strokes.
        """
        moments = painting_moments(self.sees, painting.to(self.sees.mean.device))
        weight, size = (
            torch.tensor([float(value)], dtype=torch.float32, device=moments.device)
            for value in (asked.style_weight, asked.stroke_size)
        )
        return self.net.predict(moments, weight, size)[0]

    def style(self, embedding: Tensor, about: Mapping[str, Any], asked: Asked) -> TrainedStyle:
        """The ordinary net of an embedding, as a trained style.

        Args:
            embedding: from :meth:`embedding`, or a mean of several.
            about: name, image, size and what else is known of the painting.
            asked: what the embedding was predicted for.
        """
        net = self.net.net_for(embedding).eval().requires_grad_(False)
        return TrainedStyle(net, self.described(about, asked))

    def described(self, about: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """What is said of the net of a painting, whatever its embedding.

        Args:
            about: as for :meth:`style`, and so is ``asked``.
            asked: what is asked of the net.
        """
        arguments = self.trained.description["net"]["arguments"]
        shared = {"upsampling": self.net.base.upsampling}  # two kinds of nets, other defaults
        shared |= {key: arguments[key] for key in ("width", "residual_blocks") if key in arguments}
        loss = usual_loss(asked.style_weight)
        weights = term_weights(loss)
        return {
            "format_version": self.trained.description["format_version"],
            "net": {"name": "johnson", "arguments": shared},
            "style": {**about, "size": asked.stroke_size, **weights},
            "loss": loss,
            "predicted": {
                "painting": {
                    "name": Path(about.get("image") or about["name"]).name,
                    "sha256": about.get("image_sha256"),
                },
                "stroke_size": asked.stroke_size,
                "style_weight": asked.style_weight,
                "net": {"name": self.trained.name, "sha256": self.digest},
            },
        }


def with_prediction(
    style: Style,
    asked: Mapping[str, Any],
    checkpoints: Path | None = None,
    device: torch.device | str = "cpu",
) -> Style:
    """A style that has only a painting, with the net that is predicted from it.

    Args:
        style: what is known of it; where it has a net, or there is no any-painting net, it is
            returned as it is.
        asked: ``style_weight`` and ``stroke_size``, as for :class:`Asked`; without them the style
            file's, or the usual weight and, of every photo, the strokes that fit its size.
        checkpoints: as for :func:`load_any`, and so is ``device``.
        device: for the net.

    Raises:
        AssetError: the painting can't be had.
        InputError: it is no painting to learn from, or something is asked that can't be.
        CheckpointError: a damaged any-painting net.
    """
    if style.trained is not None or find_any(checkpoints) is None:
        return style
    usual = {"stroke_size": style.size, **style.weights}
    fits = "stroke_size" not in asked and "size" not in style.about
    wanted = Asked(**{key: value for key, value in usual.items() if key in ASKED} | dict(asked))
    image = style.picture or style.image
    assert image is not None  # only blends have none
    sha256 = style.about.get("image_sha256")
    kept = kept_painting(image, wanted.stroke_size, sha256)
    if (net := load_any(checkpoints, device)) is None:  # read when the painting is known to be one
        return style
    about: dict[str, Any] = {**style.about, "name": style.name, "image": style.image}
    if style.image is not None and (known := checksum_of(style.image, sha256)) is not None:
        about["image_sha256"] = known

    @cache  # for ten sizes at most, whoever paints with them
    def sized(size: int) -> TrainedStyle:
        other = replace(wanted, stroke_size=size)
        try:
            seen = kept(size)
        except InputError:  # a thin painting may be too thin for a small photo
            return sized(wanted.stroke_size)
        return net.style(net.embedding(seen, other), about, other)

    if not fits:
        trained = sized(wanted.stroke_size)
        return replace(style, about=trained.description["style"], trained=trained)
    description = net.described(about, wanted)
    description["predicted"]["stroke_size"] = FITS
    # predicted once, at the size that is painted: to see a painting takes a while
    deferred = DeferredStyle(description, lambda: sized(wanted.stroke_size).net)
    return replace(
        style,
        about=description["style"],
        trained=deferred,
        fitted=lambda long_side: sized(fitting_size(long_side)),
    )


def fitting_size(long_side: int) -> int:
    """The stroke size that fits a picture: a painting of its size, within :data:`STROKE_SIZES`.

    Args:
        long_side: of the picture, in pixels.

    Source:
        Gatys et al. 2016, section 3: the painting is resized to the photo's size.
    """
    least, most = STROKE_SIZES
    return min(most, max(least, round(long_side / STROKE_STEP) * STROKE_STEP))


def load_any(
    checkpoints: Path | None = None, device: torch.device | str = "cpu"
) -> AnyPainting | None:
    """The any-painting net; None where there is none.

    Args:
        checkpoints: the folder to look in; None is :func:`fst.assets.checkpoint_folders`.
        device: for the net.

    Raises:
        CheckpointError: a damaged one, or one that was made for another slim network.
    """
    path = find_any(checkpoints)
    return None if path is None else _load(path, path.stat().st_mtime_ns, str(device))


def find_any(checkpoints: Path | None = None) -> Path | None:
    """The file of the any-painting net; None where there is none.

    Args:
        checkpoints: as for :func:`load_any`.
    """
    folders = assets.checkpoint_folders() if checkpoints is None else (checkpoints,)
    paths = (folder / f"{ANY}.safetensors" for folder in folders)
    return next((path for path in paths if path.is_file()), None)


@lru_cache(maxsize=1)
def _load(path: Path, changed: int, device: str) -> AnyPainting:
    """Read once, as long as the file does not change."""
    trained = load_checkpoint(path, device)
    if not isinstance(trained.net, AnyNet):
        raise CheckpointError(f"{path} is no any-painting net: its net is "
                              f"{trained.description['net']['name']}")  # fmt: skip
    sees = moments_network().to(device)
    known = trained.description.get("paintings", {}).get("network")
    if known is not None and known != sees.sha256:
        raise CheckpointError(f"{path} was trained with another slim network than this fst has")
    return AnyPainting(trained, sees)
