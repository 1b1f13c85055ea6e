"""scripts/train.py with many styles in one net, as a user runs it, on tiny nets."""

import csv
import shutil
from pathlib import Path

import pytest
from support import Run, make_photo

from fst.nets.conditional import AnyNet, ManyNet
from fst.styles.trained import load_checkpoint
from fst.training.checkpoints import by_step


@pytest.fixture
def tiny(tmp_path: Path, photo_folder: Path) -> list[str]:
    """Arguments of a training that takes milliseconds a step."""
    (tmp_path / "paintings").mkdir()
    for i in range(3):
        make_photo(120, 96, seed=50 + i).save(tmp_path / "paintings" / f"p{i}.png")
    (tmp_path / "paintings" / "broken.jpg").write_bytes(b"no")
    return [
        "data=folder",
        f"data.path={photo_folder}",
        "data.size=16",
        "data.batch_size=2",
        "data.val_photos=2",
        "loss.weights=random",
        "loss.style_layers={relu1_1: 1}",
        "loss.content_layers={relu1_2: 1}",
        "trainer.device=cpu",
        "trainer.val_every=4",
        "trainer.checkpoint_every=2",
        "trainer.max_steps=6",
        "logger=csv",
    ]


@pytest.fixture
def of_any(tiny: list[str]) -> list[str]:
    net = "{width: 4, residual_blocks: 1, rank: 2, predictor_width: 8}"
    return [*tiny, "style=any", "paintings.path=paintings", f"net.arguments={net}",
            "paintings.sizes=[96]", "paintings.variants=1", "paintings.cache=measured"]  # fmt: skip


@pytest.fixture
def of_two(tiny: list[str]) -> list[str]:
    return [*tiny, "style=[monet, paintings/p1.png]", "style.size=64",
            "net.arguments={width: 4, residual_blocks: 1, rank: 2}"]  # fmt: skip


def steps(folder: Path) -> list[int]:
    with (folder / "metrics.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file) if row["val/total"]]


def test_any_painting_from_the_words_to_the_file(
    run_inside: Run, of_any: list[str], tmp_path: Path
) -> None:
    result = run_inside("train.py", *of_any)
    assert result.returncode == 0, result.stderr
    assert "broken.jpg" in result.stderr  # named, and skipped
    assert "too few to hold some out" in result.stdout
    trained = load_checkpoint(tmp_path / "checkpoints" / "any.safetensors")
    assert isinstance(trained.net, AnyNet)
    assert (trained.description["paintings"]["count"], trained.name) == (3, "any")
    (folder,) = (tmp_path / "runs" / "any").iterdir()
    assert steps(folder) == [0, 3, 6]
    # once more: nothing is measured again
    again = run_inside("train.py", *of_any, "overwrite=true", "trainer.max_steps=2")
    assert again.returncode == 0, again.stderr
    assert "measuring" not in again.stdout


def test_several_styles_go_on_after_a_stop_by_their_names(
    run_inside: Run, of_two: list[str], tmp_path: Path
) -> None:
    assert run_inside("train.py", *of_two).returncode == 0
    (whole,) = (tmp_path / "runs" / "monet-p1").iterdir()
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy)
    shutil.rmtree(tmp_path / "checkpoints")
    # as it was after the fourth step
    (whole / "monet-p1.safetensors").unlink()
    for path in by_step(whole / "resume")[1:]:
        path.unlink()
    for words in (["resume=auto"], [*of_two, "resume=auto"]):
        result = run_inside("train.py", *words)
        assert result.returncode == 0, result.stderr
        assert "resuming from" in result.stdout
        first, second = (load_checkpoint(f / "monet-p1.safetensors") for f in (whole, copy))
        assert isinstance(first.net, ManyNet)
        assert first.digest == second.digest
        names = [row["name"] for row in first.description["styles"]]
        assert names == ["monet", "p1"]
        assert first.description["styles"][0]["painter"] == "Claude Monet"
        (whole / "monet-p1.safetensors").unlink()
        shutil.rmtree(tmp_path / "checkpoints")
        by_step(whole / "resume")[-1].unlink()


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("any", ["paintings.path=nowhere"], "nowhere"),
        ("any", ["paintings.path=null"], "paintings.path=FOLDER"),
        ("any", ["paintings.path=paintings/p0.png"], "style=FILE"),
        ("any", ["paintings.sizes=[32]"], "paintings.sizes"),
        ("any", ["paintings.held_out=-1"], "paintings.held_out"),
        ("any", ["paintings.mixed=2"], "paintings.mixed"),
        ("any", ["paintings.style_weights=[9]"], "[2,40]"),
        ("any", ["paintings.source=web"], "folder, hub"),
        ("any", ["paintings.sise=[96]"], "paintings.sizes"),
        ("any", ["style.size=256"], "paintings.sizes"),
        ("any", ["style.image=paintings/p0.png"], "style=FILE"),
        ("any", ["net=johnson", "net.arguments={width: 4}"], "net=johnson"),
        ("any", ["net.arguments.rank=-1"], "rank"),
        ("any", ["net.arguments.styles=2"], "styles"),
        ("any", ["loss.normalization=course"], "normalization"),
        ("any", ["freeze=true"], "init"),
        ("any", ["freeze=perhaps"], "freeze"),
        ("any", ["init=monet"], "monet"),
        ("any", ["init=nobody"], "nobody"),
        ("two", ["paintings.path=paintings"], "style=any"),
        ("two", ["style=[monet,monet]"], "twice"),
        ("two", ["style=[paintings/p0.png,nowhere.jpg]"], "nowhere.jpg"),
        ("two", ["style.style_weight=-1"], "style_weight"),
        ("two", ["style.strength_target=0.4"], "strength_target"),
        ("two", ["init=any", "style.name=both"], "init=any"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(
    kind: str, change: list[str], says: str, of_any: list[str], of_two: list[str],
    run_inside: Run, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "paintings" / "broken.jpg").unlink()
    words = of_any if kind == "any" else of_two
    given = {word.partition("=")[0] for word in change}
    kept = [word for word in words if word.partition("=")[0] not in given]
    result = run_inside("train.py", *kept, *change)
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if not line.startswith("warning")]
    assert len(lines) == 1, result.stderr
    assert says in lines[0]
    assert not list(tmp_path.glob("runs/*/*/metrics.csv"))  # before the work
