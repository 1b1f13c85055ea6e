"""fst.training.checkpoints: whole or not at all, damage is found out, a full disk harms nothing."""

import errno
import hashlib
import os
import random
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning
import pytest
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from programs import Server
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fst.errors import CheckpointError
from fst.training.checkpoints import (
    ResumableIO,
    by_step,
    newest_whole,
    read_resumable,
    remove_leftovers,
    step_of,
    write_resumable,
)

ROOT = Path(__file__).parents[2]


def content(step: int, size: int = 8) -> dict[str, object]:
    """A small checkpoint; all its numbers are the step."""
    return {"global_step": step, "state_dict": {"net.weight": torch.full((size,), float(step))}}


def write(folder: Path, *steps: int, size: int = 8) -> list[Path]:
    paths = [folder / f"step={step}.ckpt" for step in steps]
    for path, step in zip(paths, steps, strict=True):
        write_resumable(content(step, size), path)
    return paths


def assert_whole(path: Path, step: int) -> None:
    """Checked without the module under test."""
    data = path.read_bytes()
    assert data[-32:] == hashlib.sha256(data[:-42]).digest()
    found = torch.load(path, weights_only=True)
    assert found["global_step"] == step
    assert bool((found["state_dict"]["net.weight"] == step).all())


def names(folder: Path) -> list[str]:
    """All files, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


# --- what is written -----------------------------------------------------------------------------


def test_what_is_written_comes_back_and_plain_torch_reads_it(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 30)
    found = read_resumable(path)
    assert found["global_step"] == 30
    assert torch.equal(found["state_dict"]["net.weight"], torch.full((8,), 30.0))
    assert_whole(path, 30)
    assert path.read_bytes()[-42:-32] == b"fst-sha256"
    assert names(tmp_path) == ["step=30.ckpt"]


def test_the_step_is_the_contents_not_the_names(tmp_path: Path) -> None:
    path = tmp_path / "misnamed=1.ckpt"
    write_resumable(content(1230), path)
    assert step_of(path) == 1230


def test_tensors_come_to_the_asked_device(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 30)
    for found in (read_resumable(path, "meta"), ResumableIO().load_checkpoint(path, "meta")):
        assert found["state_dict"]["net.weight"].device.type == "meta"
    found = ResumableIO().load_checkpoint(path)
    assert found["state_dict"]["net.weight"].device.type == "cpu"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_umask_says_who_may_read(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        (path,) = write(tmp_path, 30)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_the_disk_has_the_content_before_the_name_and_the_name_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync of the file, rename, fsync of the folder: no power cut leaves a part."""
    (path,) = write(tmp_path, 30)
    order = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle: int) -> None:
        status = os.fstat(handle)
        order.append("folder" if stat.S_ISDIR(status.st_mode) else f"file {status.st_size}")
        fsync(handle)

    def record_replace(source: Path, target: Path) -> Path:
        order.append("rename")
        replace(source, target)
        return Path(target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "replace", record_replace)
    write(tmp_path, 30)
    assert order == [f"file {path.stat().st_size}", "rename", "folder"]


# --- damage --------------------------------------------------------------------------------------


def test_every_flipped_byte_is_found_out(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 30, size=2)
    whole = path.read_bytes()
    chance = random.Random(0)
    for offset in range(len(whole)):
        data = bytearray(whole)
        data[offset] ^= chance.randrange(1, 256)
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="damaged") as caught:
            read_resumable(path)
        assert "\n" not in str(caught.value)
    path.write_bytes(whole)
    assert step_of(path) == 30


def test_every_missing_or_added_end_is_found_out(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 30, size=2)
    whole = path.read_bytes()
    ends = [whole[:length] for length in range(len(whole)) if length != len(whole) - 42]
    ends += [whole + b"\0", whole + bytes(4096), whole + whole, bytes(len(whole))]
    for data in ends:
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="damaged"):
            read_resumable(path)


