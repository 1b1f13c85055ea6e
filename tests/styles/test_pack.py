"""fst.styles.pack: which styles can lie in one file, and what is kept of them."""

import warnings
from pathlib import Path

import pytest
import torch
from many_files import write_many, write_paintings
from PIL import Image
from support import make_photo
from tiny_any import save_any

from fst.errors import CheckpointError, FstWarning, InputError
from fst.image.painting import load_painting
from fst.nets.johnson import JohnsonNet
from fst.styles.many import load_many, row_of, save_many, style_of
from fst.styles.pack import gather
from fst.styles.predicted import Asked, load_any
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system.checksum import checksum


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of checkpoints with the any-painting net; the current folder has two paintings."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    write_paintings(tmp_path / "here", "sea", "wood")
    save_any(tmp_path / "nets")
    return tmp_path / "nets"


def test_a_packed_painting_is_what_the_any_painting_net_makes_of_it(nets: Path) -> None:
    pack = gather(["sea.jpg", "wood.jpg"], nets, style_weight=9.0, stroke_size=300)
    path = nets / "both.safetensors"
    save_many(path, pack.shared, pack.rows)
    any_painting = load_any(nets)
    assert any_painting is not None
    asked = Asked(9.0, 300)
    numbers = any_painting.embedding(load_painting("wood.jpg", 300), asked)
    expected = any_painting.net.net_for(numbers)(photos := torch.rand(1, 3, 32, 36))
    painted = style_of(path, "wood").net(photos)
    assert (painted - expected).abs().max() < 1 / 255
    assert (style_of(path, "sea").net(photos) - expected).abs().max() > 0.005


def test_what_is_known_of_paintings_is_kept(nets: Path) -> None:
    Path("paintings.csv").write_text(
        "file,painter,title,year,rights\nsea.jpg,A. B.,The Sea,1874,public domain\n",
        encoding="utf-8",
    )
    sea, wood = (said for _, said in gather(["./sea.jpg", "wood.jpg"], nets).rows)
    assert sea == {
        "name": "sea", "title": "The Sea", "painter": "A. B.", "year": 1874,
        "rights": "public domain", "image": "sea.jpg", "image_sha256": checksum(Path("sea.jpg")),
        "size": 512, "style_weight": 12.0,
    }  # fmt: skip
    assert sorted(wood) == ["image", "image_sha256", "name", "size", "style_weight"]


