"""fst.inference.iterates: in a folder of their own, over nothing that is there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from torch import Tensor

from fst.assets import find_images
from fst.errors import FstWarning, InputError
from fst.image.picture import Picture
from fst.inference.batch import run
from fst.inference.control import Layer
from fst.inference.iterates import Counter, IterateFiles, check_iterates, iterates_folder
from fst.inference.masks import Mask
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.targets import Job
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.optimization.pixels import Iterate


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the test's own folder."""
    monkeypatch.chdir(tmp_path)


ZERO = torch.zeros(1)
TERMS = LossTerms(*(ZERO for _ in LossTerms._fields))


def step(iteration: int, value: float = 0.5, size: tuple[int, int] = (20, 24)) -> Iterate:
    """An iterate of one gray."""
    return Iterate(iteration, torch.full((1, 3, *size), value), TERMS)


def photo(alpha: Tensor | None = None) -> Picture:
    return Picture(torch.zeros(1, 3, 20, 24), alpha)


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def tree() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def job(target: str, source: str = "me.png") -> Job:
    return Job(Path(source), Path(target))


# --- every so often ------------------------------------------------------------------------------


def test_every_so_many_iterates_one_is_written_into_a_folder_of_its_own() -> None:
    files = IterateFiles(2)
    for i in range(6):
        files.see(job("out/me-m.png"), step(i, i / 10), photo())
    files.finished()
    assert tree() == [f"out/me-m.png.iterates/0000{i}.png" for i in (0, 2, 4)]
    assert (pixels("out/me-m.png.iterates/00004.png") == round(0.4 * 255)).all()


def test_without_a_number_none_is_written() -> None:
    IterateFiles(None).see(job("me-m.png"), step(0), photo())
    assert tree() == []


def test_an_iterate_has_the_photos_alpha_at_its_own_size() -> None:
    alpha = torch.zeros(1, 1, 20, 24)
    alpha[..., 12:] = 1
    files = IterateFiles(1)
    files.see(job("me-m.png"), step(0), photo(alpha))
    files.see(job("me-m.png"), step(1, size=(10, 12)), photo(alpha))
    large, small = (pixels(f"me-m.png.iterates/0000{i}.png") for i in (0, 1))
    np.testing.assert_array_equal(large[..., 3], alpha[0, 0].numpy() * 255)
    assert small.shape == (10, 12, 4)
    assert small[:, :4, 3].max() < 10
    assert small[:, -4:, 3].min() > 245


def test_iterates_of_several_styles_and_photos_are_kept_apart() -> None:
    files = IterateFiles(2)
    for source in ("a.png", "b.png"):
        for value in (0.2, 0.8):  # two styles, one after the other
            for i in range(3):
                files.see(job(f"out/{source}", source), step(i, value), photo())
        files.finished()
    names = ["00000.png", "00002.png", "style2-00000.png", "style2-00002.png"]
    assert tree() == [f"out/{one}.png.iterates/{name}" for one in "ab" for name in names]
    assert (pixels("out/b.png.iterates/00002.png") == round(0.2 * 255)).all()
    assert (pixels("out/b.png.iterates/style2-00002.png") == round(0.8 * 255)).all()


def test_iterates_of_an_optimization_end_at_its_picture(random_loss: PerceptualLoss) -> None:
    make_photo(24, 20).save("me.png")
    stylizer = OptimizingStylizer(random_loss, torch.device("cpu"), {"iterations": 3})
    mask = Mask(torch.ones(1, 1, 20, 24))
    files = IterateFiles(1)
    (outcome,) = run([job("me-m.png")], [Layer(stylizer, mask)], on_iterate=files.see)
    assert outcome.error is None
    folder = Path("me-m.png.iterates")
    assert sorted(os.listdir(folder)) == [f"0000{i}.png" for i in range(4)]
    np.testing.assert_array_equal(pixels(folder / "00000.png"), pixels("me.png"))
    np.testing.assert_array_equal(pixels(folder / "00003.png"), pixels("me-m.png"))


