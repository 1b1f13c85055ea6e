"""fst.research.benchmarks.any_painting: who wins is computed by hand; nothing is timed."""

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from tiny_any import saved_any

from fst.errors import InputError
from fst.interfaces.arguments.benchmark import parser
from fst.research.benchmarks import any_painting
from fst.research.benchmarks.any_painting import Contest, Judged, named, run, summarize, works
from fst.research.benchmarks.judged import Judge, Terms
from fst.research.benchmarks.peer import PEER, Peer
from fst.research.benchmarks.rounds import Round
from fst.styles.predicted import Asked

SETTING = Asked(10.0, 256)


class Copyist(Peer):
    """A peer that gives the photo back: no content error at all, and the photo's style."""

    def __init__(self) -> None:
        self.version = "1"
        self.chosen: list[str] = []

    def choose(self, painting: Path | torch.Tensor) -> np.ndarray:
        if isinstance(painting, Path):
            self.chosen.append(painting.stem)
        return np.zeros(1)

    def paint(self, photo: torch.Tensor, vector: np.ndarray) -> torch.Tensor:
        return photo


def judged(name: str, ours: Mapping[str, Terms], theirs: Mapping[str, Terms]) -> Judged:
    return Judged(name, {PEER: theirs, named(SETTING): ours})


@pytest.fixture
def contest(tmp_path: Path) -> Contest:
    torch.manual_seed(0)
    photos = {"a": torch.rand(1, 3, 32, 32), "b": torch.rand(1, 3, 32, 32)}
    judge, net = Judge(photos, "slim"), saved_any(tmp_path / "nets")
    return Contest(net, Copyist(), judge, [SETTING], torch.float32, 64)


def test_a_ratio_is_the_median_over_photos_of_the_objectives(
    contest: Contest, capsys: pytest.CaptureFixture[str]
) -> None:
    better = judged(
        "better",
        {"a": Terms(0.1, 0.0), "b": Terms(0.0, 0.2), "c": Terms(0.3, 0.1)},
        {"a": Terms(0.2, 0.0), "b": Terms(0.0, 0.4), "c": Terms(0.1, 0.03)},
    )
    worse = judged("worse", {"a": Terms(1, 0.2)}, {"a": Terms(1, 0.1)})
    assert better.ratio(named(SETTING), 10) == pytest.approx(0.5)  # of 0.5, 0.5 and 3.25
    assert worse.ratio(named(SETTING), 10) == pytest.approx(1.5)
    rows = summarize(contest, [better, worse], [10])
    assert [(row["won"], row["judged_weight"]) for row in rows] == [(1, 10)]
    assert rows[0]["median"] == pytest.approx(1.0)
    assert (rows[0]["least"], rows[0]["most"]) == pytest.approx((0.5, 1.5))
    told = capsys.readouterr().out
    assert "1 of 2" in told
    assert PEER in told
    contest.peer = None  # then objectives are told
    alone = summarize(contest, [better, worse], [10])
    assert "won" not in alone[0]
    assert alone[0]["median"] == pytest.approx(statistics.mean([1.3, 3.0]))
    assert PEER not in capsys.readouterr().out


def test_everybody_paints_every_photo_in_the_style_of_the_painting(
    contest: Contest, tmp_path: Path
) -> None:
    make_photo(80, 60).save(tmp_path / "sea.png")
    painting = torch.rand(1, 3, 48, 64)
    found = contest.judged(tmp_path / "sea.png", painting)
    assert list(found.terms) == contest.painters == [PEER, "10, 256 px"]
    grams = contest.judge.grams(painting)
    for name, photo in contest.judge.photos.items():
        copied = contest.judge.terms(name, photo, grams)  # the photo itself, by 8 bits
        assert found.terms[PEER][name] == copied
        assert copied.content < 1e-3 < found.terms["10, 256 px"][name].content
    assert [words for words, _ in contest.rows] == ["sea, a", "sea, b"]
    assert all(len(pictures) == 2 + len(contest.painters) for _, pictures in contest.rows)


