"""``fst style-page``: what has no page is refused before anything is painted."""

from pathlib import Path

import pytest
from support import make_photo

from fst.errors import CheckpointError, InputError
from fst.interfaces.arguments.style_page import parser
from fst.interfaces.commands.style_page import main
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, save_checkpoint


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
