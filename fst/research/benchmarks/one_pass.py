"""What ``fst benchmark inference`` times: one pass of ours against the textbook's."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import torch
from torch import Tensor

from fst.choices import BACKENDS, MARGIN
from fst.errors import InputError
from fst.inference.backends import check_installed
from fst.inference.painter import NetPainter
from fst.nets import make_net
from fst.nets.johnson import JohnsonNet
from fst.research.benchmarks.defaults import default_net
from fst.research.benchmarks.rounds import Work, peak_bytes
from fst.research.benchmarks.textbook import TextbookNet
from fst.research.benchmarks.training_step import DTYPES, tune_process
from fst.styles.catalog import load_style
from fst.system.checks import one_of
from fst.system.device import pick_device


@dataclass(frozen=True)
class Pass:
    """A way to paint ``batch`` pictures of ``size`` x ``size``.

    ``kind`` is ``"textbook"``, ``"bf16"`` or ``"fp32"``; ``backend`` one of
    :data:`~fst.choices.BACKENDS`.
    """

    size: int
    batch: int = 1
    kind: str = "textbook"
    backend: str = "eager"

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return self.kind if self.backend == "eager" else f"{self.kind} {self.backend}"

    @property
    def pictures(self) -> str:
        """What is painted, as it stands in the table."""
        return f"{self.batch} x {self.size}²" if self.batch > 1 else f"{self.size}²"


def passes(size: int, batch: int, kinds: Sequence[str], backends: Sequence[str]) -> list[Pass]:
    """The textbook's pass and ours: every precision in every backend.

    Raises:
        InputError: an unknown backend, or one that is not installed.
    """
    for backend in backends:
        one_of("backend", backend, BACKENDS)
        check_installed(backend)
    ours = [
        Pass(size, batch, kind, backend)
        for backend in backends
        for kind in kinds
        if not (backend == "onnxruntime" and kind == "bf16")  # which it does not compute in
    ]
    return [Pass(size, batch), *ours]


class InferenceBench:
    """The passes that are compared: the same weights, and the same noise to paint.

    Args:
        style: a trained style, which brings its net, as for
            :func:`~fst.styles.catalog.find_style`; None is the net that ``fst train`` trains, with
            random weights: times depend on the net, not on what its weights are.
        device: as for :func:`~fst.system.device.pick_device`.
    """

    def __init__(self, style: str | None = None, device: str = "auto") -> None:
        self.device, self.style = pick_device(device), style
        torch.manual_seed(0)
        trained = None if style is None else load_style(style)
        net = make_net(**default_net()) if trained is None else trained.net
        self.margin = MARGIN if trained is None else trained.margin
        if not isinstance(net, JohnsonNet):
            raise InputError(f"{style} has a net that the textbook does not know")
        self.net = net.to(self.device).eval().requires_grad_(False)
        self.textbook = TextbookNet.like(self.net).eval().requires_grad_(False)
        self.painters: dict[tuple[str, str], NetPainter] = {}

    def told(self) -> str:
        """What is timed, in a line."""
        about = f"width {self.net.out.in_channels}, {self.net.upsampling} upsampling"
        without = f"without the margin of {self.margin} px that fst stylize adds at every side"
        return (
            f"noise painted by the net of {self.style or 'fst train, not trained'}: johnson of "
            f"{about}; {without}"
        )

    def photos(self, case: Pass) -> Tensor:
        """What the pass paints."""
        generator = torch.Generator().manual_seed(case.size)
        shape = (case.batch, 3, case.size, case.size)
        return torch.rand(shape, generator=generator).to(self.device)

    def run(self, case: Pass) -> Work:
        """The pass, everything bound."""
        photos = self.photos(case)
        if case.kind == "textbook":
            return torch.no_grad()(lambda: self.textbook(photos))
        key = (case.kind, case.backend)
        if key not in self.painters:
            self.painters[key] = NetPainter(self.net, DTYPES[case.kind], backend=case.backend)
        painter = self.painters[key]
        return lambda: painter(photos)

    def differences(self, cases: Sequence[Pass]) -> Iterator[tuple[float, float, float]]:
        """Of each case from the textbook's pass, of 255: mean, 99.9th percentile, largest."""
        expected: Tensor | None = None
        for case in cases:
            painted = self.run(case)()
            assert isinstance(painted, Tensor)
            if expected is None:
                expected = painted
            off = (painted - expected).abs().flatten() * 255
            rank = max(1, round(0.999 * off.numel()))
            percentile = off.cpu().numpy()
            percentile.partition(rank - 1)
            yield float(off.mean()), float(percentile[rank - 1]), float(off.max())


def peak_memory(style: str | None, device: str, case: Pass) -> float:
    """What two passes add to the peak memory of a fresh process, in MB (10^6 bytes).

    What the process has before, mostly torch itself, is left out; the photo, the net as its backend
    keeps it and the output count.

    Raises:
        InputError: there is not enough memory.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_peak_of_this_process, style, device, case).result()
        except BrokenProcessPool as error:
            raise InputError(f"not enough memory for {case.pictures}: {case.name}") from error


def _peak_of_this_process(style: str | None, device: str, case: Pass) -> float:
    if case.kind != "textbook":
        tune_process(pick_device(device))
    bench = InferenceBench(style, device)
    before = peak_bytes(bench.device)
    run = bench.run(case)
    for _ in range(2):
        run()
    return (peak_bytes(bench.device) - before) / 1e6
