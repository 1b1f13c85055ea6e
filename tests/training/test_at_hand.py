"""fst.training.at_hand: VGG-19 judges where it is on this machine, and nothing is downloaded."""

from pathlib import Path
from typing import Any

import pytest
import torch

from fst.errors import InputError
from fst.training.at_hand import check_judge, judged_at_hand

HYBRID = {"weights": "at_hand", "slim_share": 0.5, "tv_weight": 0.5}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch.hub would have put VGG-19; a download would be seen."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.usefixtures("offline", "cache")
def test_without_vgg19_the_slim_network_judges_all_steps_and_a_line_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert judged_at_hand(HYBRID) == {**HYBRID, "weights": "slim", "slim_share": None}
    (line,) = capsys.readouterr().out.splitlines()
    for fact in ("VGG-19", "slim", "loss=hybrid"):
        assert fact in line


@pytest.mark.usefixtures("offline")
def test_vgg19_judges_where_an_earlier_training_has_downloaded_it(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cache / "vgg19-dcbb9e9d.pth").write_bytes(b"")
    assert judged_at_hand(HYBRID) == {**HYBRID, "weights": "auto"}
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("offline")
def test_vgg16_is_looked_for_where_a_training_asks_for_it(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {**HYBRID, "network": "vgg16"}
    (cache / "vgg19-dcbb9e9d.pth").write_bytes(b"")  # another network
    slim = {**asked, "network": None, "weights": "slim", "slim_share": None}
    assert judged_at_hand(asked) == slim
    assert "VGG-16 is not on this machine" in capsys.readouterr().out
    (cache / "vgg16-397923af.pth").write_bytes(b"")
    assert judged_at_hand(asked) == {**asked, "weights": "auto"}
    of_slim = judged_at_hand({**HYBRID, "network": "slim"})
    assert (of_slim["weights"], of_slim["slim_share"]) == ("slim", None)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ({"network": "vgg16", "weights": "caffe"}, "weights caffe are not VGG-16's"),
        ({"network": "vgg16", "style_layers": {"relu4_4": 1.0}}, "loss.style_layers"),
        ({"weights": "slim", "content_layers": {"relu5_4": 1.0}}, "ends at relu5_1"),
    ],
)
def test_weights_and_layers_of_another_network_are_refused_before_anything_is_loaded(
    loss: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        check_judge({"weights": "auto", **loss})


@pytest.mark.parametrize("own", [("slim", None), ("auto", 0.25)])
@pytest.mark.usefixtures("offline")
def test_a_run_keeps_the_networks_that_it_began_with(own: tuple[str, float | None]) -> None:
    its = {"weights": own[0], "slim_share": own[1], "tv_weight": 9.0}
    found = judged_at_hand(HYBRID, its)
    assert found == {**HYBRID, "weights": own[0], "slim_share": own[1]}


@pytest.mark.parametrize("loss", [{"weights": "slim"}, {"weights": "auto", "slim_share": 0.5}, {}])
def test_other_weights_are_left_as_they_are(loss: dict[str, Any]) -> None:
    assert judged_at_hand(loss, {"weights": "caffe"}) == loss
    assert judged_at_hand(loss) == loss