def test_in_a_round_all_choose_the_same_painting(
    contest: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for seed, file in enumerate(files):
        make_photo(80, 60, seed).save(file)
    ours: list[str] = []
    load = any_painting.load_painting

    def loaded(path: Path, size: int) -> torch.Tensor:
        ours.append(path.stem)
        return load(path, size)

    monkeypatch.setattr(any_painting, "load_painting", loaded)
    runs = works(contest, files, contest.judge.photos["a"])
    assert isinstance(contest.peer, Copyist)
    ours.clear()
    contest.peer.chosen.clear()
    for _ in range(4):
        for work in runs.values():
            work()
    assert ours == contest.peer.chosen
    assert set(ours) == set("abc")


def options(folder: Path, *more: str) -> argparse.Namespace:
    words = ["--paintings", str(folder / "paintings"), "--photos", str(folder / "photos"),
             "--size", "32", "--painting-size", "48", "--stroke-sizes", "256",
             "--style-weights", "6", "20", "--weights", "slim", "--device", "cpu",
             "--checkpoints", str(folder / "nets")]  # fmt: skip
    return parser().parse_args(["any", *words, *more])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos, two paintings and a file that is none, a net; timing takes no time."""
    saved_any(tmp_path / "nets", held_out=["b"])
    for name in ("paintings", "photos"):
        (tmp_path / name).mkdir()
        for seed, letter in enumerate("ab"):
            make_photo(70, 60, seed).save(tmp_path / name / f"{letter}.png")
    (tmp_path / "paintings" / "broken.png").write_bytes(b"no picture")

    def interleave(options: object, runs: Mapping[str, object], device: object) -> list[Round]:
        return [Round(dict.fromkeys(runs, 0.5), 0.1)]

    monkeypatch.setattr(any_painting, "interleave", interleave)
    return tmp_path


def test_without_the_peer_our_net_is_measured_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(any_painting, "find_peer", lambda: None)
    rows = run(options(folder, "--output", str(folder / "out"), "--judged-weights", "10", "30"))
    assert len(rows) == 2 * 2 + 2  # settings x weights, a pass, choosing
    figures = json.loads((folder / "out" / "figures.json").read_text())
    assert figures["peer"] is None
    assert [one["painting"] for one in figures["paintings"]] == ["a", "b"]
    terms = figures["paintings"][0]["terms"]
    assert list(terms) == ["6, 256 px", "20, 256 px"]
    ten = statistics.median(content + 10 * style for content, style in terms["6, 256 px"].values())
    thirty = [statistics.median(content + 30 * style for content, style in one["terms"]["6, 256 px"]
                                .values()) for one in figures["paintings"]]  # fmt: skip
    assert rows[0]["least"] <= ten <= rows[0]["most"]
    assert rows[1]["median"] == pytest.approx(statistics.median(thirty))
    assert "broken.png" in capsys.readouterr().err
    with Image.open(folder / "out" / "sheet.jpg") as sheet:
        assert sheet.width > 4 * 48  # painting, photo, and both settings


def test_against_the_peer_on_paintings_that_are_unseen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(any_painting, "find_peer", Copyist)
    rows = run(options(folder, "--unseen", "--output", str(folder / "out")))
    figures = json.loads((folder / "out" / "figures.json").read_text())
    assert figures["peer"] == f"{PEER} 1"
    (only,) = figures["paintings"]
    assert only["painting"] == "b"
    ours, theirs = (
        [content + 100 * style for content, style in only["terms"][who].values()]
        for who in ("20, 256 px", PEER)
    )
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    (row,) = (row for row in rows if row.get("judged_weight") == 100
              and row["setting"]["style_weight"] == 20)  # fmt: skip
    assert row["median"] == pytest.approx(statistics.median(ratios))
    assert row["won"] == int(row["median"] < 1)
    assert [row["what"] for row in rows if "what" in row] == ["pass", "choose", "pass"]


def test_a_setting_that_the_net_does_not_know_is_refused_before_the_work(folder: Path) -> None:
    with pytest.raises(InputError, match=r"stroke_size.*256.*768.*1000"):
        run(options(folder, "--stroke-sizes", "1000"))


def test_a_sheet_of_many_paintings_ends_somewhere(
    contest: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(any_painting, "MOST_ROWS", 3)
    for name in ("a[bold]", "c", "d"):
        make_photo(80, 60).save(tmp_path / f"{name}.png")
        contest.judged(tmp_path / f"{name}.png", torch.rand(1, 3, 48, 64))
    assert [words for words, _ in contest.rows] == ["a[bold], a", "a[bold], b", "c, a"]
