"""fst.inference.sheet: which styles there are to show, and the picture of each."""

import os
from pathlib import Path

import pytest
import torch
from many_files import write_many, write_paintings
from support import make_photo
from tiny_any import save_any
from tiny_runs import save_style

from fst.errors import CheckpointError, FstError, FstWarning, InputError
from fst.image.io import load_image, save_image
from fst.image.style_sheet import Cell
from fst.inference.control import Layer, paint
from fst.inference.options import PassOptions
from fst.inference.sheet import SheetPainter, Wanted, cells, sources, wanted_styles
from fst.inference.stylizers import make_stylizer
from fst.nets.johnson import JohnsonNet
from fst.styles.catalog import find_style
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkpoints: any, base, two files of many styles, of which one style is alone, too."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    make_photo(64, 48).save("photo.png")
    folder = tmp_path / "nets"
    save_any(folder)
    write_many(folder / "gallery.safetensors", ("kiss", "irises"))
    write_many(folder / "more.safetensors", ("sea", "kiss"))
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    for name in ("irises", "base"):
        alone = TrainedStyle(JohnsonNet(4, 1), {"net": net, "style": {"name": name}})
        save_checkpoint(folder / f"{name}.safetensors", alone)
    return folder


def test_every_style_that_there_is_a_net_for(nets: Path) -> None:
    wanted = wanted_styles([], nets)
    assert [one.name for one in wanted] == ["irises", "kiss", "gallery:irises", "sea", "more:kiss"]
    for one in wanted:
        found = find_style(one.word, nets)
        assert found.trained is not None
        assert found.name == one.name.rpartition(":")[2]
    files = [one.files[0].name for one in wanted]
    assert files == [
        f"{name}.safetensors" for name in ("irises", "gallery", "gallery", "more", "more")
    ]


def test_those_that_words_mean(nets: Path) -> None:
    first, second = write_paintings(Path("paintings/below"), "a", "b")
    (Path("paintings") / "notes.txt").write_text("none")
    words = [
        "kiss",
        "gallery",
        "paintings",
        str(nets / "irises.safetensors"),
        "more:kiss",
        str(first),
    ]
    with pytest.warns(FstWarning, match="more:kiss"):
        wanted = wanted_styles(words, nets)
    assert [one.word for one in wanted] == [
        "kiss", "gallery:kiss", "gallery:irises", str(first), str(second),
        str(nets / "irises.safetensors"), "more:kiss",
    ]  # fmt: skip
    assert [one.name for one in wanted] == [
        "gallery:kiss", "gallery:kiss", "irises", "a.jpg", "b.jpg", "irises.safetensors",
        "more:kiss",
    ]  # fmt: skip
    assert wanted[3].files == (first,)


