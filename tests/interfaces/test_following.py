"""``fst stylize`` with --animate, --plot, --log and --resume, as a user runs it."""

import csv
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import Run, make_photo

from fst.assets import find_images
from fst.image.record import read_record
from fst.inference import unfinished
from fst.interfaces.following import Following
from fst.system import signals

WORDS = ("photo.png", "--style", "painting.png", "--method", "optimize", "--weights", "random",
         "--content-layers", "relu1_2", "--style-layers", "relu1_1=1,relu1_2=2", "--iterations",
         "9", "--style-size", "48", "--output", "out/one.png")  # fmt: skip
FILES = ("--animate", "out/one.gif", "--plot", "out/curve.png", "--log", "out/curve.csv")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting; states are kept at every iteration."""
    monkeypatch.chdir(tmp_path)
    make_photo(40, 32).save("photo.png")
    make_photo(48, 48, seed=1).save("painting.png")
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    monkeypatch.setattr(unfinished, "SHARE", 0)


def rows(path: str = "out/curve.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def pixels(path: str) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@contextmanager
def another_process() -> Iterator[pytest.MonkeyPatch]:
    """What is asked of it is forgotten with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(signals, "_process", signals._Process())
        yield patched


def stop_at(monkeypatch: pytest.MonkeyPatch, iteration: int, number: int = signal.SIGTERM) -> None:
    """Somebody asks to stop while an iteration is computed."""
    see = Following.see

    def seen(self: Following, job: Any, iterate: Any, photo: Any) -> None:
        if iterate.iteration == iteration:
            os.kill(os.getpid(), number)
        see(self, job, iterate, photo)

    monkeypatch.setattr(Following, "see", seen)


def test_log_plot_and_clip_are_written(run_inside: Run) -> None:
    result = run_inside("stylize.py", *WORDS, *FILES)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "curve.csv", "curve.png", "one.gif", "one.png",
    ]  # fmt: skip
    found = rows()
    assert [int(row["iteration"]) for row in found] == list(range(10))
    assert list(found[0])[6:] == ["content/relu1_2", "style/relu1_1", "style/relu1_2"]
    for row in found:
        of_style = float(row["style/relu1_1"]) + float(row["style/relu1_2"])
        assert of_style == pytest.approx(float(row["style"]), rel=1e-5)
        terms = sum(float(row[name]) for name in ("content", "style", "tv"))
        assert terms == pytest.approx(float(row["total"]), rel=1e-5)
    assert float(found[-1]["total"]) < float(found[0]["total"])
    assert f"objective {float(found[-1]['total']):.3f}" in result.stdout
    with Image.open("out/one.gif") as clip:
        assert (clip.size, getattr(clip, "n_frames", 0)) == ((40, 32), 10)
        clip.seek(9)
        last = np.asarray(clip.convert("RGB")).astype(int)
    assert np.abs(last - pixels("out/one.png")).mean() < 10  # of 255 colors
    # none of them is a photo to be painted
    record = read_record("out/curve.png")
    assert record is not None
    assert record["iteration"] == 9
    # the same command again does nothing, and replaces nothing
    assert run_inside("stylize.py", *WORDS, *FILES).returncode == 0


def test_frames_may_be_further_apart(run_inside: Run) -> None:
    result = run_inside("stylize.py", *WORDS, "--animate", "a.gif", "--animate-every", "4")
    assert result.returncode == 0, result.stderr
    with Image.open("a.gif") as clip:
        assert getattr(clip, "n_frames", 0) == 4  # 0, 4, 8 and the last


def test_what_follows_changes_no_pixel(run_inside: Run) -> None:
    run_inside("stylize.py", *WORDS, *FILES, "--resume")
    assert run_inside("stylize.py", *WORDS[:-1], "plain.png").returncode == 0
    assert Path("out/one.png").read_bytes() == Path("plain.png").read_bytes()


def test_what_is_there_needs_overwrite(run_inside: Run) -> None:
    Path("log.csv").write_text("mine")
    result = run_inside("stylize.py", *WORDS, "--log", "log.csv")
    assert result.returncode == 1
    assert "log.csv is there already: --overwrite" in result.stderr
    assert Path("log.csv").read_text() == "mine"
    assert run_inside("stylize.py", *WORDS, "--log", "log.csv", "--overwrite").returncode == 0
    assert len(rows("log.csv")) == 10


