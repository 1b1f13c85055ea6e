"""Against hand-made curves and recomputed losses; and what is kept on disk."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.metrics
import torch
from comparisons import ITERATIONS, make_comparison, read
from support import make_photo
from torch import Tensor

import fst.evaluation.compare
from fst.errors import DivergedError, InputError
from fst.evaluation import timing
from fst.evaluation.artifacts import measure_artifacts
from fst.evaluation.compare import Comparison, compare, equivalent_iterations
from fst.image.io import load_image
from fst.image.picture import resize
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize


@pytest.fixture
def optimized(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The starts of every optimization that is really computed."""
    starts: list[str] = []

    def counted(loss: PerceptualLoss, photo: Tensor, **settings: Any) -> Any:
        starts.append(str(settings["init"]))
        return optimize(loss, photo, **settings)

    monkeypatch.setattr(fst.evaluation.compare, "optimize", counted)
    return starts


ONE_PHOTO = ["photo", "noise"]


# --- equivalent iterations -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objectives", "target", "expected"),
    [
        ([10.0, 8.0, 4.0, 2.0], 6.0, (1.5, True)),  # half way from 8 to 4
        ([10.0, 8.0, 4.0, 2.0], 9.5, (0.25, True)),
        ([10.0, 8.0, 4.0, 2.0], 8.0, (1.0, True)),  # exactly at an iterate
        ([10.0, 8.0, 4.0, 2.0], 2.0, (3.0, True)),  # exactly at the last
        ([10.0, 8.0, 4.0, 2.0], 10.0, (0.0, True)),  # the start is as good
        ([10.0, 8.0, 4.0, 2.0], 11.0, (0.0, True)),  # the start is better
        ([10.0, 8.0, 4.0, 2.0], 1.0, (3.0, False)),  # never reached
        ([10.0, 5.0, 9.0, 7.0, 3.0], 4.0, (3.5, True)),  # the best so far, 5, to 3
        ([10.0, 5.0, 9.0, 7.0, 3.0], 6.0, (0.8, True)),  # the first time counts
        ([10.0, 5.0, 9.0, 7.0], 4.0, (3.0, False)),
        ([10.0], 4.0, (0.0, False)),
        ([4.0], 4.0, (0.0, True)),
    ],
)
def test_equivalent_iterations_of_hand_made_curves(
    objectives: list[float], target: float, expected: tuple[float, bool]
) -> None:
    iterations, reached = equivalent_iterations(objectives, target)
    assert iterations == pytest.approx(expected[0])
    assert reached is expected[1]


def test_equivalent_iterations_are_where_the_best_so_far_crosses_the_target() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        curve = draw.uniform(1, 10, size=12)
        best = np.minimum.accumulate(curve)
        target = draw.uniform(best[-1], best[0])
        where, reached = equivalent_iterations(curve.tolist(), target)
        assert reached
        assert np.interp(where, np.arange(12), best) == pytest.approx(target)
        assert (best[: math.ceil(where)] > target).all()


# --- one photo -----------------------------------------------------------------------------------


@pytest.fixture
def entry(comparison: Comparison, photos: list[Path], tmp_path: Path) -> dict[str, Any]:
    (found,) = compare(comparison, photos[:1], tmp_path / "report")
    return found


def test_an_entry_has_the_figures_of_the_report(entry: dict[str, Any]) -> None:
    assert (entry["name"], entry["width"], entry["height"]) == ("one.png", 24, 20)
    assert set(entry["fast"]) == {"objective", "content", "style", "tv", "seconds"}
    assert set(entry["optimized"]) == {"photo", "noise"}
    for figures in entry["optimized"].values():
        assert set(figures) == {
            "objectives",
            "seconds_per_iteration",
            "equivalent_iterations",
            "reached",
        }
        assert len(figures["objectives"]) == ITERATIONS + 1
        assert figures["seconds_per_iteration"] > 0
    assert set(entry["speedup"]) == {"at_500", "equal_objective"}
    assert set(entry["ssim_with_photo"]) == {"fast", "optimized"}
    assert {"photo", "fast", "end_photo", "end_noise"} <= set(entry["pictures"])


