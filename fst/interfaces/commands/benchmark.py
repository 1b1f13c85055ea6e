"""Measures this project against the textbook's way: ``fst benchmark train``, ``inference``.

``fst benchmark optimize`` measures the optimization of pixels, ``slim`` the slim loss network
against VGG-19; ``any``, ``sliders`` and ``ladder`` measure the any-painting net, ``video`` how
steady painted clips are.
"""

import argparse
import dataclasses
import statistics
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from fst.choices import BACKENDS
from fst.errors import InputError
from fst.inference.backends import is_installed
from fst.research.benchmarks import any_painting, ladder, optimize, sliders, video
from fst.research.benchmarks.defaults import hybrid_share
from fst.research.benchmarks.flops import training_flops
from fst.research.benchmarks.one_pass import InferenceBench, passes
from fst.research.benchmarks.one_pass import peak_memory as inference_memory
from fst.research.benchmarks.rounds import (
    Round,
    peak_flops,
    ratio_over_rounds,
    ratios,
    with_mean,
)
from fst.research.benchmarks.tables import cells, interleave, machine, make_row, say_if_busy
from fst.research.benchmarks.training_step import (
    DTYPES,
    BenchmarkSettings,
    TrainingBench,
    Variant,
    peak_memory,
    pick_kinds,
    training_cases,
    tune_process,
)
from fst.system.device import pick_device
from fst.system.files import write_json
from fst.system.outputs import check_file

BOTH_PROFIT = (
    "in one process both sides profit from its settings (malloc keeps freed memory; on a GPU "
    "TF32 and cuDNN's search); peak memory is of a process each, the textbook's as torch has it"
)


def check(options: argparse.Namespace) -> None:
    """Raises InputError for what would fail only after minutes."""
    if options.json is not None:
        check_file("--json", options.json, options.overwrite)


def train(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measures training steps, prints them, and returns the rows."""
    device = pick_device(options.device)
    kinds = pick_kinds(options.precision, device)
    if options.peak_tflops and "bf16" not in kinds:
        raise InputError("--peak-tflops is the peak of bf16, which is not measured here")
    if options.precision == "both" and len(kinds) == 1:
        print("bf16 is no faster than float32 on this machine: measuring float32 alone")
    names = [field.name for field in dataclasses.fields(BenchmarkSettings)]
    settings = BenchmarkSettings(**{name: getattr(options, name) for name in names})
    console = Console(width=None if sys.stdout.isatty() else 120)
    slim = options.weights != "slim"  # which judges all rows then
    cases = training_cases(kinds, options.compile, slim)
    variants = list(dict.fromkeys([case.yardstick for case in cases] + cases))
    say_if_busy()
    tune_process(device)
    bench = TrainingBench(settings)
    runs = {variant.name: bench.run(variant) for variant in variants}
    about = bench.photos.describe()
    print(f"photos: {about['source']} {about['name'] or ''} ({about['photos']})", flush=True)
    with console.status("peaks"):
        peaks = {kind: peak_flops(device, DTYPES[kind]) for kind in kinds}
    if options.peak_tflops and "bf16" in peaks:
        peaks["bf16"] = options.peak_tflops * 1e12
    print(machine(device, peaks), *bench.told(), sep="\n", flush=True)

    memory = {}
    for variant in variants:
        with console.status(f"peak memory: {variant.name}"):
            memory[variant] = peak_memory(settings, variant)
    rounds = interleave(options, runs, device)
    rows = [make_row(case, rounds, memory) for case in cases]
    console.print(_table(options, cases, rows, peaks))
    rows += [_hybrid(kind, rounds) for kind in kinds if slim]
    for kind in kinds:
        slower = statistics.median(ratios(rounds, kind, f"{kind} + data")) - 1
        bound = ": data-bound, try --workers" if slower > 0.1 else ""
        print(f"{kind}: loading its photos changes a step by {slower:+.0%}{bound}")
    print(BOTH_PROFIT)
    return rows


def _table(
    options: argparse.Namespace,
    cases: list[Variant],
    rows: list[dict[str, Any]],
    peaks: dict[str, float],
) -> Table:
    title = f"a training step, batch {options.batch} at {options.size} px: ours (the textbook's)"
    table = Table("case", "seconds", "ratio", "images/s", "GFLOP/s", "of peak", "MB", title=title)

    of_slim, of_vgg = (
        training_flops(options.size, options.width, slim=slim) * options.batch
        for slim in (True, False)
    )
    theirs = of_slim if options.weights == "slim" else of_vgg
    for case, row in zip(cases, rows, strict=True):
        ours = of_slim if case.slim else theirs
        table.add_row(*cells(row, options.batch, ours, peaks[case.kind], theirs))
    return table


def _hybrid(kind: str, rounds: list[Round]) -> dict[str, Any]:
    """What a step takes on average where the slim network judges some; prints it."""
    name, share = f"{kind} hybrid", hybrid_share()
    mixed = with_mean(rounds, name, {f"{kind} slim": share, kind: 1 - share})
    found = ratio_over_rounds(mixed, name, "textbook")
    print(
        f"{name}: slim judges {share:.0%} of the steps, so a step takes {found.seconds:.3f} s, "
        f"{found.ratio_median:.2f} ({found.ratio_min:.2f} to {found.ratio_max:.2f}) times as fast"
    )
    return {
        "case": name,
        "slim_share": share,
        "seconds": found.seconds,
        "textbook_seconds": found.yardstick_seconds,
        "ratio_median": found.ratio_median,
        "ratio_min": found.ratio_min,
        "ratio_max": found.ratio_max,
    }


def slim(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The same for the slim loss network, with nets of full and half width; against VGG-19."""
    device = pick_device(options.device)
    (kind,) = pick_kinds(options.precision, device)
    names = [field.name for field in dataclasses.fields(BenchmarkSettings)]
    settings = BenchmarkSettings(**{name: getattr(options, name) for name in names})
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
        found = ratio_over_rounds(rounds, name, yardstick)
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
    passes(256, options.batch, kinds, backends)  # or else a line, now
    tune_process(device)
    bench = InferenceBench(options.style, options.device)
    peaks = {kind: peak_flops(device, DTYPES[kind]) for kind in kinds}
    print(machine(device, peaks), bench.told(), sep="\n", flush=True)
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
            found = ratio_over_rounds(rounds, case.name, "textbook")
            memory = inference_memory(options.style, options.device, case)
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


def main(options: argparse.Namespace) -> int:
    """Measures, writes."""
    check(options)
    kinds = {
        "train": train,
        "slim": slim,
        "inference": inference,
        "optimize": optimize.run,
        "any": any_painting.run,
        "sliders": sliders.run,
        "ladder": ladder.run,
        "video": video.run,
    }
    rows = kinds[options.command](options)
    if options.json is not None:
        write_json(options.json, {"rows": rows})
    return 0