def test_who_stops_early_is_told_once(run_inside: Run) -> None:
    words = [*WORDS, "--tolerance", "0.99", "--optimizer", "adam", "--log", "log.csv"]
    words[words.index("9")] = "90"
    result = run_inside("stylize.py", *words)
    assert result.returncode == 0, result.stderr
    last = int(rows("log.csv")[-1]["iteration"])
    assert 20 <= last < 90
    assert result.stdout.count(f"stopped at iteration {last} of 90") == 1


def test_a_run_that_diverges_leaves_its_curve(run_inside: Run) -> None:
    words = [*WORDS, "--optimizer", "sgd", "--learning-rate", "100", "--log", "log.csv"]
    result = run_inside("stylize.py", *words)
    assert result.returncode == 1
    assert "not finite at iteration" in result.stderr
    assert "lower learning rate" in result.stderr
    assert not Path("out/one.png").exists()
    assert 1 <= len(rows("log.csv")) < 10


def test_who_is_stopped_leaves_a_curve_without_resume(
    run_inside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, 4)
    result = run_inside("stylize.py", *WORDS, *FILES)
    assert result.returncode in (130, 143)
    assert len(rows()) in (4, 5)
    assert Path("out/curve.png").is_file()
    assert len(list(Path("out").glob("one.interrupted-*.png"))) == 1


