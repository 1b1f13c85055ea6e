"""``fst style-page``: what has no page is refused before anything is painted."""

import copy
from pathlib import Path

import pytest
from support import make_photo

from fst.assets import shipped
from fst.errors import CheckpointError, InputError
from fst.interfaces.arguments.style_page import parser
from fst.interfaces.commands.style_page import main
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tiny net that says that it was trained as the shipped Monet was; and two photos."""
    monkeypatch.chdir(tmp_path)
    about = copy.deepcopy(load_checkpoint(shipped("checkpoints") / "monet.safetensors").description)
    about["net"]["arguments"] |= {"width": 4, "residual_blocks": 1}
    about["style"]["name"] = "tiny"
    net = make_net(about["net"]["name"], about["net"]["arguments"])
    save_checkpoint(tmp_path / "tiny.safetensors", TrainedStyle(net, about))
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        make_photo(40, 32).save(tmp_path / "photos" / name)
    return "tiny.safetensors"


def written(*words: str) -> int:
    given = ["--photos", "photos", "--size", "32", "--device", "cpu", "--precision", "fp32"]
    return main(parser().parse_args([*words, *given, "--output", "pages"]))


@pytest.mark.parametrize("mine", ["tiny.md", "tiny.jpg"])
def test_what_is_no_page_is_replaced_with_overwrite_only(
    style: str, tmp_path: Path, mine: str
) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / mine).write_text("# mine")
    with pytest.raises(InputError, match="--overwrite") as caught:
        written(style)
    assert mine in str(caught.value)
    assert [path.name for path in (tmp_path / "pages").iterdir()] == [mine]
    assert (tmp_path / "pages" / mine).read_text() == "# mine"
    assert written(style, "--overwrite") == 0
    assert (tmp_path / "pages" / mine).read_bytes() != b"# mine"


def test_an_earlier_page_of_the_style_is_written_anew(style: str, tmp_path: Path) -> None:
    assert written(style, "--notes", "One.") == 0
    (tmp_path / "pages" / "tiny.jpg").unlink()  # as where it was killed
    assert written(style, "--notes", "Two.") == 0
    assert "Two." in (tmp_path / "pages" / "tiny.md").read_text()
    assert (tmp_path / "pages" / "tiny.jpg").is_file()


def test_a_photo_that_cannot_be_read_is_named_and_left_out(
    style: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    assert written(style) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "broken.jpg" in line
    assert "on 2 photos" in (tmp_path / "pages" / "tiny.md").read_text()


def test_a_style_that_does_not_say_how_it_was_trained_has_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    trained = TrainedStyle(make_net("johnson", {"width": 4, "residual_blocks": 1}), {
        "net": net, "style": {"name": "sea"},
    })  # fmt: skip
    save_checkpoint(tmp_path / "sea.safetensors", trained)
    with pytest.raises(InputError, match="how it was trained"):
        main(parser().parse_args(["sea.safetensors", "--output", "pages", "--device", "cpu"]))
    make_photo(20, 20).save(tmp_path / "sea.png")
    with pytest.raises(CheckpointError, match=r"sea\.png"):
        main(parser().parse_args(["sea.png", "--output", "pages", "--device", "cpu"]))
    assert not (tmp_path / "pages").exists()
