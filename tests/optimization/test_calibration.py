"""The balance that was asked for comes out, whatever the painting and the network's scale."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import FstWarning, InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS, PerceptualLoss
from fst.optimization import calibration
from fst.optimization.calibration import Calibration, calibrate, calibrate_once, pilot_photos


def textured(seed: int) -> Tensor:
    """As much energy in every octave, as photos have: ``(1, 3, 64, 64)``."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, 64, 64)
    for octave in range(5):
        noise = torch.randn(1, 3, 64 >> octave, 64 >> octave, generator=generator)
        picture += F.interpolate(noise, (64, 64), mode="bicubic")
    return (0.5 + 0.1 * picture).clamp(0, 1)


FACTORS = dict(
    zip([*CONTENT_LAYERS, *STYLE_LAYERS], (0.01, 30.0, 2.0, 0.1, 100.0, 0.5), strict=True)
)

PHOTOS = torch.cat([textured(1), textured(2)])
FOUR = [*PHOTOS, *PHOTOS]


@pytest.fixture
def painting() -> Tensor:
    """Stripes, in few colors."""
    waves = torch.sin(torch.arange(64) / 2.5 + torch.linspace(0, 6, 64)[:, None])
    return torch.stack([0.5 + 0.4 * waves.sign(), 0.5 + 0.2 * waves, 0.8 - 0.3 * waves])[None]


