"""Measures this project against the textbook's way: ``scripts/benchmark.py train``, ``inference``.

``scripts/benchmark.py slim`` measures the slim loss network against VGG-19.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from fst.benchmark import (
    DTYPES,
    Settings,
    TrainingBench,
    Variant,
    peak_memory,
    pick_kinds,
    training_cases,
    training_flops,
    tune_process,
)
from fst.device import PRECISIONS, pick_device
from fst.errors import InputError, one_line_errors
from fst.image.io import atomic_file, check_writable
from fst.inference.backends import BACKENDS, is_installed
from fst.inference.stylizers import resolve_style
from fst.inference_benchmark import InferenceBench, passes
from fst.inference_benchmark import peak_memory as inference_memory
from fst.timing import (
    Round,
    Run,
    compare,
    convolution,
    make_clock,
    measure,
    peak_flops,
    ratios,
    steady,
    warm_up,
)

BOTH_PROFIT = (
    "in one process both sides profit from its settings (malloc keeps freed memory; on a GPU "
    "TF32 and cuDNN's search); peak memory is of a process each, the textbook's as torch has it"
)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="a training step against the textbook's")
    slim = commands.add_parser("slim", help="a training step with the slim loss network")
    for command in (train, slim):
        add_common(command.add_argument)
    inference = commands.add_parser("inference", help="one pass against the textbook's")
    add = inference.add_argument
    add("--style", help="a style's name or checkpoint (default: random weights)")
    add("--sizes", type=int, nargs="+", default=(256, 512, 1024, 2048), help="sides in pixels")
    add("--batch", type=int, default=8, help="of 256² pictures, a row of its own")
    add("--backends", nargs="+", default=None, help="default: all that are installed but compile")
    add("--rounds", type=int, default=5, help="interleaved rounds, after a warm-up")
    add("--device", default="auto", help="auto, cpu, cuda …")
    add("--precision", choices=(*PRECISIONS, "both"), default="both")
    add("--json", type=Path, help="also write the rows into this file")
    inference.set_defaults(compile=False, steps=None)
    add = train.add_argument
    add("--width", type=int, default=32, help="channels of the net at full resolution")
    add("--precision", choices=(*PRECISIONS, "both"), default="both")
    add("--compile", action="store_true", help="also with torch.compile, which takes a minute")
    add("--peak-tflops", type=float, help="the GPU's bf16 peak (default: measured)")
    slim.set_defaults(width=32, compile=False, peak_tflops=None)
    slim.add_argument("--precision", choices=PRECISIONS, default="auto")
    return parser.parse_args()


def add_common(add: Callable[..., Any]) -> None:
    """The options of all commands."""
    add("--style", default="monet", help="a style's name, or the path of a painting")
    add("--batch", type=int, default=4, help="photos a step")
    add("--size", type=int, default=256, help="side of the photos in pixels")
    add("--rounds", type=int, default=5, help="interleaved rounds, after a warm-up")
    add("--steps", type=int, help="steps of a turn (default: 1, on a GPU 20)")
    add("--photos", help="folder of photos (default: photos/train of the assets, or the samples)")
    add("--workers", type=int, default=0, help="threads that decode ahead")
    add("--device", default="auto", help="auto, cpu, cuda …")
    add("--weights", default="auto", help="of VGG-19; random will do, times are the same")
    add("--json", type=Path, help="also write the rows into this file")


def check(options: argparse.Namespace) -> None:
    """Raises InputError for what would fail only after minutes."""
    for name in ("batch", "width", "rounds", "steps", "peak_tflops"):
        value = getattr(options, name, None)
        if value is not None and not value > 0:
            raise InputError(f"--{name.replace('_', '-')} must be above 0, not {value}")
    if min(getattr(options, "sizes", (16,))) < 16:
        raise InputError("--sizes must be at least 16")
    if getattr(options, "size", 16) < 16 or getattr(options, "workers", 0) < 0:
        raise InputError("--size must be at least 16, --workers at least 0")
    if options.json is not None:
        if options.json.is_dir():
            raise InputError(f"--json {options.json} is a folder, expected a file name")
        check_writable(options.json.parent)


def train(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measures training steps, prints them, and returns the rows."""
    device = pick_device(options.device)
    kinds = pick_kinds(options.precision, device)
    if options.precision == "both" and len(kinds) == 1:
        print("bf16 is no faster than float32 on this machine: measuring float32 alone")
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: getattr(options, name) for name in names})
    console = Console(width=None if sys.stdout.isatty() else 120)
    cases = training_cases(kinds, options.compile)
    variants = list(dict.fromkeys([case.yardstick for case in cases] + cases))
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"other work is running here (load {load:.1f}): don't trust these figures")
    tune_process(device)
    bench = TrainingBench(settings)
    runs = {variant.name: bench.run(variant) for variant in variants}
    about = bench.photos.describe()
    print(f"photos: {about['source']} {about['name'] or ''} ({about['photos']})", flush=True)
    with console.status("peaks"):
        peaks = {kind: peak_flops(device, DTYPES[kind]) for kind in kinds}
    if options.peak_tflops and "bf16" in peaks:
        peaks["bf16"] = options.peak_tflops * 1e12
    print(machine(device, peaks), flush=True)

    memory = {}
    for variant in variants:
        with console.status(f"peak memory: {variant.name}"):
            memory[variant] = peak_memory(settings, variant)
    rounds = interleave(options, runs, device)
    rows = [make_row(case, rounds, memory) for case in cases]
    title = f"a training step, batch {options.batch} at {options.size} px: ours (the textbook's)"
    table = Table("case", "seconds", "ratio", "images/s", "GFLOP/s", "of peak", "MB", title=title)
    flops = training_flops(options.size, options.width) * options.batch
    for case, row in zip(cases, rows, strict=True):
        table.add_row(*cells(row, options.batch, flops, peaks[case.kind]))
    console.print(table)
    for kind in kinds:
        slower = statistics.median(ratios(rounds, kind, f"{kind} + data")) - 1
        bound = ": data-bound, try --workers" if slower > 0.1 else ""
        print(f"{kind}: loading its photos changes a step by {slower:+.0%}{bound}")
    print(BOTH_PROFIT)
    return rows