def test_a_style_file_says_what_its_painting_is(
    nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (painting,) = write_paintings(tmp_path / "assets" / "styles", "monet_woman_with_a_parasol")
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    ((_, about),) = gather(["monet"], nets).rows
    assert (about["name"], about["painter"], about["year"]) == (
        "monet", "Claude Monet", 1875,
    )  # fmt: skip
    assert about["image"] == "monet_woman_with_a_parasol.jpg"
    assert about["image_sha256"] == checksum(painting)


def test_a_file_of_the_users_is_not_taken_for_a_painting_that_comes_with_fst(nets: Path) -> None:
    write_paintings(Path("mine"), "monet_woman_with_a_parasol")
    ((_, about),) = gather(["mine/monet_woman_with_a_parasol.jpg"], nets).rows
    assert about["image"] == "./monet_woman_with_a_parasol.jpg"
    assert "painter" not in about


def test_names_are_made_fit_for_addresses_and_blends(nets: Path) -> None:
    Path("sea.jpg").rename("a=b,c:d.jpg")
    with pytest.warns(FstWarning, match=r"a=b,c:d\.jpg is called a-b-c-d"):
        pack = gather(["./a=b,c:d.jpg"], nets)
    assert pack.rows[0][1]["name"] == "a-b-c-d"
    Path("a-b-c-d.jpg").write_bytes(Path("wood.jpg").read_bytes())
    with pytest.warns(FstWarning), pytest.raises(InputError, match=r"two styles .* a-b-c-d"):
        gather(["./a=b,c:d.jpg", "a-b-c-d.jpg"], nets)


def test_a_folder_means_its_paintings_and_what_is_none_is_left_out_by_name(nets: Path) -> None:
    write_paintings(Path("mine/below"), "monet_woman_with_a_parasol", "hill")
    Path("mine/a.jpg").write_bytes(b"broken")
    whole = Path("wood.jpg").read_bytes()
    Path("mine/cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (80, 80), "red").save("mine/flat.png")
    Image.new("RGB", (80, 80), "red").save("mine/.hidden.png")
    Path("mine/notes.txt").write_text("none")
    pack = gather(["mine", "sea.jpg"], nets)
    assert [about["name"] for _, about in pack.rows] == [
        "hill",
        "monet_woman_with_a_parasol",
        "sea",
    ]
    assert [about["image"] for _, about in pack.rows] == [
        "hill.jpg",
        "./monet_woman_with_a_parasol.jpg",
        "sea.jpg",
    ]
    assert len(pack.left_out) == 3
    for name, line in zip(("a.jpg", "cut.jpg", "flat.png"), pack.left_out, strict=True):
        assert f"mine/{name}" in line
    alone = gather(["mine/below/hill.jpg"], nets)
    assert torch.equal(alone.rows[0][0], pack.rows[0][0])
    with pytest.raises(InputError, match=r"mine/flat\.png .*one color"):
        gather(["mine/flat.png"], nets)  # named, it is an error


def test_a_folder_that_cannot_be_packed_is_one_line(nets: Path) -> None:
    Path("empty").mkdir()
    with pytest.raises(InputError, match="'empty'"):
        gather(["empty"], nets)
    write_paintings(Path("two/one"), "hill")
    write_paintings(Path("two/other"), "hill")
    with pytest.raises(InputError, match=r"two styles .* hill .*two/one/hill.*two/other/hill"):
        gather(["two"], nets)
    with pytest.raises(InputError, match=r"style_weight.*40.*41"):
        gather(["two/one"], nets, style_weight=41)
    Path("none").mkdir()
    Path("none/a.jpg").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"nothing to pack.*a\.jpg"):
        gather(["none"], nets)


def test_the_current_folders_pictures_are_no_paintings_that_come_with_fst(nets: Path) -> None:
    write_paintings(Path(), "monet_woman_with_a_parasol")
    pack = gather(["."], nets)
    assert [about["name"] for _, about in pack.rows] == [
        "monet_woman_with_a_parasol",
        "sea",
        "wood",
    ]
    assert pack.rows[0][1]["image_sha256"] == checksum(Path("monet_woman_with_a_parasol.jpg"))


def test_a_painting_of_few_pixels_is_said(nets: Path) -> None:
    make_photo(90, 63).save("few.png")
    make_photo(90, 64).save("enough.png")
    with pytest.warns(FstWarning, match=r"few\.png has few pixels, 90x63"):
        gather(["few.png"], nets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gather(["enough.png"], nets)


def test_files_of_many_styles_are_taken_whole_or_by_the_style(nets: Path) -> None:
    write_many(nets / "gallery.safetensors", ("kiss", "irises", "cray"))
    pack = gather(["sea.jpg", "gallery:irises", "kiss"], nets)
    assert [about["name"] for _, about in pack.rows] == ["sea", "irises", "kiss"]
    gallery = load_many(nets / "gallery.safetensors")
    assert torch.equal(pack.rows[1][0], row_of(gallery, "irises")[0])
    pack = gather(["gallery", "wood.jpg"], nets)
    assert [about["name"] for _, about in pack.rows] == ["kiss", "irises", "cray", "wood"]


def test_packed_again_the_numbers_stay_the_same(nets: Path) -> None:
    path = write_many(nets / "gallery.safetensors")
    pack = gather(["gallery"], nets)
    save_many(nets / "again.safetensors", pack.shared, pack.rows)
    for name in ("kiss", "cray"):
        assert style_of(path, name).digest == style_of(nets / "again.safetensors", name).digest


def test_styles_on_other_convolutions_are_one_line(nets: Path) -> None:
    write_many(nets / "other.safetensors", ("one",), seed=5)
    with pytest.raises(InputError, match=r"other\.safetensors and any.*sea\.jpg"):
        gather(["sea.jpg", "other:one"], nets)
    write_many(nets / "gallery.safetensors", ("two",))
    with pytest.raises(InputError, match=r"gallery\.safetensors and .*other\.safetensors"):
        gather(["gallery", "one"], nets)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    alone = TrainedStyle(JohnsonNet(4, 1), {"net": net, "style": {"name": "mine"}})
    save_checkpoint(nets / "mine.safetensors", alone)
    for word in ("mine", str(nets / "mine.safetensors")):
        with pytest.raises(InputError, match=r"convolutions of its own.*style=\[mine,…\]"):
            gather([word], nets)
    about = {"net": net, "style": {"name": "base"}}
    save_checkpoint(nets / "base.safetensors", TrainedStyle(JohnsonNet(4, 1), about))
    with pytest.raises(InputError, match=r"base .*trainings begin with") as caught:
        gather(["base"], nets)
    assert "style=[" not in str(caught.value)  # there is no training of it
    with pytest.raises(InputError, match="any takes any painting"):
        gather(["any"], nets)


def test_two_styles_of_one_name_are_one_line(nets: Path) -> None:
    write_paintings(Path("more"), "sea")
    with pytest.raises(InputError, match=r"called sea \(sea\.jpg, more/sea\.jpg\)"):
        gather(["sea.jpg", "more/sea.jpg"], nets)


def test_what_is_nothing_is_one_line(nets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nosuch is neither"):
        gather(["nosuch"], nets)
    Path("more").mkdir()
    with pytest.raises(InputError, match=r"no photos in 'more'"):
        gather(["more"], nets)
    with pytest.raises(InputError, match=r"style_weight .* from 2 to 40, not 100"):
        gather(["sea.jpg"], nets, style_weight=100.0)
    with pytest.raises(InputError, match=r"stroke_size .* from 256 to 768, not 1024"):
        gather(["sea.jpg"], nets, stroke_size=1024)
    (tmp_path / "bare").mkdir()
    with pytest.raises(CheckpointError, match=r"no any\.safetensors in .*bare"):
        gather(["sea.jpg"], tmp_path / "bare")
    with pytest.raises(InputError, match="no folder of checkpoints"):
        gather(["sea.jpg"], tmp_path / "nowhere")