def loss(painting: Tensor, **options: object) -> PerceptualLoss:
    """Of the slim network, which comes with the package and has learned from photos."""
    return PerceptualLoss(painting, weights="slim", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("strength", [0.1, 0.25])
@pytest.mark.parametrize("contrast", [0.2, 1.0])
def test_the_content_comes_out_as_asked_for(
    painting: Tensor, strength: float, contrast: float
) -> None:
    judge = loss(0.5 + contrast * (painting - 0.5))
    found = calibrate(judge, PHOTOS, strength)
    assert found.content == pytest.approx(strength, rel=0.2)
    assert judge.style_weight == found.style_weight


def test_more_strength_is_more_style(painting: Tensor) -> None:
    weak, strong = (calibrate(loss(painting), PHOTOS, strength) for strength in (0.1, 0.3))
    assert strong.style_weight > weak.style_weight
    assert strong.style < weak.style


def test_the_weight_that_was_there_before_does_not_matter(painting: Tensor) -> None:
    found = [calibrate(loss(painting, style_weight=w), PHOTOS, 0.2) for w in (0.0, 3.0, 100.0)]
    assert found[0] == found[1] == found[2]


def test_only_the_ratio_of_the_weights_is_found(painting: Tensor) -> None:
    one = calibrate(loss(painting, content_weight=1.0, tv_weight=0.0), PHOTOS, 0.2)
    ten = calibrate(loss(painting, content_weight=10.0, tv_weight=0.0), PHOTOS, 0.2)
    assert ten.style_weight == pytest.approx(10 * one.style_weight, rel=0.02)
    assert ten.content == pytest.approx(one.content, rel=0.02)


def test_the_loss_networks_scale_does_not_matter(
    painting: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = calibrate(loss(painting), PHOTOS, 0.2)
    original = VGG19.forward

    def scaled(self: VGG19, *arguments: object) -> dict[str, Tensor]:
        features = original(self, *arguments)  # type: ignore[arg-type]
        return {name: FACTORS[name] * value for name, value in features.items()}

    monkeypatch.setattr(VGG19, "forward", scaled)
    other = calibrate(loss(painting), PHOTOS, 0.2)
    assert tuple(other) == pytest.approx(tuple(plain), rel=0.05)


@pytest.mark.parametrize("wrong", [0, 1, -0.5, 0.04, float("nan"), "strong", None, True])
def test_a_strength_out_of_range_is_refused(painting: Tensor, wrong: object) -> None:
    with pytest.raises(InputError, match=r"strength_target must be from 0\.05 to 0\.95"):
        calibrate(loss(painting), PHOTOS, wrong)  # type: ignore[arg-type]


def test_without_content_there_is_no_balance(painting: Tensor) -> None:
    with pytest.raises(InputError, match="content weight"):
        calibrate(loss(painting, content_weight=0.0), PHOTOS, 0.2)


def test_photos_that_are_not_finite_end_in_a_clear_line(painting: Tensor) -> None:
    with pytest.raises(InputError, match="not finite"):
        calibrate(loss(painting), PHOTOS * torch.nan, 0.2)


def test_every_step_is_told(painting: Tensor) -> None:
    steps: list[int] = []
    calibrate(loss(painting), PHOTOS, 0.2, lambda step, found: steps.append(step))
    assert steps == list(range(len(steps)))
    assert len(steps) > 20


def test_photos_for_the_pilot_are_few_and_small() -> None:
    stripes = torch.linspace(0, 0.5, 256).expand(3, 256, 256)
    crops = [stripes + k / 40 for k in range(20)]
    photos = pilot_photos(crops, 4)
    assert photos.shape == (4, 3, 192, 192)
    assert photos.mean((1, 2, 3)).tolist() == pytest.approx([0.25, 0.375, 0.5, 0.625], abs=1e-3)
    assert pilot_photos(crops[:1], 4).shape == (1, 3, 192, 192)
    assert pilot_photos([torch.rand(3, 64, 64)] * 9, 16).shape == (9, 3, 64, 64)


@pytest.mark.parametrize(("weights", "count"), [("slim", 16), ("random", 4)])
def test_a_light_network_sees_more_photos(
    painting: Tensor,
    weights: str,
    count: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[int] = []

    def look(judge: object, photos: Tensor, *_: object) -> Calibration:
        seen.append(len(photos))
        return Calibration(1.0, 0.2, 0.1)

    monkeypatch.setattr(calibration, "calibrate", look)
    judge = PerceptualLoss(painting, weights=weights)
    calibrate_once(judge, [PHOTOS[0]] * 20, 0.2, tmp_path / "calibration.json")
    assert seen == [count]
    assert f"{count} photos" in capsys.readouterr().out


def test_how_far_the_photos_are_apart_is_told(painting: Tensor) -> None:
    found = calibrate(loss(painting), PHOTOS, 0.2)
    assert found.photos == 2
    assert found.least is not None
    assert found.most is not None
    assert found.least < found.content < found.most
    assert (found.least + found.most) / 2 == pytest.approx(found.content)
    alone = calibrate(loss(painting), PHOTOS[:1], 0.2)
    assert alone.least == alone.most == pytest.approx(alone.content)


def test_a_record_of_an_earlier_version_is_taken(painting: Tensor, tmp_path: Path) -> None:
    record = tmp_path / "calibration.json"
    found = calibrate_once(loss(painting), FOUR, 0.2, record)
    kept = json.loads(record.read_text())
    for name in ("least", "most", "photos"):
        del kept[name]
    record.write_text(json.dumps(kept | {"style_weight": 7.0}))
    expected = Calibration(7.0, found.content, found.style)
    assert calibrate_once(loss(painting), FOUR, 0.2, record) == expected


def test_photos_that_show_nothing_are_not_in_the_pilot() -> None:
    photos = [torch.full((3, 64, 64), 0.1 * i) for i in range(8)]
    photos[2], photos[5] = PHOTOS
    assert torch.equal(pilot_photos(photos, 4), PHOTOS)


@pytest.mark.parametrize("photos", [[], [torch.ones(3, 64, 64), torch.zeros(3, 64, 64)]])
def test_a_pilot_without_a_photo_that_shows_something_is_one_line(
    painting: Tensor, tmp_path: Path, photos: list[Tensor]
) -> None:
    with pytest.raises(InputError, match=r"one color.*style\.style_weight"):
        calibrate_once(loss(painting), photos, 0.2, tmp_path / "calibration.json")
    assert list(tmp_path.iterdir()) == []


def test_a_weight_that_is_found_on_few_photos_is_said_to_be(
    painting: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "calibrate", lambda *_: Calibration(1.0, 0.2, 0.1))
    for count, said in ((1, "on 1 photo only"), (3, "on 3 photos only")):
        with pytest.warns(FstWarning, match=said):
            calibrate_once(loss(painting), FOUR[:count], 0.2, tmp_path / f"{count}.json")


def test_a_pilot_that_takes_its_time_says_how_long(
    painting: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0

    def steps(judge: object, photos: object, strength: float, told: Any) -> Calibration:
        nonlocal now
        for step in range(calibration.ITERATIONS + 1):
            now += 40.0 if step == 0 else pace  # the first one is not measured
            told(step, Calibration(1.0, 0.2, 0.1))
        return Calibration(1.0, 0.2, 0.1)

    monkeypatch.setattr(calibration, "calibrate", steps)
    monkeypatch.setattr(calibration, "time", SimpleNamespace(perf_counter=lambda: now))
    for pace, lines in ((2.0, ["90", "72", "48", "24"]), (0.05, [])):
        calibrate_once(loss(painting), FOUR, 0.2, tmp_path / f"{pace}.json")
        first, *others = capsys.readouterr().out.splitlines()
        assert "4 photos" in first
        assert [line.split("about ")[1].split()[0] for line in others] == lines
        assert all(line.endswith(" s left") for line in others)


def test_a_resumed_run_keeps_its_weight(painting: Tensor, tmp_path: Path) -> None:
    record = tmp_path / "calibration.json"
    first = loss(painting)
    found = calibrate_once(first, FOUR, 0.2, record)
    kept = json.loads(record.read_text())
    assert kept["strength_target"] == 0.2
    assert {key: kept[key] for key in found._fields} == found._asdict()
    kept["style_weight"] = 7.0  # another machine's last digits
    record.write_text(json.dumps(kept))
    again = loss(painting)
    assert calibrate_once(again, FOUR, 0.2, record) == found._replace(style_weight=7.0)
    assert again.style_weight == 7.0


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"strength_target": 0.2}', "null"])
def test_a_damaged_record_is_written_anew(
    painting: Tensor, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = Calibration(3.0, 0.2, 0.1)
    monkeypatch.setattr(calibration, "calibrate", lambda *_: anew)
    record = tmp_path / "calibration.json"
    record.write_text(damage)
    assert calibrate_once(loss(painting), FOUR, 0.2, record) == anew
    kept = json.loads(record.read_text())
    assert Calibration(**{key: kept[key] for key in anew._fields}) == anew


def test_another_painting_or_loss_is_calibrated_anew(
    painting: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = iter(range(1, 9))
    monkeypatch.setattr(
        calibration,
        "calibrate",
        lambda *_: Calibration(float(next(weights)), 0.2, 0.1),
    )
    judges = [
        loss(painting),
        loss(painting, style_weight=99.0),  # the weight before is not what a run is about
        loss(0.5 * painting),
        loss(0.5 * painting, tv_weight=9.0),
        loss(painting),
    ]
    record = tmp_path / "calibration.json"
    found = [calibrate_once(judge, FOUR, 0.2, record).style_weight for judge in judges]
    assert found == [1, 1, 2, 3, 4]


def test_another_strength_is_calibrated_anew(painting: Tensor, tmp_path: Path) -> None:
    record = tmp_path / "calibration.json"
    weak = calibrate_once(loss(painting), FOUR, 0.1, record)
    assert calibrate_once(loss(painting), FOUR, 0.3, record) != weak
