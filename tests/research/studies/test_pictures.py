"""Pictures of a study are painted once, judged by one loss, and never replaced unasked."""

import json
from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import InputError
from fst.image.io import load_image
from fst.image.record import read_record
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.options import PassOptions
from fst.losses.perceptual import PerceptualLoss
from fst.research.studies.cases import Asked, Case, Study, open_photo, open_style
from fst.research.studies.page import FIGURES
from fst.research.studies.pictures import Pictures, in_words
from fst.styles.objective import style_target


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Study:
    monkeypatch.chdir(tmp_path)
    make_photo(40, 32).save("photo.png")
    make_photo(40, 40, seed=3).save("sea.png")
    photo, style = open_photo(Path("photo.png"), 32), open_style("sea.png")
    cases = [
        Case("", "from the photo", "photo", photo, style),
        Case("", "from noise", "noise", photo, style, {"init": "noise", "seed": 1}),
    ]
    return Study("start", "Starts", "About.", cases)


def asked(iterations: int = 2) -> Asked:
    return Asked(32, {"iterations": iterations, "weights": "slim"}, PassOptions())


def painted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every picture that is painted."""
    calls: list[int] = []
    paint = OptimizingStylizer.__call__

    def counted(self: OptimizingStylizer, *given: object) -> torch.Tensor:
        calls.append(1)
        return paint(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(OptimizingStylizer, "__call__", counted)
    return calls


def test_a_picture_is_painted_once(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, said = painted(monkeypatch), list[str]()
    Pictures(Path("out"), study, asked()).paint(said.append)
    assert len(calls) == 2
    assert "picture 1 of 2: from the photo" in said[0]
    before = {path: path.read_bytes() for path in Path("out").rglob("*.png")}
    assert len(before) == 2
    again = Pictures(Path("out"), study, asked())
    assert again.done == {"photo", "noise"}
    again.paint(said.append)
    assert len(calls) == 2
    (Path("out/pictures/noise.png")).unlink()  # as if it had been stopped there
    Pictures(Path("out"), study, asked()).paint(said.append)
    assert len(calls) == 3
    assert {path: path.read_bytes() for path in Path("out").rglob("*.png")} == before


def test_what_was_painted_otherwise_is_replaced_only_when_asked(study: Study) -> None:
    Pictures(Path("out"), study, asked()).paint(lambda line: None)
    with pytest.raises(InputError, match=r"iterations 2, now 3.*--overwrite"):
        Pictures(Path("out"), study, asked(3))
    Pictures(Path("out"), study, asked(3), overwrite=True).paint(lambda line: None)
    record = read_record("out/pictures/photo.png")
    assert record is not None
    assert record["styles"][0]["iterations"] == 3
    make_photo(40, 32, seed=8).save("out/pictures/photo.png")
    with pytest.raises(InputError, match="does not say how it was painted"):
        Pictures(Path("out"), study, asked(3))


def test_what_is_no_file_is_not_replaced(study: Study) -> None:
    Path("out/pictures").mkdir(parents=True)
    Path("out/pictures/photo.png").symlink_to("nowhere")
    with pytest.raises(InputError, match="another --output"):
        Pictures(Path("out"), study, asked(), overwrite=True)


def test_a_damaged_picture_or_lost_figures_are_painted_anew(study: Study) -> None:
    Pictures(Path("out"), study, asked()).paint(lambda line: None)
    file = Path("out/pictures/photo.png")
    file.write_bytes(file.read_bytes()[:-100])
    assert Pictures(Path("out"), study, asked()).done == {"noise"}
    Path("out", FIGURES).write_text("[]")
    assert Pictures(Path("out"), study, asked()).done == set()


def test_figures_are_those_of_one_loss(study: Study) -> None:
    pictures = Pictures(Path("out"), study, asked())
    pictures.paint(lambda line: None)
    kept = json.loads(Path("out", FIGURES).read_text())
    style, photo = study.cases[0].style, study.cases[0].photo.rgb
    loss = PerceptualLoss(style_target("sea.png", style.size), 1.0, 1.0, 0.0, weights="slim")
    with torch.no_grad():
        terms = loss(load_image("out/pictures/noise.png").rgb, loss.content_targets(photo))
    found = kept["noise"]
    assert found["content"] == pytest.approx(float(terms.content), rel=1e-4)
    assert found["style"] == pytest.approx(float(terms.style), rel=1e-4)
    assert found["objective"] == pytest.approx(found["content"] + 6.0 * found["style"])
    assert found["seconds"] > 0


def test_options_that_contradict_are_told_before_the_work(study: Study) -> None:
    wrong = Study("start", "", "", [Case("", "", "a", study.cases[0].photo, study.cases[0].style,
                                         {"clamp": True})])  # fmt: skip
    with pytest.raises(InputError, match="clamp"):
        Pictures(Path("out"), wrong, asked())
    assert not Path("out").exists()


def test_seconds_in_words() -> None:
    assert (in_words(8.2), in_words(200)) == ("8 s", "3 min")
