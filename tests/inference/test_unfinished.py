"""fst.inference.unfinished: what was stopped goes on, and nothing else is believed."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo

from fst.assets import find_images
from fst.errors import FstWarning, InputError
from fst.inference import unfinished
from fst.inference.control import Layer
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.targets import Job
from fst.inference.unfinished import Unfinished, read_state, resume_folder, write_state
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate
from fst.system import temporaries

RECORD: dict[str, Any] = {
    "format": 1, "program": "fst", "photo": {"name": "a.png", "sha256": "1"},
    "styles": [{"name": "m", "iterations": 9}], "settings": {"strength": 1.0},
}  # fmt: skip
JOB = Job(Path("a.png"), Path("out/a-m.png"))
PHOTO = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(5))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths; every state is kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    monkeypatch.setattr(unfinished, "SHARE", 0)


@pytest.fixture
def layers(random_loss: PerceptualLoss) -> list[Layer]:
    return [Layer(OptimizingStylizer(random_loss, torch.device("cpu"), {"iterations": 9}))]


class Killed(BaseException):
    """Nothing is cleaned up."""


def paint(layers: list[Layer], until: int = 99, **options: Any) -> list[Iterate]:
    """The iterates of :data:`JOB`, until it is killed."""
    keeper, seen = Unfinished(**{"say": lambda line: None, **options}), []
    used, _ = keeper.begin(JOB, RECORD, layers)

    def see(iterate: Iterate) -> None:
        seen.append(iterate)
        keeper.see(iterate)
        if iterate.iteration == until:
            keeper._stack.close()  # the lock goes with the process
            raise Killed

    try:
        used[0].stylizer(PHOTO, see)
    except Killed:
        return seen
    keeper.finished(True)
    return seen


@pytest.mark.parametrize("at", [0, 4, 8])
def test_who_was_killed_ends_at_the_same_picture(layers: list[Layer], at: int) -> None:
    whole = paint(layers)
    assert not resume_folder(JOB.target).exists()
    assert [i.iteration for i in paint(layers, at)] == list(range(at + 1))
    assert resume_folder(JOB.target).is_dir()
    rest = paint(layers)
    assert [i.iteration for i in rest] == list(range(at + 1, 10))
    assert torch.equal(rest[-1].image, whole[-1].image)
    assert not resume_folder(JOB.target).exists()


def test_who_was_killed_often_ends_at_the_same_picture(layers: list[Layer]) -> None:
    whole = paint(layers)
    for at in (1, 2, 5, 7):
        paint(layers, at)
    assert torch.equal(paint(layers)[-1].image, whole[-1].image)


def test_states_are_kept_now_and_then(layers: list[Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 1e9)
    paint(layers, 5)
    assert not (resume_folder(JOB.target) / "state.pt").exists()
    assert [i.iteration for i in paint(layers)] == list(range(10))


def test_who_asks_to_stop_finds_the_state_of_that_iteration(
    layers: list[Layer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 1e9)
    keeper = Unfinished(say=lambda line: None)
    (layer,), _ = keeper.begin(JOB, RECORD, layers)

    def see(iterate: Iterate) -> None:
        if iterate.iteration == 3:
            monkeypatch.setattr(unfinished, "asked", lambda: 15)
        keeper.see(iterate)

    with pytest.raises(KeyboardInterrupt):
        layer.stylizer(PHOTO, see)
    keeper.finished(False)
    assert "iteration 3" in keeper.where()
    monkeypatch.setattr(unfinished, "asked", lambda: None)
    said: list[str] = []
    assert [i.iteration for i in paint(layers, say=said.append)] == list(range(4, 10))
    assert len(said) == 1
    assert "a.png" in said[0]
    assert "iteration 3" in said[0]


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text", "other", "pickle"])
def test_a_damaged_state_is_one_line(layers: list[Layer], damage: str) -> None:
    paint(layers, 4)
    path = resume_folder(JOB.target) / "state.pt"
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[len(data) // 2] ^= 1
    elif damage == "other":
        write_state(path, {"format": 2})
        data = bytearray(path.read_bytes())
    elif damage == "pickle":
        write_state(path, {"format": 1, "record": Path("code"), "iteration": 1, "state": {}})
        data = bytearray(path.read_bytes())
    else:
        data = {"cut": data[:-100], "empty": bytearray(), "text": bytearray(b"mine")}[damage]
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"state\.pt is damaged.*--overwrite"):
        paint(layers)
    assert path.read_bytes() == data
    assert [i.iteration for i in paint(layers, overwrite=True)] == list(range(10))


def test_a_state_of_other_settings_is_one_line(
    layers: list[Layer], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(layers, 4)
    other = {**RECORD, "styles": [{"name": "m", "iterations": 10}]}
    monkeypatch.setitem(globals(), "RECORD", other)
    with pytest.raises(InputError, match=r"other settings.*iterations 9, now 10.*--overwrite"):
        paint(layers)
    assert paint(layers, overwrite=True)[0].iteration == 0


def test_two_at_a_time_is_one_line(layers: list[Layer]) -> None:
    first, second = (Unfinished(say=lambda line: None) for _ in range(2))
    first.begin(JOB, RECORD, layers)
    with pytest.raises(InputError, match="already"):
        second.begin(JOB, RECORD, layers)
    second.finished(False)
    assert resume_folder(JOB.target).is_dir()
    first.finished(False)
    assert not resume_folder(JOB.target).exists()  # nothing was kept


def test_what_others_put_there_stays(layers: list[Layer]) -> None:
    folder = resume_folder(JOB.target)
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    paint(layers)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_more_is_kept_with_a_state(layers: list[Layer]) -> None:
    keeper = Unfinished(say=lambda line: None)
    (layer,), more = keeper.begin(JOB, RECORD, layers)
    assert more == {}
    keeper.more = lambda: {"curve": [1.5]}
    next(iterates := layer.stylizer.iterates(PHOTO))  # type: ignore[union-attr]
    keeper.see(next(iterates))
    keeper.finished(False)
    assert Unfinished(say=lambda line: None).begin(JOB, RECORD, layers)[1] == {"curve": [1.5]}


def test_who_can_keep_no_state_paints_on(
    layers: list[Layer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: Any) -> None:
        raise OSError(28, "No space left on device", str(path))

    whole = paint(layers)
    monkeypatch.setattr(unfinished, "write_state", full)
    with pytest.warns(FstWarning, match="can't be kept: No space left"):
        painted = paint(layers)
    assert torch.equal(painted[-1].image, whole[-1].image)


def test_what_a_killed_program_was_writing_is_removed(layers: list[Layer]) -> None:
    paint(layers, 3)
    folder = resume_folder(JOB.target)
    (folder / "frames").mkdir()
    for place in (folder, folder / "frames"):
        machine = temporaries._machine()
        (place / f".fst.{machine}.{2**22 + 1}.0123456789abcdef.tmp").write_text("half")
    paint(layers)
    assert not folder.exists()


def test_without_a_record_nothing_can_be_compared(layers: list[Layer]) -> None:
    with pytest.raises(InputError, match="records"):
        Unfinished().begin(JOB, None, layers)


def test_frames_that_are_kept_are_no_photos() -> None:
    make_photo().save("b.png")
    frames = resume_folder(Path("b-m.png")) / "frames"
    frames.mkdir(parents=True)
    shutil.copy("b.png", frames / "0000001.png")
    assert find_images(Path()).photos == [Path("b.png")]


def test_where_there_is_no_state_there_is_none() -> None:
    assert read_state(Path("nowhere.pt")) is None
    os.mkdir("folder.pt")
    with pytest.raises(InputError, match="can't be read"):
        read_state(Path("folder.pt"))