@pytest.mark.parametrize("more", [(), ("--optimizer", "adam", "--average", "0.9")], ids=str)
def test_who_is_stopped_goes_on_to_the_same_picture(
    run_inside: Run, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    plain = run_inside("stylize.py", *WORDS[:-1], "plain.png", *more, "--log", "plain.csv")
    assert plain.returncode == 0, plain.stderr
    with another_process() as patched:
        stop_at(patched, 4)
        result = run_inside("stylize.py", *WORDS, *FILES, *more, "--resume")
    assert result.returncode in (130, 143)
    assert "goes on behind iteration 4" in result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["one.png.resume"]
    result = run_inside("stylize.py", *WORDS, *FILES, *more, "--resume")
    assert result.returncode == 0, result.stderr
    assert "goes on behind iteration 4" in result.stdout
    assert np.array_equal(pixels("out/one.png"), pixels("plain.png"))
    assert not Path("out/one.png.resume").exists()
    losses = [name for name in rows()[0] if name != "seconds"]
    assert [[row[name] for name in losses] for row in rows()] == [
        [row[name] for name in losses] for row in rows("plain.csv")
    ]
    seconds = [float(row["seconds"]) for row in rows()]
    assert seconds == sorted(seconds)
    with Image.open("out/one.gif") as clip:
        assert getattr(clip, "n_frames", 0) == 10


def killed_at(words: list[str], iteration: int) -> None:
    """Runs the command in a fork, which kills itself at an iteration: nothing is cleaned up."""
    from fst.interfaces.arguments.stylize import parser
    from fst.interfaces.commands import stylize

    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            see = Following.see

            def seen(self: Following, job: Any, iterate: Any, photo: Any) -> None:
                see(self, job, iterate, photo)
                if iterate.iteration == iteration:
                    os.kill(os.getpid(), signal.SIGKILL)

            Following.see = seen  # type: ignore[method-assign]
            stylize.main(parser().parse_args(words))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("at", [0, 3, 8])
def test_who_is_killed_goes_on_to_the_same_picture(run_inside: Run, at: int) -> None:
    assert run_inside("stylize.py", *WORDS[:-1], "plain.png").returncode == 0
    killed_at([*WORDS, *FILES, "--resume"], at)
    assert not Path("out/one.png").exists()
    assert find_images(Path("out")).photos == []
    result = run_inside("stylize.py", *WORDS, *FILES, "--resume")
    assert result.returncode == 0, result.stderr
    assert f"goes on behind iteration {at}" in result.stdout
    assert np.array_equal(pixels("out/one.png"), pixels("plain.png"))
    assert len(rows()) == 10
    assert not Path("out/one.png.resume").exists()


def test_other_settings_do_not_go_on(run_inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_process() as patched:
        stop_at(patched, 4)
        run_inside("stylize.py", *WORDS, "--resume")
    result = run_inside("stylize.py", *WORDS, "--tv-weight", "3", "--resume")
    assert result.returncode == 1
    assert "tv_weight 0.5, now 3" in result.stderr
    assert "--overwrite begins anew" in result.stderr
    assert result.stderr.count("\n") <= 2  # random weights warn
    assert Path("out/one.png.resume/state.pt").is_file()
    again = run_inside("stylize.py", *WORDS, "--tv-weight", "3", "--resume", "--overwrite")
    assert again.returncode == 0, again.stderr
    assert not Path("out/one.png.resume").exists()


def test_of_several_photos_the_unfinished_one_goes_on(
    run_inside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(40, 32, seed=5).save("second.png")
    words = ["second.png", *WORDS[:-1], "out", "--resume"]
    assert run_inside("stylize.py", *WORDS[:-1], "plain.png").returncode == 0
    painted: list[str] = []
    see = Following.see

    def seen(self: Following, job: Any, iterate: Any, photo: Any) -> None:
        painted.append(job.source.name)
        if len(set(painted)) == 2 and iterate.iteration == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        see(self, job, iterate, photo)

    with another_process() as patched:
        patched.setattr(Following, "see", seen)
        run_inside("stylize.py", *words)
    assert painted[-1] == "photo.png"
    assert Path("out/second-painting.png").is_file()
    result = run_inside("stylize.py", *words)
    assert result.returncode == 0, result.stderr
    assert "photo.png: goes on behind iteration 5" in result.stdout
    assert np.array_equal(pixels("out/photo-painting.png"), pixels("plain.png"))
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "photo-painting.png", "second-painting.png",
    ]  # fmt: skip


def test_a_pass_that_is_refined_goes_on(run_inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiny_any import save_any

    save_any(Path("nets"))
    words = ["photo.png", "--style", "painting.png", "--refine", "6", "--weights", "random",
             "--checkpoints", "nets", "--resume", "--log", "log.csv", "--output"]  # fmt: skip
    assert run_inside("stylize.py", *words[:-4], "--output", "plain.png").returncode == 0
    with another_process() as patched:
        stop_at(patched, 2)
        run_inside("stylize.py", *words, "one.png")
    result = run_inside("stylize.py", *words, "one.png")
    assert result.returncode == 0, result.stderr
    assert "goes on behind iteration 2" in result.stdout
    assert np.array_equal(pixels("one.png"), pixels("plain.png"))
    assert len(rows("log.csv")) == 7


def test_who_is_stopped_is_told_a_command_that_begins_anew(
    run_inside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_process() as patched:
        stop_at(patched, 4)
        result = run_inside("stylize.py", *WORDS, *FILES)
    assert "same command with --overwrite begins anew" in result.stderr
    assert "--resume" in result.stderr
    assert run_inside("stylize.py", *WORDS, *FILES).returncode == 1
    assert run_inside("stylize.py", *WORDS, *FILES, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    "asked", [("--log", "new.csv"), ("--plot", "new.png"), ("--animate", "new.gif"),
              ("--save-every", "3")]
)  # fmt: skip
def test_what_only_another_optimization_makes_is_no_success(
    run_inside: Run, asked: tuple[str, str]
) -> None:
    assert run_inside("stylize.py", *WORDS).returncode == 0
    before = Path("out/one.png").read_bytes()
    result = run_inside("stylize.py", *WORDS, *asked)
    assert result.returncode == 1
    assert asked[0] in result.stderr
    assert "--overwrite" in result.stderr
    assert "iteration" not in result.stdout
    assert Path("out/one.png").read_bytes() == before
    assert run_inside("stylize.py", *WORDS, *asked, "--overwrite").returncode == 0
    # and now it is there
    assert run_inside("stylize.py", *WORDS, *asked).returncode == 0


@pytest.mark.parametrize("asked", [("--log", "new.csv"), ("--save-every", "3")])
def test_without_strength_there_is_nothing_to_follow(
    run_inside: Run, asked: tuple[str, str]
) -> None:
    result = run_inside("stylize.py", *WORDS, *asked, "--strength", "0")
    assert result.returncode == 1
    assert "strength 0" in result.stderr
    assert asked[0] in result.stderr
    assert not Path("out").exists()


def test_who_forgets_to_resume_is_told(run_inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_process() as patched:
        stop_at(patched, 4)
        run_inside("stylize.py", *WORDS, "--resume")
    other = run_inside("stylize.py", *WORDS[:-1], "out/two.png")
    assert "--resume" not in other.stdout
    result = run_inside("stylize.py", *WORDS)
    assert result.returncode == 0, result.stderr
    assert "one.png.resume has iteration 4 of 9 of this picture: --resume goes on" in result.stdout
    again = run_inside("stylize.py", *WORDS, "--tv-weight", "3", "--overwrite")
    assert "--resume" not in again.stdout


def test_an_objective_that_grew_is_told(run_inside: Run) -> None:
    words = [*WORDS, "--optimizer", "adam", "--learning-rate", "20"]
    result = run_inside("stylize.py", *words)
    assert result.returncode == 0
    assert "the objective grew from" in result.stderr
    assert "--learning-rate" in result.stderr
