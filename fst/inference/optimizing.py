"""Paints by optimizing the pixels: what runs it, and how it is made of a style and options."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import MIN_SIDE
from fst.inference.guidance import Guidance, check_regions, guided_loss, is_guided, targets_of
from fst.inference.options import PassOptions
from fst.inference.pixel_options import NOISY, PixelOptions
from fst.inference.small import at_least, within
from fst.inference.starts import Start, is_file, of_file, of_picture
from fst.inference.ways import in_pixels
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate
from fst.optimization.pyramid import optimize_coarse_to_fine
from fst.styles.description import padding_of
from fst.styles.objective import judged_by_slim, network_of
from fst.styles.style import Style
from fst.system.cancellation import stop_if_canceled

OnIterate = Callable[[Iterate], None]
"""What the caller does with each iterate of an optimization: progress, snapshots, stopping."""


@dataclass
class OptimizingStylizer:
    """Paints by optimizing the pixels of every photo, large ones coarse to fine."""

    loss: PerceptualLoss
    device: torch.device
    settings: dict[str, Any]
    """Keyword arguments of :func:`~fst.optimization.pyramid.optimize_coarse_to_fine`."""
    start: Start | None = None
    """Another start than those that the settings name."""
    state: Mapping[str, Any] | None = None
    """Of an iterate: the next photo goes on behind that."""
    guidance: Guidance | None = None
    """Regions, colors, several paintings."""

    def iterates(self, photo: Tensor) -> Generator[Iterate, None, None]:
        """Of a photo ``(1, 3, H, W)``, computed while they are taken; at first they are small."""
        photo = photo.to(self.device)
        wide, inside = at_least(photo, MIN_SIDE)
        settings = {**self.settings, "by_layer": True, "state": self.state}
        guidance, loss, seen = self.guidance, self.loss, wide
        if guidance is not None:
            loss, seen = guidance.judge(loss, photo, wide), guidance.seen(wide)
        if self.start is not None and self.state is None:
            start = self.start.paint(wide)
            settings["init"] = start if guidance is None else guidance.seen(start)
        iterates = optimize_coarse_to_fine(loss, seen, **settings)
        if guidance is not None:
            iterates = guidance.colored(iterates, wide)
        return within(iterates, inside)

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same; ``on_iterate`` sees every iterate."""
        return last(self.iterates(photo), on_iterate)


def last(iterates: Iterator[Iterate], on_iterate: OnIterate | None) -> Tensor:
    """What an optimization ends with."""
    for iterate in iterates:
        stop_if_canceled()
        if on_iterate is not None:
            on_iterate(iterate)
    return finished(iterate)


def finished(iterate: Iterate) -> Tensor:
    """The picture of an iterate, ``(1, 3, H, W)`` in [0, 1] on the CPU; a tensor of its own."""
    return iterate.image.clamp(0, 1).cpu()


def optimizing(
    style: Style, of_pass: PassOptions, options: PixelOptions, passed: Callable[[], Start]
) -> OptimizingStylizer:
    """What optimizes pixels for ``style``; see :func:`~fst.inference.stylizers.make_stylizer`.

    Args:
        style: with a painting.
        of_pass: device and dtype.
        options: of the optimization.
        passed: makes the start that is painted in one pass.
    """
    device, dtype = of_pass.device or torch.device("cpu"), of_pass.dtype or torch.float32
    settings = options.optimization()
    init = settings.get("init", "photo")
    noisy = settings.get("init_noise") or (isinstance(init, str) and init in NOISY)
    if options.seed is not None and not noisy:
        raise InputError(
            "seed (--seed) is of no use without noise in the start: init (--init) "
            f"{' or '.join(NOISY)} has it, and init_noise (--init-noise), not "
            f"{init if isinstance(init, str) else 'a picture'}"
        )
    start: Start | None = None  # what can't be read or painted is told at once
    if init == "pass":
        start = passed()
    elif is_file(init):
        start = of_file(Path(init))
    elif isinstance(init, Tensor):
        start = of_picture(init)
    # a preset has a balance of its own
    weights = style.weights if options.preset in (None, "gatys") else {}
    arguments = {**weights, **options.loss()}
    statistic = arguments.get("statistic", "gram")
    check_regions(style, options)
    targets = targets_of(style, in_pixels(options.style_size), statistic)
    if "weights" not in arguments and "network" not in arguments:  # then what it was trained with
        arguments["weights"] = "slim" if judged_by_slim(style.description) else "auto"
        arguments["network"] = network_of(style.description)
    arguments.setdefault("padding", padding_of(style.description))
    loss: PerceptualLoss
    guidance: Guidance | None = None
    if is_guided(style, options):
        arguments["dtype"] = dtype
        loss, guidance = guided_loss(style, options, targets, arguments)
    else:
        loss = PerceptualLoss(targets[0], dtype=dtype, **arguments)
    loss = loss.to(device)
    if init == "painting":
        start = of_picture(targets[0], "painting")
    if start is not None:
        settings.pop("init")
    return OptimizingStylizer(loss, device, settings, start, guidance=guidance)