def test_the_message_names_the_file_and_what_is_wrong(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 30)
    flip(path, 700)
    with pytest.raises(CheckpointError) as caught:
        read_resumable(path)
    assert str(caught.value) == f"{path} is damaged (its checksum does not match)"


@pytest.mark.parametrize("what", ["empty", "text", "no step", "no dict", "folder", "missing"])
def test_what_is_no_checkpoint_is_named_in_one_line(tmp_path: Path, what: str) -> None:
    path = tmp_path / "step=10.ckpt"
    if what in ("empty", "text"):
        path.write_text("this is no checkpoint, but a text" * 5 if what == "text" else "")
    elif what in ("no step", "no dict"):
        write_resumable({"epoch": 0} if what == "no step" else [1], path)  # type: ignore[arg-type]
    elif what == "folder":
        path.mkdir()
    with pytest.raises(CheckpointError, match="step=10") as caught:
        step_of(path)
    assert "\n" not in str(caught.value)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "step=10.ckpt"
    write_resumable({"global_step": 10, "state": Trap(tmp_path / "sprung")}, path)
    with pytest.raises(CheckpointError, match="no checkpoint of a run") as caught:
        read_resumable(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="no checkpoint of a run"):
        ResumableIO().load_checkpoint(path, weights_only=False)
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_of_an_older_version_is_read_and_its_damage_found_out(tmp_path: Path) -> None:
    """Until now Lightning wrote the files: zip archives with nothing behind."""
    path = tmp_path / "step=90.ckpt"
    TorchCheckpointIO().save_checkpoint(content(90, size=1000), path)
    assert step_of(path) == 90
    whole = path.read_bytes()
    weights = torch.full((1000,), 90.0).numpy().tobytes()
    for offset in range(whole.index(weights), whole.index(weights) + len(weights), 97):
        path.write_bytes(whole)
        flip(path, offset)
        with pytest.raises(CheckpointError, match="damaged"):
            read_resumable(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        read_resumable(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(CheckpointError, match="no checkpoint of a run"):
        read_resumable(path)


# --- the newest whole one ------------------------------------------------------------------------


def test_checkpoints_are_ordered_by_number_then_by_version(tmp_path: Path) -> None:
    ordered = ["step=9", "step=60", "step=60-v1", "step=60-v2", "step=60-v10", "step=100"]
    for name in [*reversed(ordered), "step=x", "last", "step=70-copy", "epoch=1-step=80"]:
        (tmp_path / f"{name}.ckpt").touch()
    (tmp_path / "step=200.ckpt.tmp").touch()
    assert by_step(tmp_path) == [tmp_path / f"{name}.ckpt" for name in ordered]
    assert by_step(tmp_path / "nowhere") == []


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "zeros", "text", "folder"])
def test_a_damaged_newest_is_said_and_the_one_before_it_taken(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, older, newest = write(tmp_path, 9, 30, 100)
    data = newest.read_bytes()
    if how == "flipped":
        flip(newest, len(data) // 2)
    elif how == "folder":
        newest.unlink()
        newest.mkdir()
    else:
        damaged = {"cut": data[:-60], "empty": b"", "zeros": bytes(len(data)), "text": b"text"}
        newest.write_bytes(damaged[how])
    assert newest_whole(tmp_path) == older
    (line,) = capsys.readouterr().out.splitlines()
    assert str(newest) in line
    assert line.endswith(f": going on from {older}")
    assert names(tmp_path) == ["step=100.ckpt", "step=30.ckpt", "step=9.ckpt"]


def test_where_all_is_whole_nothing_is_said(tmp_path: Path) -> None:
    lines: list[str] = []
    assert newest_whole(tmp_path, lines.append) is None
    assert newest_whole(tmp_path / "nowhere", lines.append) is None
    write(tmp_path, 30, 9)
    assert newest_whole(tmp_path, lines.append) == tmp_path / "step=30.ckpt"
    assert lines == []


def test_every_damaged_one_has_a_line_until_one_is_whole(tmp_path: Path) -> None:
    first, second, third = write(tmp_path, 1, 2, 3)
    lines: list[str] = []
    for path in (second, third):
        flip(path, 100)
    assert newest_whole(tmp_path, lines.append) == first
    assert [line.split(" is ")[0] for line in lines] == [str(third), str(second)]
    assert all(line.endswith(f"going on from {first}") for line in lines)
    flip(first, 100)
    lines.clear()
    assert newest_whole(tmp_path, lines.append) is None
    assert [line.split(" is ")[0] for line in lines] == [str(third), str(second), str(first)]
    assert "going on" not in "".join(lines)


# --- a full disk ---------------------------------------------------------------------------------


def assert_refused(folder: Path, step: int, reason: str, size: int = 8) -> None:
    """Writing fails in one clear line and changes nothing in the folder."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError) as caught:
        write(folder, step, size=size)
    line = str(caught.value)
    assert line.startswith(f"can't write {folder}/step={step}.ckpt: {reason};")
    assert "the checkpoints before it are whole" in line
    assert line.endswith("resume=auto")
    assert "\n" not in line
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EFBIG, "make room"),
        (errno.EIO, "mend that"),
        (errno.EROFS, "mend that"),
    ],
)
def test_a_disk_that_refuses_leaves_the_older_ones_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    older, newest = write(tmp_path, 30, 60)

    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        assert_refused(tmp_path, 90, os.strerror(number))
        assert_refused(tmp_path, 60, os.strerror(number))  # the old content stays
        with pytest.raises(CheckpointError, match=remedy):
            write(tmp_path, 90)
    assert_whole(older, 30)
    assert_whole(newest, 60)
    assert newest_whole(tmp_path) == newest


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to write past ``size`` bytes of a file (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1000, 100_000, 400_000, -1])
def test_a_write_that_stops_halfway_leaves_nothing_behind(tmp_path: Path, room: int) -> None:
    older, newest = write(tmp_path, 30, 60, size=100_000)
    room = room if room >= 0 else newest.stat().st_size - 1  # the very last byte is missing
    with largest_file(room):
        assert_refused(tmp_path, 90, os.strerror(errno.EFBIG), size=100_000)
    assert_whole(older, 30)
    assert_whole(newest, 60)
    assert names(tmp_path) == ["step=30.ckpt", "step=60.ckpt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs to mount a small file system: root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_older_ones_whole(small_disk: Path) -> None:
    older, newest = write(small_disk, 30, 60, size=100_000)
    assert_refused(small_disk, 90, "No space left on device", size=100_000)
    assert_refused(small_disk, 60, "No space left on device", size=100_000)
    assert_whole(older, 30)
    assert_whole(newest, 60)
    older.unlink()  # room was made
    write(small_disk, 90, size=100_000)
    assert newest_whole(small_disk) == small_disk / "step=90.ckpt"


def test_a_file_system_that_cannot_flush_a_folder_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync
    number = errno.EINVAL

    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    (path,) = write(tmp_path, 30)
    assert_whole(path, 30)
    number = errno.EIO
    with pytest.raises(CheckpointError, match="Input/output error"):
        write(tmp_path, 60)


# --- killed while writing ------------------------------------------------------------------------

KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from fst.training.checkpoints import write_resumable

torch.set_num_threads(1)
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(0)
for i in range(rounds):
    child = os.fork()
    if child == 0:
        step = 0
        while True:
            step += 1
            weight = torch.full((1_000_000,), float(step))
            write_resumable(
                {"global_step": step, "state_dict": {"net.weight": weight}}, folder / "step=1.ckpt"
            )
    while not (folder / "step=1.ckpt").exists():
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.05))
    while i % 2 and not any(name.endswith(".tmp") for name in os.listdir(folder)):
        time.sleep(0)  # every other one is killed while it writes; it may share our only core
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (folder / "step=1.ckpt").rename(folder / f"step={1000 + i}.ckpt")
"""


def test_whenever_it_is_killed_the_file_is_whole(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, fork_server: Server
) -> None:
    rounds = 20
    script = tmp_path_factory.mktemp("killer") / "killer.py"
    script.write_text(KILLER)
    killer = fork_server.start([str(tmp_path), str(rounds)], ROOT, dict(os.environ), script)
    (said,) = killer.communicate(120)
    assert killer.returncode == 0, said
    paths = by_step(tmp_path)
    assert len(paths) == rounds
    for path in paths:
        assert_whole(path, step_of(path))
    assert len(names(tmp_path)) > rounds  # the last one was indeed killed while it wrote
    remove_leftovers(tmp_path)
    assert len(names(tmp_path)) == rounds


# --- with Lightning ------------------------------------------------------------------------------


def test_the_plugin_keeps_the_last_two_of_a_folder(tmp_path: Path) -> None:
    plugin = ResumableIO()
    seen = []
    for step in (9, 30, 60, 100):
        plugin.save_checkpoint(content(step), tmp_path / f"step={step}.ckpt")
        seen.append(names(tmp_path))
    assert seen == [
        ["step=9.ckpt"],
        ["step=30.ckpt", "step=9.ckpt"],
        ["step=30.ckpt", "step=60.ckpt"],
        ["step=100.ckpt", "step=60.ckpt"],
    ]


def test_nothing_is_removed_before_two_are_known_to_be_whole(tmp_path: Path) -> None:
    write(tmp_path, 10, 20, 30)
    (damaged,) = write(tmp_path, 40)
    flip(damaged, 100)
    other = tmp_path / "other"
    write(other, 1, 2)
    (tmp_path / "notes.ckpt").touch()
    plugin = ResumableIO()
    plugin.save_checkpoint(content(50), str(tmp_path / "step=50.ckpt"))
    assert len(names(tmp_path)) == 7  # 40 may be damaged, for all that is known
    plugin = ResumableIO()
    plugin.load_checkpoint(tmp_path / "step=30.ckpt")
    plugin.save_checkpoint(content(3), other / "step=3.ckpt")
    assert names(other) == ["step=1.ckpt", "step=2.ckpt", "step=3.ckpt"]
    plugin.load_checkpoint(tmp_path / "step=30.ckpt")
    plugin.save_checkpoint(content(40), tmp_path / "step=40-v1.ckpt")
    # the damaged one and what came before are done with; 50 is of a later step
    expected = ["notes.ckpt", "other", "step=30.ckpt", "step=40-v1.ckpt", "step=50.ckpt"]
    assert names(tmp_path) == expected


def test_writing_one_twice_does_not_count_as_two(tmp_path: Path) -> None:
    plugin = ResumableIO()
    write(tmp_path, 10)
    for _ in range(2):
        plugin.save_checkpoint(content(20), tmp_path / "step=20.ckpt")
    assert names(tmp_path) == ["step=10.ckpt", "step=20.ckpt"]


def test_a_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 10, 20)
    monkeypatch.chdir(tmp_path)
    plugin = ResumableIO()
    plugin.load_checkpoint("step=20.ckpt")
    plugin.save_checkpoint(content(30), tmp_path / "step=30.ckpt")
    assert names(tmp_path) == ["step=20.ckpt", "step=30.ckpt"]
    plugin.save_checkpoint(content(40), "step=40.ckpt")
    assert names(tmp_path) == ["step=30.ckpt", "step=40.ckpt"]


def test_checkpoints_of_other_names_remove_nothing(tmp_path: Path) -> None:
    write(tmp_path, 10)
    plugin = ResumableIO()
    for name in ("a", "b", "c"):
        plugin.save_checkpoint(content(20), tmp_path / f"{name}.ckpt")
    assert names(tmp_path) == ["a.ckpt", "b.ckpt", "c.ckpt", "step=10.ckpt"]


def test_removing_twice_is_no_error_and_remote_storage_is(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 10)
    ResumableIO().remove_checkpoint(str(path))
    ResumableIO().remove_checkpoint(path)
    assert names(tmp_path) == []
    with pytest.raises(TypeError, match="storage_options"):
        ResumableIO().save_checkpoint(content(10), path, storage_options={})


class Line(lightning.LightningModule):
    """A linear module that learns to give zero."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Linear(4, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.net(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.net.parameters(), lr=0.01)


class StopAt(Callback):
    """Saves by hand and stops, as a signal does."""

    def __init__(self, folder: Path, step: int) -> None:
        self.folder, self.step = folder, step

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.folder / f"step={self.step}.ckpt", weights_only=False)
            trainer.should_stop = True


def train(folder: Path, steps: int, resume: Path | None = None, stop: int = 0) -> Tensor:
    """The weights after ``steps`` steps, with a checkpoint every three."""
    saving = ModelCheckpoint(
        folder,
        filename="{step}",
        monitor="step",
        mode="max",
        save_top_k=2,
        every_n_train_steps=3,
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        callbacks=[saving, StopAt(folder, stop)],
        plugins=[ResumableIO()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Line()
    photos = torch.tensor([1.0, -2.0, 3.0, 0.5]).expand(200, 4)  # where it resumes is the data's
    data = DataLoader(photos, batch_size=2)  # type: ignore[arg-type]
    trainer.fit(module, data, ckpt_path=resume, weights_only=True)
    return module.net.weight.detach()


quiet = pytest.mark.filterwarnings(
    "ignore:.*Checkpoint directory.*", "ignore:.*your dataloader is not resumable.*"
)


@quiet
def test_a_run_keeps_two_and_resumes_exactly_however_often_it_stops(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    expected = train(whole, steps=20)
    assert names(whole) == ["step=15.ckpt", "step=18.ckpt"]
    for path in by_step(whole):
        assert read_resumable(path)["global_step"] == int(path.stem[5:])
    train(folder, steps=20, stop=7)
    assert names(folder) == ["step=6.ckpt", "step=7.ckpt"]
    train(folder, steps=20, resume=newest_whole(folder), stop=11)
    assert names(folder) == ["step=11.ckpt", "step=9.ckpt"]
    found = train(folder, steps=20, resume=newest_whole(folder))
    assert names(folder) == ["step=15.ckpt", "step=18.ckpt"]
    assert torch.equal(found, expected)


@quiet
def test_a_run_goes_on_from_before_a_damaged_checkpoint(tmp_path: Path) -> None:
    expected = train(tmp_path / "whole", steps=14)
    folder = tmp_path / "damaged"
    train(folder, steps=7)
    flip(folder / "step=6.ckpt", 1000)
    lines: list[str] = []
    start = newest_whole(folder, lines.append)
    assert start == folder / "step=3.ckpt"
    assert len(lines) == 1
    with pytest.raises(CheckpointError, match="damaged"):
        train(folder, steps=14, resume=folder / "step=6.ckpt")
    assert torch.equal(train(folder, steps=14, resume=start), expected)
    assert names(folder) == ["step=12.ckpt", "step=9.ckpt"]


@quiet
def test_a_disk_that_fills_up_stops_the_run_and_it_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(tmp_path / "whole", steps=14)
    folder = tmp_path / "full"

    class Full(ResumableIO):
        def save_checkpoint(self, checkpoint, path, storage_options=None):  # type: ignore[no-untyped-def]
            with largest_file(2000 if checkpoint["global_step"] == 9 else 1_000_000):
                super().save_checkpoint(checkpoint, path)

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "ResumableIO", Full)
        with pytest.raises(CheckpointError, match=r"step=9\.ckpt: File too large"):
            train(folder, steps=14)
    assert names(folder) == ["step=3.ckpt", "step=6.ckpt"]
    start = newest_whole(folder)
    assert start == folder / "step=6.ckpt"
    assert torch.equal(train(folder, steps=14, resume=start), expected)
