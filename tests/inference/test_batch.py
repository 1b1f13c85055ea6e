"""fst.inference.batch: photos one after the other; one that is bad does not stop the others."""

import errno
import signal
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from support import make_photo
from torch import Tensor

from fst.errors import DivergedError, FstWarning, InputError
from fst.image.picture import Picture
from fst.inference import batch, masks, targets
from fst.inference.batch import Outcome, run
from fst.inference.control import Control, Layer
from fst.inference.optimizing import (
    OnIterate,
    OptimizingStylizer,
)
from fst.inference.stylizers import FeedForwardStylizer
from fst.inference.targets import Job
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.optimization.pixels import Iterate
from fst.styles.trained import TrainedStyle
from fst.system import signals


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the test's own folder."""
    monkeypatch.chdir(tmp_path)


def photo(path: str | Path, width: int = 24, height: int = 20, seed: int = 0) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    make_photo(width, height, seed).save(path)
    return path


def plan(inputs: list[Path], output: Path, style: str) -> list[Job]:
    return targets.plan(inputs, output, style).jobs


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def invert(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
    """A stylizer that paints the negative."""
    return 1 - rgb


negative: Any = invert


# --- runs ----------------------------------------------------------------------------------------


def test_a_broken_photo_is_reported_and_the_others_are_painted() -> None:
    for i, name in enumerate(("in/a.png", "in/b.png", "in/c.png")):
        photo(name, seed=i)
    Path("in/b.png").write_bytes(b"not a picture")
    jobs = plan([Path("in")], Path("out"), "monet")
    outcomes = sorted(run(jobs, negative), key=lambda outcome: jobs.index(outcome.job))
    assert [outcome.job for outcome in outcomes] == jobs
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert "b.png" in str(outcomes[1].error)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a-monet.png", "c-monet.png"]
    for name in "ac":
        painted = pixels(Path(f"out/{name}-monet.png"))
        np.testing.assert_array_equal(painted, 255 - pixels(Path(f"in/{name}.png")))


def test_a_photo_that_vanished_is_reported() -> None:
    jobs = plan([photo("a.png"), photo("b.png")], Path("out"), "monet")
    Path("a.png").unlink()
    first, second = run(jobs, negative)
    assert "a.png" in str(first.error)
    assert second == Outcome(jobs[1])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("size", [(24, 20), (17, 31)])
def test_a_nets_picture_has_the_photos_size(suffix: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    style = TrainedStyle(JohnsonNet(width=4, residual_blocks=1), {})
    jobs = plan([photo(f"me.{suffix}", *size)], Path("out"), "monet")
    (outcome,) = run(jobs, FeedForwardStylizer(style, torch.device("cpu")))
    assert outcome.error is None
    with Image.open(f"out/me-monet.{suffix}") as painted:
        assert painted.size == size
        assert painted.mode == "RGB"


def test_a_rotated_photo_is_painted_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    stored = make_photo(24, 20)
    stored.save("me.png", exif=exif)
    (outcome,) = run(plan([Path("me.png")], Path("out.png"), "monet"), negative)
    assert outcome.error is None
    upright = np.rot90(np.asarray(stored), -1)
    np.testing.assert_array_equal(pixels(Path("out.png")), 255 - upright)
    with Image.open("out.png") as painted:
        assert 0x0112 not in painted.getexif()  # else it would be turned again


@pytest.mark.parametrize(
    ("photos", "size", "expected"),
    [((48, 40), 24, (24, 20)), ((40, 48), 24, (20, 24)), ((24, 20), 48, (48, 40))],
)
def test_a_size_is_that_of_the_long_side(
    photos: tuple[int, int], size: int, expected: tuple[int, int]
) -> None:
    seen: list[tuple[int, ...]] = []

    def watched(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        seen.append(tuple(rgb.shape))
        return rgb

    stylizer: Any = watched
    (outcome,) = run(
        plan([photo("me.png", *photos)], Path("out.png"), "m"), stylizer, Control(size=size)
    )
    assert outcome.error is None
    with Image.open("out.png") as painted:
        assert painted.size == expected
    assert seen == [(1, 3, expected[1], expected[0])]  # the work is done at that size too


@pytest.mark.parametrize("size", [None, 24])
def test_transparency_is_kept(size: int | None) -> None:
    picture = make_photo(48, 40).convert("RGBA")
    alpha = np.zeros((40, 48), np.uint8)
    alpha[:, 24:] = 255
    picture.putalpha(Image.fromarray(alpha))
    picture.save("me.png")
    (outcome,) = run(plan([Path("me.png")], Path("out.png"), "m"), negative, Control(size=size))
    assert outcome.error is None
    painted = pixels(Path("out.png"))
    if size is None:
        np.testing.assert_array_equal(painted[..., 3], alpha)
        seen = 255 - np.asarray(picture)[:, 24:, :3]
        np.testing.assert_array_equal(painted[:, 24:, :3], seen)
    else:
        assert painted.shape == (20, 24, 4)
        assert painted[:, :9, 3].max() < 10
        assert painted[:, -9:, 3].min() > 245


def test_an_icc_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    make_photo(24, 20).save("me.jpg", icc_profile=profile)
    (outcome,) = run(plan([Path("me.jpg")], Path("out.png"), "m"), negative)
    assert outcome.error is None
    with Image.open("out.png") as painted:
        assert painted.info["icc_profile"] == profile


def test_quality_is_that_of_the_file() -> None:
    source = photo("me.png", 48, 40)
    for quality in (10, 95):
        (outcome,) = run(plan([source], Path(f"{quality}.jpg"), "m"), negative, quality=quality)
        assert outcome.error is None
    assert Path("10.jpg").stat().st_size < Path("95.jpg").stat().st_size


def test_a_photo_over_the_limit_of_pixels_is_reported() -> None:
    jobs = plan([photo("large.png", 40, 30), photo("small.png", 20, 20)], Path("out"), "m")
    large, small = run(jobs, negative, max_pixels=1000)
    assert "--max-pixels" in str(large.error)
    assert small.error is None


@pytest.mark.parametrize(
    ("target", "options", "fits"),
    [
        ("a.webp", {}, False),
        ("a.webp", {"size": 8000}, True),
        ("a.webp", {"size": 8000, "upsample": "bicubic"}, False),
        ("a.webp", {"size": 17001}, False),
        ("a.jpg", {}, True),
        ("a.jpg", {"size": 65501}, False),
        ("a.png", {}, True),
    ],
)
def test_a_result_too_large_for_its_format_is_refused_before_it_is_painted(
    target: str, options: dict[str, Any], fits: bool
) -> None:
    """And the others are painted."""
    Image.new("RGB", (17000, 2)).save("wide.png")
    painted: list[int] = []

    def paint(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        painted.append(rgb.shape[3])
        return rgb

    stylizer: Any = paint
    jobs = [Job(Path("wide.png"), Path(target)), Job(Path("wide.png"), Path("b.png"))]
    outcomes = {outcome.job: outcome.error for outcome in run(jobs, stylizer, Control(**options))}
    assert outcomes[jobs[1]] is None
    assert Path(target).exists() == fits
    assert len(painted) == 1 + fits
    assert fits or all(
        f in str(outcomes[jobs[0]]) for f in ("wide.png", target, "PNG", "too large")
    )


def test_a_photo_from_a_stream_goes_to_a_stream() -> None:
    source, out = BytesIO(photo("me.png").read_bytes()), BytesIO()
    Path("me.png").unlink()
    job = Job(Path("stdin"), Path("stdout.tif"), source, out)
    assert [outcome.error for outcome in run([job], negative)] == [None]
    assert list(Path().iterdir()) == []
    with Image.open(out) as image:
        assert image.format == "TIFF"
        np.testing.assert_array_equal(np.asarray(image), 255 - np.asarray(make_photo(24, 20)))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0"])
def test_a_stream_that_is_no_picture_is_told_by_its_name(content: bytes) -> None:
    job = Job(Path("stdin"), Path("stdout.png"), BytesIO(content), BytesIO())
    (outcome,) = run([job], negative)
    assert str(outcome.error).startswith("stdin")


def test_iterates_are_told_with_their_photo(random_loss: PerceptualLoss) -> None:
    stylizer = OptimizingStylizer(random_loss, torch.device("cpu"), {"iterations": 2})
    jobs = plan([photo("a.png"), photo("b.png", seed=1)], Path("out"), "m")
    seen: list[tuple[str, int]] = []

    def note(job: Job, iterate: Iterate, picture: Picture) -> None:
        assert picture.size == (24, 20)
        seen.append((job.source.name, iterate.iteration))

    assert [outcome.error for outcome in run(jobs, stylizer, on_iterate=note)] == [None, None]
    assert seen == [(name, i) for name in ("a.png", "b.png") for i in range(3)]


def test_an_optimization_is_told_of_before_the_next_one_begins(
    random_loss: PerceptualLoss,
) -> None:
    """A bar that counts iterates and outcomes goes once from 0 to the end."""
    stylizer = OptimizingStylizer(random_loss, torch.device("cpu"), {"iterations": 2})
    sources = [photo(f"{i}.png", seed=i) for i in range(4)]
    sources[1].write_bytes(b"no picture")
    jobs = plan(sources, Path("out"), "m")
    events: list[tuple[str, int | str]] = []

    def note(job: Job, iterate: Iterate, picture: Picture) -> None:
        events.append((job.source.stem, iterate.iteration))

    for outcome in run(jobs, stylizer, on_iterate=note):
        assert outcome.error is not None or outcome.job.target.exists()
        events.append((outcome.job.source.stem, "failed" if outcome.error else "written"))
    steps = (0, 1, 2, "written")
    assert events == [
        *(("0", step) for step in steps), ("1", "failed"),
        *(("2", step) for step in steps), *(("3", step) for step in steps),
    ]  # fmt: skip


def test_an_error_is_told_before_the_next_photo_is_painted() -> None:
    sources = [photo(f"{i}.png", seed=i) for i in range(4)]
    sources[0].write_bytes(b"no picture")
    painted: list[float] = []

    def paint(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        painted.append(float(rgb.mean()))
        return rgb

    stylizer: Any = paint
    outcomes = run(plan(sources, Path("out"), "m"), stylizer)
    first = next(outcomes)
    assert first.error is not None
    assert "0.png" in first.error
    assert painted == []
    assert [outcome.error for outcome in outcomes] == [None] * 3


def test_a_mask_is_read_once_for_all_photos_of_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [photo(f"{i}.png", 40 + i // 2, 30, seed=i) for i in range(4)]
    Image.new("L", (40, 30), 255).save("mask.png")
    reads: list[Path] = []
    load = masks.load_image

    def counted(path: Path, *limits: int) -> Picture:
        reads.append(path)
        return load(path, *limits)

    monkeypatch.setattr(masks, "load_image", counted)
    layers = [Layer(negative, Path("mask.png"))]
    with pytest.warns(FstWarning, match="resized"):
        outcomes = list(run(plan(sources, Path("out"), "m"), layers))
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert reads == [Path("mask.png")]


def test_the_limit_of_pixels_is_that_of_masks_too() -> None:
    jobs = plan([photo("small.png", 20, 20)], Path("out"), "m")
    Image.new("L", (40, 30), 255).save("mask.png")
    with pytest.raises(InputError, match=r"mask\.png.*--max-pixels"):
        list(run(jobs, [Layer(negative, Path("mask.png"))], max_pixels=1000))


# --- what goes wrong -----------------------------------------------------------------------------


class Failing:
    """A stylizer that fails on its first photo."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error

    def __call__(self, rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        error, self.error = self.error, None
        if error is not None:
            raise error
        return rgb


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DivergedError("the objective is not finite"), "not finite"),
        (RuntimeError("CUDA out of memory. Tried to allocate 3 GiB"), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory"),
        (MemoryError(), "out of memory"),
        (InputError("a 30x4 picture is too small"), "too small"),
    ],
    ids=["diverged", "gpu memory", "cpu memory", "python memory", "too small"],
)
def test_a_photo_that_fails_is_reported_by_name_and_the_rest_continue(
    error: Exception, told: str
) -> None:
    stylizer: Any = Failing(error)
    jobs = plan([photo("a.png"), photo("b.png")], Path("out"), "m")
    first, second = run(jobs, stylizer)
    assert told in str(first.error)
    assert "a.png" in str(first.error)
    assert second.error is None
    assert [path.name for path in Path("out").iterdir()] == ["b-m.png"]


def test_a_bug_is_not_mistaken_for_a_bad_photo() -> None:
    stylizer: Any = Failing(RuntimeError("shapes cannot be multiplied"))
    jobs = plan([photo("a.png"), photo("b.png")], Path("out"), "m")
    with pytest.raises(RuntimeError, match="multiplied"):
        list(run(jobs, stylizer))


def test_a_full_disk_is_reported_and_leaves_no_half_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(self: Image.Image, file: Path, **options: object) -> None:
        Path(file).write_bytes(b"half a pic")
        raise OSError(errno.ENOSPC, "No space left on device")

    jobs = plan([photo("a.png")], Path("out"), "m")
    monkeypatch.setattr(Image.Image, "save", full)
    (outcome,) = run(jobs, negative)
    assert "No space left on device" in str(outcome.error)
    assert "a-m.png" in str(outcome.error)
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize("method", ["feedforward", "optimize"])
def test_a_photo_that_is_narrow_at_its_size_is_painted(
    random_loss: PerceptualLoss, method: str
) -> None:
    """A panorama of 120x16 pixels has four rows left at a size of 32."""
    device = torch.device("cpu")
    stylizer: Any = OptimizingStylizer(random_loss, device, {"iterations": 1})
    if method == "feedforward":
        style = TrainedStyle(JohnsonNet(width=4, residual_blocks=1), {})
        stylizer = FeedForwardStylizer(style, device)
    jobs = plan([photo("wide.png", 120, 16), photo("square.png", 20, 20)], Path("out"), "m")
    outcomes = list(run(jobs, stylizer, Control(size=32)))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert [pixels(job.target).shape for job in jobs] == [(4, 32, 3), (32, 32, 3)]


# --- many photos ---------------------------------------------------------------------------------


def test_the_next_photo_is_read_and_the_last_one_written_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Painting the second photo waits until the third is read and the first is written."""
    jobs = plan([photo(f"{i}.png", seed=i) for i in range(4)], Path("out"), "m")
    third_is_read = threading.Event()
    load = batch.load_image

    def watched(path: Path, *limits: int) -> Picture:
        picture = load(path, *limits)
        if path.name == "2.png":
            third_is_read.set()
        return picture

    monkeypatch.setattr(batch, "load_image", watched)
    seen = 0

    def paint(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        nonlocal seen
        seen += 1
        if seen == 2:
            assert third_is_read.wait(10)
            for _ in range(1000):
                if jobs[0].target.exists():
                    break
                time.sleep(0.01)
            assert jobs[0].target.exists()
        return 1 - rgb

    stylizer: Any = paint
    assert [outcome.error for outcome in run(jobs, stylizer)] == [None] * 4
    assert [outcome.job for outcome in run(jobs, stylizer, overwrite=True)] == jobs


@pytest.mark.parametrize("broken", [{0}, {1}, {3}, {1, 2}, {0, 1, 2, 3}])
def test_broken_photos_are_named_and_the_others_painted_right(broken: set[int]) -> None:
    sources = [photo(f"{i}.png", seed=i) for i in range(4)]
    for i in broken:
        sources[i].write_bytes(b"no picture")
    jobs = plan(sources, Path("out"), "m")
    found = {outcome.job: outcome for outcome in run(jobs, negative)}  # errors come at once
    outcomes = [found[job] for job in jobs]
    for i, (outcome, source) in enumerate(zip(outcomes, sources, strict=True)):
        assert outcome.job.source == source
        if i in broken:
            assert outcome.error is not None
            assert f"{i}.png" in outcome.error
            assert not outcome.job.target.exists()
        else:
            assert outcome.error is None
            assert np.array_equal(pixels(outcome.job.target), 255 - pixels(source))


def test_stopping_leaves_whole_pictures_only() -> None:
    jobs = plan([photo(f"{i}.png") for i in range(6)], Path("out"), "m")
    seen = 0

    def interrupted(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt
        return 1 - rgb

    stylizer: Any = interrupted
    with pytest.raises(KeyboardInterrupt):
        list(run(jobs, stylizer))
    written = list(Path("out").iterdir())
    assert written
    for path in written:
        assert np.array_equal(pixels(path), 255 - pixels(Path(path.name.replace("-m", ""))))


def test_a_photo_is_not_blamed_for_a_request_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        monkeypatch.setattr(signals._process, "asked", signal.SIGTERM)
        raise InputError("out of memory, or so it seems")

    jobs = plan([photo(f"{i}.png") for i in range(2)], Path("out"), "m")
    with pytest.raises(KeyboardInterrupt):
        list(run(jobs, broken))  # type: ignore[arg-type]


def test_what_appears_while_a_photo_is_painted_is_not_replaced() -> None:
    """The work is not lost either: it lies beside."""
    (job,) = plan([photo("me.png")], Path("out"), "m")

    def paint(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        for path in (job.target, job.target.with_name("me-m-2.png")):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"somebody else's")
        return 1 - rgb

    stylizer: Any = paint
    (outcome,) = run([job], stylizer)
    assert "out/me-m.png" in str(outcome.error)
    assert "out/me-m-3.png" in str(outcome.error)
    assert job.target.read_bytes() == b"somebody else's"
    assert np.array_equal(pixels(Path("out/me-m-3.png")), 255 - pixels(Path("me.png")))
    assert len(list(Path("out").iterdir())) == 3


def test_two_of_the_same_command_at_once_paint_one_picture() -> None:
    (job,) = plan([photo("me.png")], Path("out"), "m")

    def record(job: Job, digest: str) -> dict[str, Any]:
        return {"format": 1, "photo": {"sha256": digest}, "styles": [], "settings": {}}

    def paint(rgb: Tensor, watch: OnIterate | None = None) -> Tensor:
        if not job.target.exists():  # the other one is quicker
            assert [outcome.error for outcome in run([job], negative, record=record)] == [None]
        return 1 - rgb

    stylizer: Any = paint
    assert [outcome.error for outcome in run([job], stylizer, record=record)] == [None]
    assert [path.name for path in Path("out").iterdir()] == ["me-m.png"]


def test_what_is_there_is_replaced_where_that_is_asked_for() -> None:
    (job,) = plan([photo("me.png")], Path("out.png"), "m")
    Path("out.png").write_bytes(b"before")
    assert [outcome.error for outcome in run([job], negative, overwrite=True)] == [None]
    assert np.array_equal(pixels(Path("out.png")), 255 - pixels(Path("me.png")))


def test_a_large_photo_is_written_before_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LARGE", 100)
    jobs = plan([photo(f"{i}.png") for i in range(3)], Path("out"), "m")
    load = batch.load_image

    def watched(path: Path, *limits: int) -> Picture:
        before = [job.target.exists() for job in jobs if job.source.name < path.name]
        assert all(before)
        return load(path, *limits)

    monkeypatch.setattr(batch, "load_image", watched)
    assert [outcome.error for outcome in run(jobs, negative)] == [None] * 3
