"""scripts/benchmark.py as a user runs it, on tiny nets; nothing here depends on a time."""

import json
import os
import re
from pathlib import Path

import pytest
import torch
from support import Run, make_photo

from fst.interfaces.commands import benchmark
from fst.research.benchmarks import rounds, tables, training_step
from fst.research.benchmarks.flops import training_flops
from fst.research.benchmarks.training_step import BenchmarkSettings, Variant
from fst.styles.objective import style_target

KEYS = {
    "case", "seconds", "textbook_seconds", "ratio_median", "ratio_min", "ratio_max",
    "peak_mb", "textbook_peak_mb",
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path: Path, photo_folder: Path) -> list[str]:
    """Arguments of a benchmark that takes milliseconds a step."""
    make_photo(40, 32, seed=50).save(tmp_path / "painting.png")
    arguments = ["train", "--style", "painting.png", "--photos", "photos", "--weights", "random"]
    return [*arguments, "--batch", "2", "--size", "32", "--width", "4", "--device", "cpu"]


@pytest.fixture(autouse=True)
def small_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small canary and a small painting: true ones take half a minute without bf16 or AVX-512."""

    def convolution(device: torch.device, dtype: torch.dtype = torch.float32) -> object:
        return 1000, lambda: torch.ones(100, dtype=dtype).sum()

    for module in (rounds, tables):
        monkeypatch.setattr(module, "convolution", convolution)
    monkeypatch.setattr(training_step, "style_target", lambda file, _: style_target(file, 64))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[BenchmarkSettings, Variant]]:
    """What peak memory was asked for; 100 MB for the textbook, 10 for ours, 1 more with data."""
    calls: list[tuple[BenchmarkSettings, Variant]] = []

    def peak_memory(settings: BenchmarkSettings, variant: Variant) -> float:
        calls.append((settings, variant))
        return (100.0 if variant.kind == "textbook" else 10.0) + variant.data

    monkeypatch.setattr(benchmark, "peak_memory", peak_memory)
    return calls


def test_it_measures_and_writes_the_rows(
    run_inside: Run, tiny: list[str], asked: list[tuple[BenchmarkSettings, Variant]], tmp_path: Path
) -> None:
    result = run_inside("benchmark.py", *tiny, "--rounds", "2", "--json", "rows.json")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "rows.json").read_text())
    assert set(content) == {"rows"}
    gains = len(training_step.pick_kinds("both", torch.device("cpu"))) == 2
    kinds = ["bf16", "fp32"] if gains else ["fp32"]
    cases = [kind + how for how in ("", " + data", " slim", " hybrid") for kind in kinds]
    assert [row["case"] for row in content["rows"]] == cases
    for row in content["rows"]:
        if row["case"].endswith("hybrid"):
            continue
        assert set(row) == KEYS
        assert row["seconds"] > 0
        assert row["ratio_min"] <= row["ratio_median"] <= row["ratio_max"]
        # a quotient of sums lies between the quotients
        ratio = row["textbook_seconds"] / row["seconds"]
        assert row["ratio_min"] * 0.999 <= ratio <= row["ratio_max"] * 1.001
        data = row["case"].endswith("data")
        assert (row["peak_mb"], row["textbook_peak_mb"]) == (10 + data, 100 + data)
        assert row["case"] in result.stdout
    names = [variant.name for _, variant in asked]
    assert sorted(names) == sorted({"textbook", "textbook + data", *kinds} | {
        f"{kind}{how}" for kind in kinds for how in (" + data", " slim")
    })  # fmt: skip
    settings = asked[0][0]
    assert (settings.batch, settings.size, settings.width) == (2, 32, 4)
    assert "peaks in GFLOP/s" in result.stdout
    assert "bilinear upsampling; muon" in " ".join(result.stdout.split())
    assert "photos: folder photos (11)" in result.stdout  # one is held out
    assert "loading its photos" in result.stdout


@pytest.mark.parametrize(
    ("kind", "measured", "more"),
    [("fp32", 1e9, []), ("bf16", 5e9, ["--peak-tflops", "0.001"])],
)
def test_the_figures_of_the_table_follow_from_the_seconds(
    run_inside: Run,
    tiny: list[str],
    asked: list[tuple[BenchmarkSettings, Variant]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
    measured: float,
    more: list[str],
) -> None:
    takes = {"textbook": 8.0, kind: 2.0, "textbook + data": 9.0, f"{kind} + data": 3.0,
             f"{kind} slim": 1.0}  # fmt: skip

    def time_rounds(runs: object, canary: object, count: int, clock: object, steps: int) -> object:
        assert (count, steps) == (9, 7)
        return [
            rounds.Round({name: scale * seconds for name, seconds in takes.items()}, scale)
            for scale in (1.0, 1.0, 5.0)
        ]

    monkeypatch.setattr(tables, "time_rounds", time_rounds)
    monkeypatch.setattr(benchmark, "peak_flops", lambda *_: measured)
    peak = 1e9  # float32's as measured, bf16's as given
    command = [*tiny, "--precision", kind, "--rounds", "9", "--steps", "7", "--json", "rows.json"]
    result = run_inside("benchmark.py", *command, *more)
    assert result.returncode == 0, result.stderr
    assert "discarded 1 of 3 rounds" in result.stdout
    assert f"{kind}: loading its photos changes a step by +50%: data-bound" in result.stdout
    table = [line.split("│")[1:-1] for line in result.stdout.splitlines() if "│" in line]
    cells = [cell.strip() for cell in table[0]]
    flops = training_flops(32, 4) * 2 / 1e9  # GFLOP a step
    assert cells == [
        kind,
        "2.000 (8.000)",
        "4.00 (4.00 to 4.00)",
        "1.00 (0.25)",
        f"{flops / 2:,.0f} ({flops / 8:,.0f})",
        f"{flops / 2:.0%}",
        "10 (100)",
    ]
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    hybrid = 8 / 1.5  # half of the steps take a second, half two
    assert [row["ratio_median"] for row in rows] == [4.0, 3.0, 8.0, pytest.approx(hybrid)]
    assert f"{kind} hybrid: slim judges 50% of the steps" in result.stdout
    slim = [cell.strip() for cell in table[2]]
    small = training_flops(32, 4, slim=True) * 2 / 1e9
    assert (slim[0], slim[4]) == (f"{kind} slim", f"{small / 1:,.0f} ({flops / 8:,.0f})")
    assert slim[5] == f"{small * 1e9 / peak:.0%}"


def test_compiling_adds_a_row_and_tells_the_cold_seconds(
    run_inside: Run,
    tiny: list[str],
    asked: list[tuple[BenchmarkSettings, Variant]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(training_step.StyleTransferModule, "compile", lambda self: None)
    command = [*tiny, "--precision", "fp32", "--rounds", "1", "--compile", "--json", "rows.json"]
    with torch.compiler.config.patch(force_disable_caches=False):
        result = run_inside("benchmark.py", *command)
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [row["case"] for row in rows] == [
        "fp32", "fp32 + data", "fp32 slim", "compile fp32", "fp32 hybrid",
    ]  # fmt: skip
    assert result.stdout.count("(cold)") == 1
    assert re.search(r"compile fp32: \d+ s until the first step was done \(cold\)", result.stdout)


def test_it_says_where_bf16_is_not_worth_while_and_who_else_is_at_work(
    run_inside: Run,
    tiny: list[str],
    asked: list[tuple[BenchmarkSettings, Variant]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr(os, "getloadavg", lambda: (3.14, 0.0, 0.0))
    result = run_inside("benchmark.py", *tiny, "--rounds", "1")
    assert result.returncode == 0, result.stderr
    assert "measuring float32 alone" in result.stdout
    assert "avx512_bf16 no" in result.stdout
    assert "other work is running here (load 3.1)" in result.stdout


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--batch", "0"], "--batch"),
        (["--rounds", "0"], "--rounds"),
        (["--width", "-1"], "--width"),
        (["--steps", "0"], "--steps"),
        (["--peak-tflops", "nan"], "--peak-tflops"),
        (["--size", "8"], "--size"),
        (["--workers", "-1"], "--workers"),
        (["--style", "vermeer"], "vermeer"),
        (["--photos", "nowhere"], "nowhere"),
        (["--photos", "empty"], "no photos"),
        (["--device", "abacus"], "abacus"),
        (["--weights", "auto"], "download"),
        (["--weights", "vgg.bin"], "safetensors"),
        (["--json", "nowhere/rows.json"], "nowhere"),
        (["--json", "empty"], "folder"),
    ],
)
def test_a_mistake_ends_in_one_clear_line_before_the_work(
    run_inside: Run,
    tiny: list[str],
    asked: list[tuple[BenchmarkSettings, Variant]],
    tmp_path: Path,
    change: list[str],
    says: str,
) -> None:
    (tmp_path / "empty").mkdir()
    result = run_inside("benchmark.py", *tiny, *change)
    numbers = ("--batch", "--rounds", "--width", "--steps", "--peak-tflops", "--size", "--workers")
    assert result.returncode == (2 if says in numbers else 1)  # 2: seen by the parser
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert asked == []