def test_an_iterate_that_cannot_be_written_does_not_end_the_work() -> None:
    """Somebody puts a file there meanwhile; or the disk is full."""
    folder = Path("me-m.png.iterates")
    folder.mkdir()
    (folder / "00002.png").write_bytes(b"of somebody")
    files = IterateFiles(2)
    files.see(job("me-m.png"), step(0), photo())
    with pytest.warns(FstWarning, match=r"no iterate is written: .*00002\.png"):
        files.see(job("me-m.png"), step(2), photo())
    files.see(job("me-m.png"), step(4), photo())
    assert (folder / "00002.png").read_bytes() == b"of somebody"
    assert sorted(os.listdir(folder)) == ["00000.png", "00002.png", "00004.png"]


def test_iterates_that_are_there_are_replaced_where_that_is_asked_for() -> None:
    folder = Path("me-m.png.iterates")
    folder.mkdir()
    (folder / "00000.png").write_bytes(b"of an earlier time")
    IterateFiles(2, overwrite=True).see(job("me-m.png"), step(0), photo())
    assert pixels(folder / "00000.png").shape == (20, 24, 3)


# --- before the work -----------------------------------------------------------------------------


def test_a_folder_of_iterates_that_holds_anything_is_refused_before_the_work() -> None:
    jobs = [job("out/a.png"), job("out/b.png")]
    check_iterates(jobs, [])
    folder = iterates_folder(jobs[1].target)
    folder.mkdir(parents=True)
    check_iterates(jobs, [])
    (folder / "notes.txt").touch()
    with pytest.raises(InputError, match=r"out/b\.png\.iterates.*--overwrite"):
        check_iterates(jobs, [])
    check_iterates(jobs, [], overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_left_alone(kind: str, overwrite: bool) -> None:
    folder = iterates_folder(Path("a.png"))
    folder.write_bytes(b"of somebody") if kind == "file" else folder.symlink_to("nowhere")
    with pytest.raises(InputError, match=r"a\.png\.iterates is no folder"):
        check_iterates([job("a.png")], [], overwrite)


@pytest.mark.parametrize("linked", [False, True])
def test_an_iterate_that_is_painted_or_a_mask_is_not_replaced(linked: bool) -> None:
    folder = iterates_folder(Path("a.png"))
    folder.mkdir()
    (folder / "00002.png").touch()
    Path("link").symlink_to(folder)
    mask = Path("link" if linked else folder, "00002.png")
    with pytest.raises(InputError, match=r"a\.png\.iterates holds one of the files"):
        check_iterates([job("a.png")], [mask], overwrite=True)


def test_stdout_has_no_room_for_iterates() -> None:
    stdout: Any = object()
    with pytest.raises(InputError, match="--output"):
        check_iterates([Job(Path("a.png"), Path("stdout.png"), None, stdout)], [])


# --- interrupted ---------------------------------------------------------------------------------


def test_an_interrupted_optimization_leaves_its_last_iterate() -> None:
    files = IterateFiles(None)
    assert files.save_last() is None
    for i in range(4):
        files.see(job("new/me-m.jpg"), step(i, i / 10), photo())
    path = Path("new/me-m.interrupted-00003.jpg")
    assert files.save_last() == (path, 3, Path("me.png"))
    assert abs(pixels(path).astype(int) - round(0.3 * 255)).max() <= 2
    second = Path("new/me-m.interrupted-00003-2.jpg")
    before = path.read_bytes()
    assert files.save_last() == (second, 3, Path("me.png"))
    assert path.read_bytes() == before


def test_the_longest_names_have_iterates_too() -> None:
    target = f"{'n' * 249}-m.png"
    files = IterateFiles(1)
    check_iterates([job(target)])
    for i in range(2):
        files.see(job(target), step(i), photo())
    left = [files.save_last(), files.save_last()]
    assert all(one is not None and one.path.is_file() for one in left)
    assert len(tree()) == 4
    assert not find_images(Path()).photos


def test_what_is_done_or_not_begun_leaves_nothing() -> None:
    files = IterateFiles(None)
    files.see(job("me-m.png"), step(0), photo())
    assert files.save_last() is None  # the photo itself
    files.see(job("me-m.png"), step(1), photo())
    assert files.save_last([Path("me-m.png")]) is None
    files.finished()
    assert files.save_last() is None
    assert tree() == []


# --- counted -------------------------------------------------------------------------------------


def test_iterations_are_counted_from_nothing_to_all() -> None:
    """Two styles, of 3 and 2 iterations, and one pass, in two photos."""
    counter = Counter(2, [3, 2, 1])
    seen = [counter.iterate(i) for i in (0, 1, 2, 3, 0, 1, 2)]
    seen += [counter.outcome()]
    seen += [counter.iterate(i) for i in (0, 1, 2, 3, 0, 1, 2)]
    seen += [counter.outcome()]
    assert seen == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12]
    assert counter.total == 12


