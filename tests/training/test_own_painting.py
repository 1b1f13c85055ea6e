"""fst.training.own_painting: beside the styles that come with fst."""

import pytest

from fst.errors import FstWarning, InputError
from fst.training.own_painting import own_painting

IMAGE = "monet_woman_with_a_parasol.jpg"
MONET = {"name": "monet", "image": IMAGE, "title": "Lilies", "painter": "Claude Monet",
         "year": 1899, "rights": "public domain"}  # fmt: skip


def test_another_painting_is_not_trained_under_a_shipped_styles_name() -> None:
    with pytest.raises(InputError) as caught:
        own_painting({**MONET, "image": "cat.jpg"}, "monet", {"style", "style.image"})
    assert all(fact in str(caught.value) for fact in ("cat.jpg", "monet", "style.name="))
    style = {**MONET, "image": "cat.jpg"}
    with pytest.warns(FstWarning, match=r"cat\.jpg.*monet"):
        own_painting(style, "monet", {"style", "style.image", "style.name"})
    assert (style["title"], style["painter"], style["year"]) == (None, None, None)


@pytest.mark.parametrize("style_file", [None, "poppies", "_several"])
def test_a_shipped_styles_name_for_a_net_of_ones_own_is_told(style_file: str | None) -> None:
    image = None if style_file == "_several" else "cat.jpg"
    style = {**MONET, "image": image}
    with pytest.warns(FstWarning, match=r"monet.*style\.name=my_monet") as caught:
        own_painting(style, style_file, {"style.name", *(["style.image"] if image else [])})
    assert len(caught) == 1
    assert (style["title"], style["year"]) == (None, None)


def test_a_run_that_is_resumed_by_a_shipped_styles_name_is_not_told(
    recwarn: pytest.WarningsRecorder,
) -> None:
    own_painting({**MONET, "image": "unknown"}, None, {"resume", "style.name"})
    assert list(recwarn) == []


@pytest.mark.parametrize("image", ["monet_woman_with_a_parasol.jpg", "scans/monet.tif"])
def test_another_scan_of_a_shipped_painting_keeps_its_title(image: str) -> None:
    style = {**MONET, "image": image}
    own_painting(style, "monet", {"style"})
    assert style == {**MONET, "image": image}


def test_what_is_typed_of_an_own_painting_is_kept() -> None:
    style = {**MONET, "name": "mine"}
    own_painting(style, "monet", {"style", "style.title"})
    assert (style["title"], style["painter"], style["rights"]) == ("Lilies", None, None)
