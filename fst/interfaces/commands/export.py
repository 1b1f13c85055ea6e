"""Puts a style into files for other runtimes: ``fst export monet --to onnx``."""

import argparse
from collections.abc import Sequence

from fst.errors import in_a_line
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import calibrating
from fst.inference.export.targets import TARGETS
from fst.inference.export.writing import Written, export
from fst.inference.ways import way_of
from fst.styles.catalog import find_style


def main(options: argparse.Namespace) -> int:
    """Writes one target after the other; says how exact and how quick each is."""
    photos = calibrating(options.calibrate)
    style = find_style(options.style, options.checkpoints, asked={})
    way_of(style, "feedforward")  # what has no net of its own is told
    chosen = ExportOptions.of(
        style,
        margin=options.margin,
        uint8=options.uint8,
        half=options.half,
        int8=options.int8,
        calibrate=photos,
        runtime=options.runtime,
        size=options.size,
    )

    def tell(written: Written) -> None:
        for line in told(written):
            print(in_a_line(line), flush=True)

    export(style, options.to, options.output, chosen, options.overwrite, tell)
    return 0


def told(written: Written) -> Sequence[str]:
    """What was written, and a line for every size that it was run at."""
    sizes = ", ".join(f"{path} ({size / 1e6:.2f} MB)" for path, size in written.sizes)
    lines = [f"wrote {sizes}"]
    if not written.checks:
        return [*lines, f"  {written.target} can't be run here: not compared with the net"]
    width = max(len(check.size) for check in written.checks)
    if not TARGETS[written.target].runs_here:
        lines.append(
            f"  {written.target} itself can't be run here: the file was read back and computed "
            "with torch, operation by operation"
        )
    return [
        *lines,
        *(
            f"  {check.size:>{width}}: {check.difference:.3f} of 255 from the net in the mean, "
            f"{check.seconds:.2f} s"
            for check in written.checks
        ),
    ]
