"""fst.research.benchmarks.judged: terms by hand, paintings and photos that are no pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support import make_photo
from tiny_any import saved_any

from fst.errors import AssetError, InputError
from fst.losses.functional import content_loss, gram_matrix, style_loss
from fst.research.benchmarks import judged
from fst.research.benchmarks.judged import (
    Judge,
    Terms,
    any_painting,
    check_any,
    find_paintings,
    judging_weights,
    means,
    read_squares,
    unseen,
)

CPU = torch.device("cpu")


def test_terms_are_weighted_and_averaged() -> None:
    assert Terms(0.5, 0.25).objective(10) == 3
    assert means([Terms(1, 4), Terms(3, 8)]) == Terms(2, 6)


def test_a_picture_is_judged_as_its_file_would_be() -> None:
    torch.manual_seed(0)
    photo, painting, picture = torch.rand(3, 1, 3, 48, 48).unbind()
    judge = Judge({"a": photo}, "slim")
    found = judge.terms("a", picture, judge.grams(painting))
    written = (picture * 255).round() / 255
    layers = [f"relu{block}_1" for block in range(1, 6)]
    with torch.no_grad():
        ours, wanted = judge.loss.vgg(written, layers), judge.loss.vgg(painting, layers)
        style = [
            float(style_loss(gram_matrix(ours[layer]), gram_matrix(wanted[layer])))
            for layer in layers
        ]
        content = content_loss(
            judge.loss.vgg(written, ["relu4_2"])["relu4_2"],
            judge.loss.vgg(photo, ["relu4_2"])["relu4_2"],
        )
    assert found.content == pytest.approx(float(content), rel=1e-4)
    assert found.style == pytest.approx(sum(style) / 5, rel=1e-4)
    assert judge.terms("a", photo, judge.grams(painting)).content < 1e-3


def test_the_slim_network_judges_where_vgg_is_missing_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(judged, "at_hand", lambda: None)
    assert judging_weights("auto") == "slim"
    told = capsys.readouterr().out
    assert "slim" in told
    assert "--weights torchvision" in told
    assert judging_weights("torchvision") == "torchvision"
    monkeypatch.setattr(judged, "at_hand", lambda: Path("vgg"))
    assert judging_weights("auto") == "auto"
    assert capsys.readouterr().out == ""


def test_without_an_any_painting_net_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=rf"any\.safetensors.*{tmp_path.name}"):
        check_any(tmp_path)
    net = saved_any(tmp_path)
    check_any(tmp_path)
    assert any_painting(tmp_path, CPU).trained.digest == net.trained.digest


def test_paintings_are_found_once_and_those_that_are_unseen_by_name(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        make_photo().save(tmp_path / f"{name}.png")
    everything = find_paintings([tmp_path / "b.png", tmp_path], [32])
    assert [path.name for path in everything] == ["b.png", "a.png", "c.png"]
    net = saved_any(tmp_path / "nets", held_out=["c.jpg", "x.jpg"])
    assert [path.name for path in unseen(everything, net)] == ["c.png"]
    with pytest.raises(InputError, match="none of these"):
        unseen([tmp_path / "a.png"], net)
    with pytest.raises(InputError, match="does not say"):
        unseen(everything, saved_any(tmp_path / "other"))
    with pytest.raises(InputError, match=r"nowhere\.jpg"):
        find_paintings([tmp_path / "nowhere.jpg"], [32])


def test_what_is_no_painting_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, broken, thin = (tmp_path / f"{name}.png" for name in ("good", "broken", "thin"))
    make_photo(64, 48).save(good)
    broken.write_bytes(b"no picture")
    make_photo(400, 20).save(thin)  # large enough at 400 pixels, but not at 64
    assert find_paintings([broken, good, thin], [64, 400]) == [good]
    told = capsys.readouterr().err
    assert "broken.png" in told
    assert "thin.png" in told
    with pytest.raises(InputError, match="broken"):
        find_paintings([broken], [32])
    assert capsys.readouterr().err == ""  # a single one is the error itself
    with pytest.raises(InputError, match="none of 2 pictures"):
        find_paintings([broken, thin], [64])


def test_photos_are_cut_to_their_middle_squares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = make_photo(60, 20)
    wide.save(tmp_path / "a.png")
    wide.rotate(90, expand=True).save(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_bytes(b"no picture")
    files = [tmp_path / name for name in ("a.png", "a.jpg", "b.png")]
    squares = read_squares(files, 20, CPU)
    assert list(squares) == ["a", str(tmp_path / "a.jpg")]  # both, though of one name
    middle = torch.from_numpy(np.array(wide.crop((20, 0, 40, 20)))).long()
    assert torch.equal((squares["a"][0].permute(1, 2, 0) * 255).round().long(), middle)
    assert "b.png" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"b\.png"):
        read_squares(files[2:], 20, CPU)
