"""The studies of the optimization: which pictures each consists of."""

import argparse
import warnings
from collections.abc import Sequence

from torch import Tensor

from fst.choices import STATISTICS
from fst.errors import FstWarning
from fst.evaluation.photos import find_photos
from fst.optimization.presets import PRESETS
from fst.research.studies.cases import (
    Asked,
    Case,
    Plan,
    Study,
    StudyPhoto,
    check_different,
    named_apart,
    open_photo,
    open_style,
    sample_photos,
)
from fst.styles.objective import checksum_of, style_target
from fst.styles.style import Style

BLOCKS = range(1, 6)

STATISTIC_WORDS = {
    "gram": "Gram matrices",
    "moments": "means and deviations",
    "wasserstein": "a Wasserstein distance",
    "sliced": "a sliced one",
    "histogram": "histograms",
    "patches": "patches",
}
"""What each of :data:`~fst.choices.STATISTICS` is, as a page says it."""


def painting_of_style(style: Style, size: int | None = None) -> Tensor:
    """The painting of a style, or what stands in for it: ``(1, 3, H, W)``."""
    image = style.picture or style.image
    assert image is not None  # open_style has seen to it
    return style_target(image, size or style.size, style.about.get("image_sha256"))


def both(photo: StudyPhoto, style: Style, size: int) -> list[tuple[str, Tensor]]:
    """Photo and painting, to be shown before the pictures."""
    return [(f"photo: {photo.name}", photo.rgb),
            (f"painting: {style.name}", painting_of_style(style, size))]  # fmt: skip


def growing(layers: Sequence[str]) -> list[dict[str, float]]:
    """The first layer, the first two, and so on, each set equally weighted."""
    return [dict.fromkeys(layers[:count], 1.0) for count in range(1, len(layers) + 1)]


def ratio(options: argparse.Namespace, asked: Asked) -> Study:
    """Content against style weight, over growing sets of style layers.

    Source:
        Gatys et al. 2015, "A Neural Algorithm of Artistic Style", Figure 3.
    """
    check_different("--ratios", options.ratios)
    photo, style = open_photo(options.photo, asked.size), open_style(options.style)
    bare = {"tv_weight": 0.0, "init": "noise", "seed": 0}
    cases = []
    for weight in options.ratios:
        for block, layers in zip(BLOCKS, growing([f"relu{b}_1" for b in BLOCKS]), strict=True):
            chosen = {**bare, "content_weight": 1.0, "style_weight": 1 / weight,
                      "style_layers": layers}  # fmt: skip
            column = "relu1_1" if block == 1 else f"relu1_1 ... {block}_1"
            cases.append(Case(f"{weight:g}", column, f"ratio-{weight:g}-layers-{block}",
                              photo, style, chosen))  # fmt: skip
    return Study(
        "ratio",
        "Content against style, layer by layer",
        "Every picture begins as noise. From top to bottom content weighs more against style; from "
        "left to right the style is compared at more layers. With the first layer alone a painting "
        "is colors and dots; every deeper layer adds larger shapes, up to whole swirls of the "
        "brush. After Gatys et al. 2015, Figure 3; our errors are relative, so the ratios are "
        "other numbers than theirs.",
        cases,
        both(photo, style, asked.size),
        "content weight / style weight, by style layers",
    )


def reconstruction(options: argparse.Namespace, asked: Asked) -> Study:
    """What each layer keeps: a photo from its features, paintings from their statistics.

    Source:
        Gatys et al. 2015, "A Neural Algorithm of Artistic Style", Figure 1.
    """
    check_different("--styles", options.styles)
    photo = open_photo(options.photo, asked.size)
    styles = [open_style(name) for name in options.styles]
    bare = {"tv_weight": 0.0, "init": "noise", "seed": 0}
    cases = []
    for block in BLOCKS:
        layer = {f"relu{block}_1": 1.0}
        chosen = {**bare, "content_weight": 1.0, "style_weight": 0.0, "content_layers": layer,
                  "style_layers": layer}  # fmt: skip
        cases.append(Case(f"content: {photo.name}", f"block {block}", f"content-relu{block}_1",
                          photo, styles[0], chosen))  # fmt: skip
    for name, style in zip(named_apart([s.name for s in styles]), styles, strict=True):
        for block, layers in zip(BLOCKS, growing([f"relu{b}_1" for b in BLOCKS]), strict=True):
            chosen = {**bare, "content_weight": 0.0, "style_weight": 1.0,
                      "content_layers": {"relu1_1": 1.0}, "style_layers": layers}  # fmt: skip
            cases.append(Case(f"style: {style.name}", f"block {block}",
                              f"style-{name}-layers-{block}", photo, style, chosen))  # fmt: skip
    paintings = [(f"painting: {s.name}", painting_of_style(s, asked.size)) for s in styles]
    return Study(
        "reconstruction",
        "What the layers keep",
        "Every picture begins as noise. In the first row it is brought to the photo's features at "
        "one layer, relu1_1 to relu5_1: pixels survive in the first blocks, shapes up to the "
        "third, and at the fifth the photo dissolves into its parts. In the other rows it is "
        "brought to a painting's statistics at relu1_1, then at relu1_1 and relu2_1, and so on: "
        "the texture grows from dots to brush strokes. After Gatys et al. 2015, Figure 1.",
        cases,
        [(f"photo: {photo.name}", photo.rgb), *paintings],
        "what is kept, by block",
    )


