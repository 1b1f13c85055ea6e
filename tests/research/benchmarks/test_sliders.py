"""fst.research.benchmarks.sliders: what is monotone is told, and what is not."""

import json
from pathlib import Path

import pytest
import torch
from support import make_photo
from tiny_any import saved_any

from fst.errors import InputError
from fst.image.painting import load_painting
from fst.interfaces.arguments.benchmark import parser
from fst.research.benchmarks.judged import Judge, Terms
from fst.research.benchmarks.sliders import (
    Found,
    Slider,
    is_monotone,
    measure,
    run,
    sliders,
    tell,
)
from fst.styles.predicted import Asked

USUAL = Asked(6.0, 512)


def test_values_that_rise_or_fall_all_the_way_are_monotone() -> None:
    assert is_monotone([1, 2, 3], 1)
    assert is_monotone([3, 2, 1], -1)
    assert not is_monotone([1, 2, 3], -1)
    assert not is_monotone([1, 3, 2], 1)
    assert not is_monotone([1, 1], 1)  # a slider that changes nothing is none


def test_one_slider_moves_while_the_other_stays() -> None:
    weight, stroke = sliders([12, 2, 2], [768, 256], USUAL)
    assert weight.positions == [Asked(2, 512), Asked(12, 512)]
    assert (weight.sizes, weight.value(weight.positions[1])) == ([512], 12)
    assert stroke.positions == [Asked(6, 256), Asked(6, 768)]
    assert (stroke.sizes, stroke.value(stroke.positions[1])) == ([256, 768], 768)
    with pytest.raises(InputError, match="--style-weights"):
        sliders([6], [256, 768], USUAL)
    with pytest.raises(InputError, match="--stroke-sizes"):
        sliders([2, 6], [512, 512], USUAL)
    with pytest.raises(InputError, match=r"style_weight.*50"):
        sliders([2, 50], [256, 512], USUAL)


def test_what_is_monotone_is_counted_by_painting_and_told_for_the_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slider, _ = sliders([2, 6, 12], [256, 512], USUAL)

    def painting(*terms: Terms) -> Found:
        return {a: {512: t} for a, t in zip(slider.positions, terms, strict=True)}

    good = painting(Terms(0.1, 0.9), Terms(0.2, 0.6), Terms(0.4, 0.3))
    odd = painting(Terms(0.3, 0.5), Terms(0.2, 0.6), Terms(0.4, 0.7))
    found = tell(slider, [good, odd], 3, "slim")
    assert found["monotone"] == {
        "content": {"mean": False, "paintings": 1},  # 0.2, 0.2, 0.4
        "style at 512 px": {"mean": True, "paintings": 1},  # 0.7, 0.6, 0.5
    }
    assert [row["position"] for row in found["rows"]] == [2, 6, 12]
    assert found["rows"][2]["content"] == pytest.approx(0.4)
    assert found["rows"][2]["style"] == {"512": pytest.approx(0.5)}
    told = capsys.readouterr().out
    assert "content rises with the style weight: NO in the mean, and for 1 of 2" in told
    assert "style at 512 px falls with the style weight: yes in the mean, and for 1 of 2" in told


def test_larger_strokes_are_judged_by_the_painting_small_and_large(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, slider = sliders([2, 6], [256, 768], USUAL)
    small, large = slider.positions
    found = {
        small: {256: Terms(0.5, 0.1), 768: Terms(0.5, 0.8)},
        large: {256: Terms(0.5, 0.3), 768: Terms(0.5, 0.2)},
    }
    told = tell(slider, [found], 1, "slim")["monotone"]
    assert {what: answer["mean"] for what, answer in told.items()} == {
        "style at 256 px": True, "style at 768 px": True,
    }  # fmt: skip
    assert "style at 768 px falls with the stroke size: yes" in capsys.readouterr().out


def test_every_position_is_painted_and_judged(tmp_path: Path) -> None:
    torch.manual_seed(0)
    make_photo(80, 60).save(tmp_path / "sea.png")
    photos = {"a": torch.rand(1, 3, 32, 32), "b": torch.rand(1, 3, 32, 32)}
    judge, net = Judge(photos, "slim"), saved_any(tmp_path / "nets")
    slider = Slider("style_weight", [Asked(2, 256), Asked(30, 256)], [64])
    found, shown = measure(net, judge, slider, tmp_path / "sea.png", torch.float32)
    assert list(found) == list(slider.positions)
    grams = judge.grams(load_painting(tmp_path / "sea.png", 64))
    painting = load_painting(tmp_path / "sea.png", 256)
    for asked, picture in zip(slider.positions, shown, strict=True):
        # the conditional net itself, without the ordinary net that is made of it
        embedding = net.embedding(painting, asked)[None]
        with torch.no_grad():
            painted = {name: net.net(photo, embedding) for name, photo in photos.items()}
        assert (painted["a"] - picture).abs().max() < 1e-3
        styles = [judge.terms(name, one, grams).style for name, one in painted.items()]
        assert found[asked][64].style == pytest.approx(sum(styles) / 2, rel=1e-2)


def test_figures_and_a_sheet_of_all_positions_are_written(tmp_path: Path) -> None:
    saved_any(tmp_path / "nets")
    make_photo(80, 60).save(tmp_path / "sea.png")
    (tmp_path / "photos").mkdir()
    make_photo(70, 60, 1).save(tmp_path / "photos" / "a.png")
    words = ["--paintings", "sea.png", "--photos", "photos", "--size", "32", "--weights", "slim",
             "--style-weights", "2", "30", "--stroke-sizes", "256", "320", "--stroke-size", "256",
             "--device", "cpu", "--checkpoints", "nets", "--output", "out"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        rows = run(parser().parse_args(["sliders", *words]))
    assert [row["slider"] for row in rows] == ["style_weight", "stroke_size"]
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert figures["paintings"] == ["sea"]
    assert [row["position"] for row in figures["sliders"][1]["rows"]] == [256, 320]
    assert (tmp_path / "out" / "sheet.jpg").is_file()
