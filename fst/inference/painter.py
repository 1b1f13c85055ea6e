"""One pass of photos through a trained net, in as much memory as it may take."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.inference.backends import Whole, make_whole
from fst.inference.flat import Surroundings, fullness, photos_around
from fst.inference.options import check_margin
from fst.inference.small import at_least
from fst.inference.strips import plans, run, together
from fst.inference.strips.held import HeldMoments
from fst.nets.layers import widen
from fst.nets.needs import TransformerNet, needs_of
from fst.nets.stages import Stage
from fst.system.files import is_in_memory, scratch_folder
from fst.system.memory import free_memory

ENOUGH = 7_600_000_000
"""Bytes beyond which a pass is not faster: it keeps 67 megapixels within 8 GB."""

AT_ONCE = 16
"""Photos that an accelerator paints at once, if they are small enough."""


@dataclass
class NetPainter:
    """A net, ready to paint any number of photos.

    On a CPU the net is run strip by strip (:mod:`fst.inference.strips.run`); on other devices at
    once, and in strips where the picture would not fit.

    Attributes:
        net: a transformer net, on the device to compute on.
            One that is no :class:`~fst.nets.needs.TransformerNet`, or says no stages, is run as it
            is, on the whole picture: backend eager, no memory, not circular.
        dtype: to run convolutions in, ``torch.float32`` or ``torch.bfloat16``.
        memory: how many bytes a pass may take besides photo and net; None takes up to three
            quarters of what is free when the pass begins, and at most :data:`ENOUGH`.
        backend: one of :data:`fst.choices.BACKENDS`; others than ``"eager"`` take
            several times the memory, and where that is too much the picture is painted in strips.
        circular: pad with the picture's other side, so that the output tiles the plane.
        margin: pixels by which a picture goes on at every side while it is painted
            (:func:`fst.nets.layers.widen`), and which are cut off afterwards: a multiple of 4. Nets
            paint weaker strokes at a border, which suits VGG-19's padding with zeros; a margin
            gives them back, for a worse objective (docs/quality.md). None for a picture that tiles.
    """

    net: nn.Module
    dtype: torch.dtype = torch.float32
    memory: int | None = None
    circular: bool = False
    backend: str = "eager"
    margin: int = 0
    stages: list[Stage] | None = field(init=False, default=None)
    moments: list[tuple[Tensor, Tensor]] | None = field(init=False, default=None)
    """Of photos, at every norm; once a flat picture has asked for them."""

    def __post_init__(self) -> None:
        self.margin = check_margin("margin", self.margin)
        if self.circular:
            self.margin = 0
        self.stages = self._stages(self.dtype)
        if self.stages is None:
            self._check_plain()
        self.whole: Whole | None = None
        if self.backend != "eager" and not self.circular:  # what tiles is painted in strips
            stages = self._stages(torch.float32)
            assert stages is not None
            with torch.no_grad():
                self.whole = make_whole(self.backend, stages, self.dtype)

    def _check_plain(self) -> None:
        """What a net that does not say its stages can do: run as it is, on the whole picture."""
        asked = {
            f"backend {self.backend}": self.backend != "eager",
            "circular (--seamless)": self.circular,
            "memory": self.memory is not None,
        }
        for option, chosen in asked.items():
            if chosen:
                raise InputError(
                    f"{option} does not go with a {type(self.net).__name__}: a net that says no "
                    "stages can be run in no other way than its own, at once"
                )

    @torch.no_grad()
    def _stages(self, dtype: torch.dtype) -> list[Stage] | None:
        return self.net.stages(dtype) if isinstance(self.net, TransformerNet) else None

    @torch.no_grad()
    def __call__(self, photos: Tensor, held: HeldMoments | None = None) -> Tensor:
        """The photos as the net paints them.

        Args:
            photos: ``(N, 3, H, W)``, RGB in [0, 1]; one with a side below the net's least is
                painted with a mirrored rim.
            held: moments of the frames before, where the photo is a frame of a clip: they are
                mixed with its own. A net that says its stages is run in strips then; of others
                nothing is held.

        Returns:
            The same shape, float32 in [0, 1].

        Raises:
            InputError: no plan fits into the memory.
        """
        needs = needs_of(self.net)
        wide, inside = at_least(photos, max(needs.least_side, needs.multiple))
        return self._painted(wide, held)[inside]

    def _painted(self, photos: Tensor, held: HeldMoments | None) -> Tensor:
        h, w = photos.shape[2:]
        plan = None if self.stages is None else self.plan(h, w, photos.device)
        elsewhere = photos.device.type != "cpu" and self.backend == "eager"
        around = [None if self.stages is None else self._around(p) for p in torch.split(photos, 1)]
        flat = any(around)
        at_once = elsewhere and plan == plans.Plan() and not self.circular and not flat
        at_once = at_once and held is None
        padded, m = widen(photos, self.margin, needs_of(self.net).multiple)
        inner = (..., slice(m, m + h), slice(m, m + w))
        if self.stages is None or plan is None or at_once:
            return self._at_once(padded)[inner]
        if photos.device.type != "cpu" and not plan.anew:
            plan = plans.Plan(strip_bytes=1 << 30)  # for circular padding
        if self.whole is not None and not flat and held is None:
            # other backends keep about four times what the most generous plan does
            if 4 * self._memory(h, w, plans.Plan()) <= self._budget(photos.device):
                return self.whole(padded)[inner]
        painted = self._in_strips(padded, plan, around, held)
        return painted.sigmoid_()[inner]

    def _in_strips(
        self,
        padded: Tensor,
        plan: plans.Plan,
        around: list[Surroundings | None],
        held: HeldMoments | None,
    ) -> Tensor:
        """Before the last nonlinearity; small photos, and no flat ones, several at a time."""
        assert self.stages is not None
        photos = torch.split(padded, 1)
        plain = [number for number, surroundings in enumerate(around) if surroundings is None]
        most = 1
        if plan == plans.Plan() and held is None and not self.circular:
            most = self._together(padded.shape[2], padded.shape[3], padded.device)
        painted: dict[int, Tensor] = {}
        if most > 1 and len(plain) > 1:
            for first in range(0, len(plain), most):
                numbers = plain[first : first + most]
                batch = torch.cat([photos[number] for number in numbers])
                made = together.run_together(self.stages, batch, self.dtype)
                painted |= dict(zip(numbers, torch.split(made, 1), strict=True))
        for number, photo in enumerate(photos):
            if number not in painted:
                painted[number] = run.run(
                    self.stages, photo, self.dtype, plan, self.circular, around[number], held
                )
        found = [painted[number] for number in range(len(photos))]
        return found[0] if len(found) == 1 else torch.cat(found)

    def several(self, height: int, width: int, device: torch.device) -> int:
        """How many photos of a size are best painted in one call; 1 where that gains nothing.

        Args:
            height: of a photo, in pixels.
            width: likewise.
            device: to compute on.
        """
        if self.stages is None or self.circular or self.backend != "eager":
            return 1
        if device.type != "cpu":
            most = self._budget(device) // self._memory(height, width, plans.Plan())
            return max(1, min(most, AT_ONCE))
        multiple = needs_of(self.net).multiple
        h, w = (side + 2 * self.margin + -side % multiple for side in (height, width))
        return self._together(h, w, device)

    def _together(self, height: int, width: int, device: torch.device) -> int:
        """The same on a CPU, of photos with their margins."""
        assert self.stages is not None
        if device.type != "cpu" or not together.fits(self.stages, height, width, self.dtype):
            return 1
        each = plans.memory(self.stages, height, width, self.dtype, plans.Plan())
        return max(1, min(self._budget(device) // each, together.MOST))

    def _around(self, photo: Tensor) -> Surroundings | None:
        """What a photo is normalized together with; None for all but flat ones."""
        share = fullness(photo)
        if share == 1:
            return None
        assert self.stages is not None
        if self.moments is None:
            photos = photos_around().to(photo.device)
            self.moments = run.moments_of(self.stages, photos, self.dtype)
        return Surroundings(self.moments, share)

    def _memory(self, height: int, width: int, plan: plans.Plan) -> int:
        assert self.stages is not None
        sides = (height + 2 * self.margin, width + 2 * self.margin)
        multiple = needs_of(self.net).multiple
        widened = sides != (height, width) or height % multiple or width % multiple
        copy = 3 * 4 * sides[0] * sides[1] if widened else 0
        return copy + plans.memory(self.stages, *sides, self.dtype, plan)

    def _budget(self, device: torch.device) -> int:
        if self.memory is not None:
            return self.memory
        return min(free_memory(device) * 3 // 4, ENOUGH)

    def _at_once(self, photos: Tensor) -> Tensor:
        photos = photos.contiguous(memory_format=torch.channels_last)
        bf16 = self.dtype == torch.bfloat16
        with torch.autocast(photos.device.type, torch.bfloat16, enabled=bf16):
            painted: Tensor = self.net(photos)
        return painted.float()

    def plan(self, height: int, width: int, device: torch.device) -> plans.Plan:
        """The fastest way to paint such a picture within the memory.

        Raises:
            InputError: there is none; says what the least is.
        """
        assert self.stages is not None
        budget = self._budget(device)
        needs, advice = [], ""
        for plan in plans.plans(self.stages):
            if plan.disk and is_in_memory(folder := scratch_folder()):
                advice = f"; {folder} is in memory, too: set TMPDIR to a folder on a disk"
                continue
            needs.append(self._memory(height, width, plan))
            if needs[-1] <= budget:
                return plan
        raise InputError(
            f"a {width}x{height} picture needs {min(needs) / 1e9:.2f} GB of memory besides itself, "
            f"and {max(budget, 0) / 1e9:.2f} GB may be taken{advice}"
        )


def feedforward(
    net: nn.Module, photos: Tensor, dtype: torch.dtype = torch.float32, margin: int = 0
) -> Tensor:
    """One pass with a net that may still be trained; see :class:`NetPainter`."""
    return NetPainter(net, dtype, margin=margin)(photos)