def test_a_photo_that_fails_is_counted_like_the_others() -> None:
    counter = Counter(3, [5])
    assert [counter.outcome(), counter.iterate(0), counter.iterate(4)] == [5, 5, 9]
    assert [counter.outcome(), counter.outcome()] == [10, 15]
    assert counter.total == 15


# --- of an earlier time --------------------------------------------------------------------------


def test_iterates_of_another_photo_do_not_stay_among_the_new_ones() -> None:
    """Only what is an iterate by its name and its record goes, and only with --overwrite."""

    def said(seed: int) -> Callable[[Job, str], dict[str, Any]]:
        about = {"photo": {"sha256": str(seed)}, "styles": [], "settings": {}}
        return lambda job, digest: {"format": 1, "program": "fst", **about}

    def paint(seed: int, iterations: int, overwrite: bool = True, suffix: str = "png") -> None:
        files = IterateFiles(2, overwrite=overwrite, record=said(seed))
        for i in range(iterations):
            files.see(job(f"me-m.{suffix}"), step(i), photo())

    make_photo(24, 20).save("me.png")
    folder = Path("me-m.png.iterates")
    paint(1, 9)
    assert len(list(folder.iterdir())) == 5
    make_photo(24, 20).save(folder / "00010.png")  # no record
    (folder / "best.png").write_bytes((folder / "00008.png").read_bytes())
    (folder / "00012.png").symlink_to("00008.png")
    (folder / "00014.png").mkdir()
    (folder / "notes.txt").touch()
    kept = {"00010.png", "best.png", "00012.png", "00014.png", "notes.txt"}
    with pytest.warns(FstWarning, match="no iterate is written"):
        paint(2, 3, overwrite=False)
    assert {path.name for path in folder.iterdir()} >= {"00006.png", "00008.png"}
    paint(2, 5)
    assert {path.name for path in folder.iterdir()} == {
        "00000.png", "00002.png", "00004.png", *kept
    }  # fmt: skip
    paint(2, 1)  # the same picture's: one that is gone on with has them from before
    assert (folder / "00004.png").is_file()


def test_a_folder_that_is_a_link_is_left_alone() -> None:
    def painted(seed: int, iterations: int) -> None:
        about = {"photo": {"sha256": str(seed)}, "styles": [], "settings": {}}
        record = {"format": 1, "program": "fst", **about}
        files = IterateFiles(2, overwrite=True, record=lambda job, digest: record)
        for i in range(iterations):
            files.see(job("me-m.png"), step(i), photo())

    make_photo(24, 20).save("me.png")
    Path("elsewhere").mkdir()
    Path("me-m.png.iterates").symlink_to("elsewhere")
    painted(1, 5)
    painted(2, 1)
    assert {path.name for path in Path("elsewhere").iterdir()} == {
        "00000.png", "00002.png", "00004.png"
    }  # fmt: skip