def test_the_fast_objective_is_the_loss_of_the_nets_output(
    entry: dict[str, Any], comparison: Comparison, tmp_path: Path
) -> None:
    photo = torch.from_numpy(read(tmp_path / "report" / entry["pictures"]["photo"]))
    photo = photo.permute(2, 0, 1)[None].float()
    loss = comparison.loss
    with torch.no_grad():
        painted = comparison.stylizer.style.net(photo)
        terms = loss(painted, loss.content_targets(photo))
        at_the_photo = float(loss(photo, loss.content_targets(photo)).total)
    fast = entry["fast"]  # of the photo before it was rounded to 8 bits
    assert fast["objective"] == pytest.approx(float(terms.total), rel=0.01)
    for name in ("content", "style", "tv"):
        assert fast[name] == pytest.approx(float(getattr(terms, name)), rel=0.02)
    assert fast["objective"] == pytest.approx(fast["content"] + fast["style"] + fast["tv"])
    start = entry["optimized"]["photo"]["objectives"][0]
    assert start == pytest.approx(at_the_photo, rel=0.01)


def test_speedups_follow_from_the_times_and_iterations(entry: dict[str, Any]) -> None:
    figures = entry["optimized"]["photo"]
    ratio = figures["seconds_per_iteration"] / entry["fast"]["seconds"]
    assert entry["speedup"]["at_500"] == pytest.approx(500 * ratio)
    expected = figures["equivalent_iterations"] * ratio
    assert entry["speedup"]["equal_objective"] == pytest.approx(expected)


def test_the_ssim_is_that_of_scikit_image(entry: dict[str, Any], tmp_path: Path) -> None:
    pictures = {name: read(tmp_path / "report" / p) for name, p in entry["pictures"].items()}
    # torchmetrics mirrors the border and averages over all pixels; scikit-image leaves the border
    # out, so that it gets the same pixels from pictures that are mirrored beforehand
    mirrored = {
        name: np.pad(picture, ((5, 5), (5, 5), (0, 0)), mode="reflect")
        for name, picture in pictures.items()
    }
    for name, picture in (("fast", "fast"), ("optimized", "end_photo")):
        expected = skimage.metrics.structural_similarity(
            mirrored["photo"], mirrored[picture], data_range=1.0, channel_axis=2,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )  # fmt: skip
        assert entry["ssim_with_photo"][name] == pytest.approx(expected, abs=0.005)