def slim(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The same for the slim loss network, with nets of full and half width; against VGG-19."""
    device = pick_device(options.device)
    (kind,) = pick_kinds(options.precision, device)
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: getattr(options, name) for name in names})
    tune_process(device)
    runs = {
        f"{judge}, width {width}": TrainingBench(
            dataclasses.replace(settings, width=width, weights=weights)
        ).run(Variant(kind))
        for judge, weights in (("VGG-19", options.weights), ("slim", "slim"))
        for width in (options.width, options.width // 2)
    }
    print(machine(device, {}), flush=True)
    rounds = interleave(options, runs, device)
    yardstick, *_ = runs
    title = f"a training step, batch {options.batch} at {options.size} px, {kind}"
    table = Table("loss network, net", "seconds", f"times {yardstick}", title=title)
    rows = []
    for name in runs:
        found = compare(rounds, name, yardstick)
        rows.append({"case": name, **dataclasses.asdict(found)})
        spread = f"({found.ratio_min:.2f} to {found.ratio_max:.2f})"
        table.add_row(name, f"{found.seconds:.3f}", f"{found.ratio_median:.2f} {spread}")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return rows


def inference(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The same for one pass of the net, in every precision and backend."""
    device = pick_device(options.device)
    kinds = pick_kinds(options.precision, device)
    backends = options.backends or [b for b in BACKENDS if b != "compile" and is_installed(b)]
    path = None
    if options.style is not None and (path := resolve_style(options.style)[0]) is None:
        raise InputError(f"{options.style!r} has no checkpoint")
    tune_process(device)
    bench = InferenceBench(path, options.device)
    print(machine(device, {kind: peak_flops(device, DTYPES[kind]) for kind in kinds}), flush=True)
    console = Console(width=None if sys.stdout.isatty() else 120)
    names = ("pictures", "case", "seconds", "times the textbook", "images/s", "MB")
    table = Table(*names, "mean, 99.9 %, max of 255", title="one pass")
    rows = []
    for size, batch in [(size, 1) for size in options.sizes] + [(256, options.batch)]:
        cases = passes(size, batch, kinds, backends)
        differences = list(bench.differences(cases))
        runs = {case.name: bench.run(case) for case in cases}
        rounds = interleave(options, runs, device)
        for case, off in zip(cases, differences, strict=True):
            found = compare(rounds, case.name, "textbook")
            memory = inference_memory(path, options.device, case)
            rows.append({"size": size, "batch": batch, "case": case.name, "peak_mb": memory,
                         "differences": off, **dataclasses.asdict(found)})  # fmt: skip
            spread = f"({found.ratio_min:.2f} to {found.ratio_max:.2f})"
            table.add_row(
                case.pictures, case.name, f"{found.seconds:.3f}",
                f"{found.ratio_median:.2f} {spread}", f"{batch / found.seconds:.1f}",
                f"{memory:,.0f}", ", ".join(f"{value:.3f}" for value in off),
            )  # fmt: skip
    console.print(table)
    print(BOTH_PROFIT)
    return rows


def interleave(
    options: argparse.Namespace, runs: dict[str, Run], device: torch.device
) -> list[Round]:
    """The rounds in which nothing disturbed; tells what was discarded and how long compiling took.

    The warm-up takes three steps where the first is not the only slow one: a compiled step may be
    compiled once more, and cuDNN tries its algorithms.
    """
    clock, cpu = make_clock(device), device.type == "cpu"
    first = warm_up(runs, clock, 3 if options.compile or not cpu else 1)
    for name, seconds in first.items():
        if name.startswith("compile"):
            print(f"{name}: {seconds:.0f} s until the first step was done (cold)", flush=True)
    steps = options.steps or (1 if cpu else 20)
    rounds = measure(runs, convolution(device)[1], options.rounds, clock, steps)
    kept = steady(rounds)
    if len(kept) < len(rounds):
        print(f"discarded {len(rounds) - len(kept)} of {len(rounds)} rounds: the canary jumped")
    return kept


def make_row(case: Variant, rounds: list[Round], memory: dict[Variant, float]) -> dict[str, Any]:
    """A row of the JSON file."""
    found = compare(rounds, case.name, case.yardstick.name)
    return {
        "case": case.name,
        "seconds": found.seconds,
        "textbook_seconds": found.yardstick_seconds,
        "ratio_median": found.ratio_median,
        "ratio_min": found.ratio_min,
        "ratio_max": found.ratio_max,
        "peak_mb": memory[case],
        "textbook_peak_mb": memory[case.yardstick],
    }


def machine(device: torch.device, peaks: dict[str, float]) -> str:
    """One line on what was measured with."""
    capabilities = torch.cpu.get_capabilities()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = str(capabilities.get("cpu_name", device.type))
        for feature in ("amx_bf16", "avx512_bf16"):
            name += f", {feature} {'yes' if capabilities.get(feature) else 'no'}"
    measured = ", ".join(f"{kind} {peak / 1e9:,.0f}" for kind, peak in peaks.items())
    measured = f"; peaks in GFLOP/s: {measured}" if peaks else ""
    threads = f"{torch.get_num_threads()} threads"
    return f"{name}, {threads}, torch {torch.__version__}{measured}"


def cells(row: dict[str, Any], batch: int, flops: int, peak: float) -> list[str]:
    """A row of the table; ours, and the textbook's in parentheses."""
    seconds, theirs = row["seconds"], row["textbook_seconds"]
    return [
        row["case"],
        f"{seconds:.3f} ({theirs:.3f})",
        f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})",
        f"{batch / seconds:.2f} ({batch / theirs:.2f})",
        f"{flops / seconds / 1e9:,.0f} ({flops / theirs / 1e9:,.0f})",
        f"{flops / seconds / peak:.0%}",
        f"{row['peak_mb']:,.0f} ({row['textbook_peak_mb']:,.0f})",
    ]


def main() -> int:
    """Parses, calls, writes."""
    options = parse()
    check(options)
    rows = {"train": train, "slim": slim, "inference": inference}[options.command](options)
    if options.json is not None:
        with atomic_file(options.json) as temporary:
            temporary.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    with one_line_errors():
        sys.exit(main())