def start(options: argparse.Namespace, asked: Asked) -> Study:
    """The same optimization from photo, painting and noise.

    Source:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", Figure 6.
    """
    check_different("--seeds", options.seeds)
    photo, style = open_photo(options.photo, asked.size), open_style(options.style)
    cases = [
        Case("", "from the photo", "photo", photo, style, {"init": "photo"}),
        Case("", "from the painting", "painting", photo, style, {"init": "painting"}),
    ]
    for number in options.seeds:
        cases.append(Case("", f"from noise, seed {number}", f"noise-{number}", photo, style,
                          {"init": "noise", "seed": number}))  # fmt: skip
    return Study(
        "start",
        "Where the search begins",
        "The same objective, from the photo, from the painting, and from noise. "
        "The pictures resemble each other: the objective decides, not the start. What differs are "
        "details, and which noise it was shows only there. After Gatys et al. 2016, Figure 6.",
        cases,
        both(photo, style, asked.size),
    )


def pooling(options: argparse.Namespace, asked: Asked) -> Study:
    """Max against average pooling in the loss network.

    Source:
        Gatys et al. 2015, section 2: average pooling "improves the gradient flow".
    """
    photo, style = open_photo(options.photo, asked.size), open_style(options.style)
    cases = [
        Case("", f"{kind} pooling", kind, photo, style, {"pooling": kind})
        for kind in ("max", "avg")
    ]
    return Study(
        "pooling",
        "Max against average pooling",
        "The loss network was trained with max pooling. Gatys et al. 2015 replace it by the "
        "average and find the pictures slightly more appealing: smoother. The two objectives "
        "differ, so their values can't be compared; the table judges both with max pooling.",
        cases,
        both(photo, style, asked.size),
    )


def statistics(options: argparse.Namespace, asked: Asked) -> Study:
    """The statistics of style (:mod:`fst.losses.style`); of a portrait, all but patches."""
    photo, style = open_photo(options.photo, asked.size), open_style(options.style)
    names, left_out = list(STATISTICS), ""
    if style.image is not None and checksum_of(style.image) is None:
        names.remove("patches")
        left_out = (f" Patches are left out: without the painting of {style.name} its texture "
                    "portrait stands in, which has other ones.")  # fmt: skip
        warnings.warn(
            f"patches are left out: without the painting of {style.name} its texture portrait "
            "stands in, which has other ones",
            FstWarning,
            stacklevel=2,
        )
    cases = [Case("", name, name, photo, style, {"statistic": name}) for name in names]
    words = [STATISTIC_WORDS[name] for name in names]
    return Study(
        "statistics",
        "What style is compared by",
        "The same photo, painting and style weight; only what is compared at a layer changes: "
        f"{', '.join(words[:-1])}, and {words[-1]}. The table judges all of them with Gram "
        f"matrices.{left_out}",
        cases,
        both(photo, style, asked.size),
    )


def size(options: argparse.Namespace, asked: Asked) -> Study:
    """The painting at several sizes.

    Source:
        Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section 6.
    """
    check_different("--style-sizes", options.style_sizes)
    photo, style = open_photo(options.photo, asked.size), open_style(options.style)
    cases = [
        Case("", f"painting at {side} px", f"size-{side}", photo, style, {"style_size": side})
        for side in options.style_sizes
    ]
    return Study(
        "size",
        "The size of the strokes",
        "The loss network sees so many pixels and no more. So the larger the painting is shown to "
        "it, the larger its strokes are in the picture; of a small painting whole objects become "
        "texture.",
        cases,
        both(photo, style, asked.size),
    )


def presets(options: argparse.Namespace, asked: Asked) -> Study:
    """The settings of the literature against each other, on several photos."""
    style = open_style(options.style)
    found = find_photos(*options.photos, limit=options.limit) if options.photos else (
        sample_photos()[: options.limit])  # fmt: skip
    photos = [open_photo(path, asked.size) for path in found]
    cases = [
        Case(photo.name, preset, f"{name}-{preset}", photo, style, {"preset": preset})
        for name, photo in zip(named_apart([p.path.stem for p in photos]), photos, strict=True)
        for preset in PRESETS
    ]
    return Study(
        "presets",
        "Presets against each other",
        "Every preset paints every photo, with the same number of iterations. All are judged by "
        "one objective, that of the preset gatys with the style's own weights: what another preset "
        "aims at is something else, so in the end it comes out worse by this measure. Seconds are "
        "of this machine.",
        cases,
        [(f"painting: {style.name}", painting_of_style(style, asked.size))],
        "photo, by preset",
    )


PLANS: dict[str, Plan] = {
    "ratio": ratio,
    "reconstruction": reconstruction,
    "start": start,
    "pooling": pooling,
    "statistics": statistics,
    "size": size,
    "presets": presets,
}
"""Kind -> what makes the study, of a command's options."""