def test_every_picture_is_written_at_the_size_of_the_comparison(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    for name, path in entry["pictures"].items():
        assert read(tmp_path / "report" / path).shape == (20, 24, 3), name


def test_the_picture_of_equal_objective_is_the_first_that_is_as_good(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    (entry,) = compare(replace(comparison, iterations=12), photos[:1], tmp_path / "report")
    figures, target = entry["optimized"]["noise"], entry["fast"]["objective"]
    assert figures["reached"], "the test's net is too good: give it another seed"
    index = next(i for i, value in enumerate(figures["objectives"]) if value <= target)
    assert index - 1 < figures["equivalent_iterations"] <= index
    photo = torch.from_numpy(read(tmp_path / "report" / entry["pictures"]["photo"]))
    photo = photo.permute(2, 0, 1)[None].float()
    picture = torch.from_numpy(read(tmp_path / "report" / entry["pictures"]["equal_noise"]))
    loss = comparison.loss
    with torch.no_grad():
        terms = loss(picture.permute(2, 0, 1)[None].float(), loss.content_targets(photo))
    # up to the rounding and clamping of the file
    assert float(terms.total) == pytest.approx(figures["objectives"][index], rel=0.1)


def test_progress_is_told_for_every_photo_start_and_iteration(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    told: list[tuple[str, str, int]] = []

    def note(path: Path, start: str, iteration: int) -> None:
        told.append((path.name, start, iteration))

    list(compare(comparison, photos, tmp_path / "report", note))
    assert told == [
        (name, start, i)
        for name in ("one.png", "two.png")
        for start in ("photo", "noise")
        for i in range(ITERATIONS + 1)
    ]


# --- what is kept --------------------------------------------------------------------------------


def test_a_second_run_computes_nothing_and_says_the_same(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    first = list(compare(comparison, photos, tmp_path / "report"))
    assert optimized == ONE_PHOTO * 2
    assert list(compare(comparison, photos, tmp_path / "report")) == first
    assert optimized == ONE_PHOTO * 2


def test_an_interrupted_run_goes_on_where_it_was(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    entries = compare(comparison, photos, tmp_path / "report")
    first = next(entries)
    del entries
    again = list(compare(comparison, photos, tmp_path / "report"))
    assert again[0] == first
    assert again[1]["name"] == "two.png"
    assert optimized == ONE_PHOTO * 2


@pytest.mark.parametrize(
    "change", ["size", "iterations", "seed", "net", "margin", "weight", "painting"]
)
def test_another_net_or_setting_is_computed_anew(
    random_loss: PerceptualLoss,
    photos: list[Path],
    tmp_path: Path,
    optimized: list[str],
    change: str,
) -> None:
    before = make_comparison(random_loss)
    same, other = (  # the first is the fixture's
        torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)
    )
    layers: dict[str, Any] = {
        "content_layers": {"relu2_2": 1.0},
        "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0},
        "weights": "random",
    }
    after = {
        "size": lambda: replace(before, size=20),
        "iterations": lambda: replace(before, iterations=2),
        "seed": lambda: replace(before, seed=1),
        "net": lambda: make_comparison(random_loss, seed=1),
        "margin": lambda: make_comparison(random_loss, margin=8),
        "weight": lambda: replace(before, loss=PerceptualLoss(same, style_weight=9.0, **layers)),
        "painting": lambda: replace(before, loss=PerceptualLoss(other, **layers)),
    }[change]()
    (first,) = compare(before, photos[:1], tmp_path / "report")
    (second,) = compare(after, photos[:1], tmp_path / "report")
    assert optimized == ONE_PHOTO * 2
    figures = [
        (e["fast"]["objective"], e["optimized"]["noise"]["objectives"]) for e in (first, second)
    ]
    assert figures[0] != figures[1]


@pytest.mark.parametrize(
    "change", ["backend", "machine", "precision", "threads", "torch", "device"]
)
def test_figures_taken_under_other_conditions_are_computed_anew(
    comparison: Comparison,
    photos: list[Path],
    tmp_path: Path,
    optimized: list[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    """Else the medians of one report would mix them."""
    list(compare(comparison, photos[:1], tmp_path / "report"))
    before = comparison.settings()
    if change == "backend":
        comparison.stylizer.backend = "openvino"
    elif change == "precision":
        comparison.stylizer.dtype = torch.bfloat16
    elif change == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 96)
    elif change == "torch":
        monkeypatch.setattr(torch, "__version__", "1.0")
    elif change == "machine":
        monkeypatch.setattr(timing, "machine", lambda device: "another one")
    else:  # what is asked for; the photo then still goes to this machine's own
        others = dict(before, device="cuda")
        monkeypatch.setattr(Comparison, "settings", lambda self: others)
    assert comparison.settings()[change] != before[change]
    list(compare(comparison, photos[:1], tmp_path / "report"))
    assert optimized == ONE_PHOTO * 2


def test_another_photo_of_the_same_name_is_computed_anew(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    (first,) = compare(comparison, photos[:1], tmp_path / "report")
    make_photo(48, 40, seed=9).save(photos[0])
    (second,) = compare(comparison, photos[:1], tmp_path / "report")
    assert optimized == ONE_PHOTO * 2
    assert second["fast"]["objective"] != first["fast"]["objective"]


def test_the_last_comparisons_pictures_stay_while_another_one_runs(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    """Else the page that is still there would show them with figures of its own."""
    (first,) = compare(comparison, photos[:1], tmp_path / "report")
    files = [tmp_path / "report" / name for name in first["pictures"].values()]
    before = [file.read_bytes() for file in files]
    (second,) = compare(replace(comparison, size=20), photos[:1], tmp_path / "report")
    assert [file.read_bytes() for file in files] == before
    assert set(first["pictures"].values()).isdisjoint(second["pictures"].values())
    assert list(compare(comparison, photos[:1], tmp_path / "report")) == [first]
    assert optimized == ONE_PHOTO * 2


@pytest.mark.parametrize("names", [("x/a.png", "y/a.png"), ("a.png", "a.jpg")])
def test_photos_of_one_name_keep_apart(
    comparison: Comparison, tmp_path: Path, optimized: list[str], names: tuple[str, str]
) -> None:
    paths = []
    for seed, name in enumerate(names):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make_photo(24, 20, seed=seed).save(path)
        paths.append(path)
    first, second = compare(comparison, paths, tmp_path / "report")
    assert second["fast"]["objective"] != first["fast"]["objective"]
    assert set(first["pictures"].values()).isdisjoint(second["pictures"].values())
    assert list(compare(comparison, paths, tmp_path / "report")) == [first, second]
    assert optimized == ONE_PHOTO * 2


@pytest.mark.parametrize(
    "content",
    [b"", b'{"key": "half', b"\xff\xfe\x00binary", b"null", b"[]", b'{"pictures": null}'],
    ids=["empty", "half", "binary", "null", "list", "fields"],
)
def test_a_damaged_entry_is_computed_anew(
    comparison: Comparison, photos: list[Path], tmp_path: Path, content: bytes
) -> None:
    (first,) = compare(comparison, photos[:1], tmp_path / "report")
    (file,) = (tmp_path / "report" / "photos").iterdir()
    file.write_bytes(content)
    (second,) = compare(comparison, photos[:1], tmp_path / "report")
    assert second["fast"]["objective"] == first["fast"]["objective"]
    assert json.loads(file.read_text(encoding="utf-8"))["name"] == "one.png"


def test_an_entry_whose_picture_is_gone_is_computed_anew(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    (entry,) = compare(comparison, photos[:1], tmp_path / "report")
    picture = tmp_path / "report" / entry["pictures"]["fast"]
    picture.unlink()
    list(compare(comparison, photos[:1], tmp_path / "report"))
    assert picture.exists()
    assert optimized == ONE_PHOTO * 2


def test_photos_that_cannot_be_compared_are_told_and_left_out(
    comparison: Comparison, photos: list[Path], tmp_path: Path, optimized: list[str]
) -> None:
    broken, thin = tmp_path / "broken.jpg", tmp_path / "thin.png"
    broken.write_bytes(b"no picture")
    make_photo(200, 20).save(thin)
    told: list[tuple[str, str]] = []

    def note(path: Path, problem: Exception) -> None:
        told.append((path.name, str(problem)))

    mixed = [photos[0], broken, tmp_path / "gone.png", thin, photos[1]]
    entries = list(compare(comparison, mixed, tmp_path / "report", on_problem=note))
    assert [entry["name"] for entry in entries] == ["one.png", "two.png"]
    assert [name for name, _ in told] == ["broken.jpg", "gone.png", "thin.png"]
    for name, reason in told:
        assert name in reason
    assert optimized == ONE_PHOTO * 2
    with pytest.raises(InputError, match=r"broken\.jpg"):
        list(compare(comparison, mixed, tmp_path / "report"))


def test_an_objective_that_is_not_finite_leaves_a_photo_out(
    comparison: Comparison, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverges(loss: PerceptualLoss, photo: Tensor, **settings: Any) -> Any:
        if photo.shape[2] > photo.shape[3]:
            raise DivergedError("the objective is no longer finite")
        return optimize(loss, photo, **settings)

    monkeypatch.setattr(fst.evaluation.compare, "optimize", diverges)
    told = []
    entries = list(
        compare(comparison, photos, tmp_path / "report", on_problem=lambda p, _: told.append(p))
    )
    assert ([entry["name"] for entry in entries], told) == (["one.png"], photos[1:])


def test_a_photo_with_a_name_of_255_bytes_has_pictures(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    path = photos[0].rename(photos[0].with_name("n" * 251 + ".png"))
    (entry,) = compare(comparison, [path], tmp_path / "report")
    assert all((tmp_path / "report" / file).is_file() for file in entry["pictures"].values())


def test_artifacts_are_measured_from_96_pixels_on(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    (small,) = compare(comparison, photos[:1], tmp_path / "small")
    assert small["artifacts"] is None
    large = replace(comparison, size=132, iterations=1)
    make_photo(160, 120).save(tmp_path / "large.png")
    (entry,) = compare(large, [tmp_path / "large.png"], tmp_path / "large")
    photo = resize(load_image(tmp_path / "large.png"), 132).rgb
    assert entry["artifacts"] == measure_artifacts(large.stylizer.painter, photo)._asdict()


def test_a_comparison_may_end_where_both_are_equal(
    comparison: Comparison, photos: list[Path], tmp_path: Path
) -> None:
    long = replace(comparison, iterations=40)
    (whole,) = compare(long, photos[:1], tmp_path / "whole")
    (short,) = compare(replace(long, until_equal=True), photos[:1], tmp_path / "short")
    for start in ("photo", "noise"):
        full, part = whole["optimized"][start], short["optimized"][start]
        assert part["equivalent_iterations"] == pytest.approx(full["equivalent_iterations"])
        assert part["reached"] == full["reached"]
        count = len(part["objectives"])
        assert part["objectives"] == pytest.approx(full["objectives"][:count])
        if part["reached"]:
            assert count == math.ceil(part["equivalent_iterations"]) + 1 < 41
    assert short["optimized"]["noise"]["reached"]