def test_what_is_no_style_is_one_line(nets: Path, tmp_path: Path) -> None:
    Path("empty").mkdir()
    for words, said in (
        (["nosuch"], "no style 'nosuch'"),
        (["nowhere.png"], "no painting"),
        (["empty"], "no photos in 'empty'"),
        (["gallery:nosuch"], "no style 'nosuch' in gallery"),
        (["sea=0.5,nosuch=0.5"], "no style 'nosuch'"),
    ):
        with pytest.raises(InputError, match=said):
            wanted_styles(words, nets)
    with pytest.raises(CheckpointError, match=r"no checkpoint 'nowhere\.safetensors'"):
        wanted_styles(["nowhere.safetensors"], nets)
    with pytest.raises(InputError, match="no folder"):
        wanted_styles([], tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no trained styles.*--styles DIR"):
        wanted_styles([], Path("empty"))


def test_results_of_before_are_no_paintings(nets: Path) -> None:
    (painting,) = write_paintings(Path("paintings"), "a")
    record = {"format": 1, "program": "fst", "styles": [{"name": "kiss"}]}
    save_image("paintings/result.png", load_image("photo.png"), record=record)
    assert [one.word for one in wanted_styles(["paintings"], nets)] == [str(painting)]
    painting.unlink()
    with pytest.raises(InputError, match="only results"):
        wanted_styles(["paintings"], nets)


def test_a_cell_shows_what_the_style_paints(nets: Path) -> None:
    photo = load_image("photo.png")
    painter = SheetPainter(photo, nets, PassOptions(backend="eager"))
    for wanted in wanted_styles(["sea", "gallery:irises", "gallery:irises=0.5,sea=0.5"], nets):
        style = find_style(wanted.word, nets)
        stylizer = make_stylizer(style, "feedforward", PassOptions(backend="eager"))
        expected = paint(photo, [Layer(stylizer)])
        cell = painter.cell(wanted)
        torch.testing.assert_close(cell.picture, expected.rgb)
        assert cell.painting is None


def test_a_paintings_cell_shows_it_and_what_is_known_of_it(nets: Path) -> None:
    (painting,) = write_paintings(Path("paintings"), "a")
    Path("paintings/paintings.csv").write_text("file,title,painter\na.jpg,The Sea,A. B.\n")
    photo = load_image("photo.png")
    usual, heavy = (
        SheetPainter(photo, nets, style_weight=weight).cell(Wanted(str(painting), "a.jpg"))
        for weight in (None, 30.0)
    )
    assert usual.note == "The Sea, A. B."
    assert usual.painting is not None
    assert max(usual.painting.shape[2:]) == 160
    assert (usual.picture - heavy.picture).abs().max() > 1e-3


def test_what_is_transparent_is_white(nets: Path) -> None:
    image = make_photo(64, 48).convert("RGBA")
    image.putalpha(0)
    image.save("clear.png")
    cell = SheetPainter(load_image("clear.png"), nets).cell(Wanted("sea", "sea"))
    assert bool((cell.picture == 1).all())


def test_a_style_that_cannot_be_had_is_told_and_the_rest_goes_on(nets: Path) -> None:
    write_paintings(Path("paintings"), "a", "c")
    Path("paintings/b.jpg").write_bytes(b"broken")
    Path("paintings/d.png").symlink_to(nets / "nothing.png")
    wanted = wanted_styles(["paintings/a.jpg", "paintings/b.jpg", "paintings/c.jpg"], nets)
    made = [made for _, made in cells(SheetPainter(load_image("photo.png"), nets), wanted)]
    assert [isinstance(one, Cell) for one in made] == [True, False, True]
    assert isinstance(made[1], FstError)
    assert "b.jpg" in str(made[1])


def test_a_painting_without_the_any_painting_net_is_one_line(nets: Path) -> None:
    (painting,) = write_paintings(Path("paintings"), "a")
    (nets / "any.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"a\.jpg is a painting.*no any\.safetensors"):
        SheetPainter(load_image("photo.png"), nets).find(str(painting))


def test_the_record_tells_when_a_source_has_changed(nets: Path) -> None:
    wanted = wanted_styles([], nets)
    before = sources(wanted)
    assert sources(wanted) == before
    assert [one["name"] for one in before] == [one.name for one in wanted]
    write_many(nets / "more.safetensors", ("sea", "kiss"), seed=3)
    changed = [a["name"] for a, b in zip(before, sources(wanted), strict=True) if a != b]
    assert changed == ["sea", "more:kiss"]


def test_of_one_name_in_several_places_each_says_which_it_is(nets: Path) -> None:
    for folder in ("x/one", "x/two", "y/two", "."):
        write_paintings(Path(folder), "a")
    write_paintings(Path("x/one"), "alone")
    words = ["x", "a.jpg", "y/two/a.jpg", "./a.jpg", "irises", "gallery"]
    wanted = wanted_styles(words, nets)
    assert [one.name for one in wanted] == [
        "x/one/a.jpg", "alone.jpg", "x/two/a.jpg", "a.jpg", "y/two/a.jpg", "irises", "kiss",
        "gallery:irises",
    ]  # fmt: skip
    shorter = wanted_styles(["x/one/a.jpg", "x/two/a.jpg"], nets)
    assert [one.name for one in shorter] == ["one/a.jpg", "two/a.jpg"]
    assert [one.files[0] for one in shorter] == [Path(one.word) for one in shorter]


def test_names_that_are_no_text_are_shown_and_told(nets: Path) -> None:
    (painting,) = write_paintings(Path("odd"), "a")
    try:
        painting.rename(Path("odd") / os.fsdecode(b"bad\xff\n.jpg"))
    except OSError:
        pytest.skip("this system's file names are text")
    wanted = wanted_styles(["odd"], nets)
    assert [one.name for one in wanted] == ["bad\\udcff\\n.jpg"]
    assert sources(wanted)[0]["name"] == wanted[0].name
    assert SheetPainter(load_image("photo.png"), nets).cell(wanted[0]).name == wanted[0].name


def test_the_small_net_of_a_style_is_only_taken_where_it_is_named(tmp_path: Path) -> None:
    for name in ("monet", "monet_small", "alone_small"):
        save_style(tmp_path / f"{name}.safetensors", 1)
    assert [one.name for one in wanted_styles([], tmp_path)] == ["alone_small", "monet"]
    assert [one.name for one in wanted_styles(["monet_small"], tmp_path)] == ["monet_small"]
