"""fst.styles.many: rows of numbers on shared convolutions, as ordinary trained styles."""

from pathlib import Path

import pytest
import torch
from many_files import about, write_many
from safetensors.torch import load_file
from tiny_any import SHARED, save_any

from fst.errors import CheckpointError, InputError
from fst.nets.conditional import ManyNet
from fst.nets.johnson import JohnsonNet
from fst.styles.catalog import find_style
from fst.styles.many import load_many, row_of, save_many, shared_digest, style_of
from fst.styles.objective import load_objective
from fst.styles.trained import load_checkpoint, save_checkpoint


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    return write_many(tmp_path / "nets" / "gallery.safetensors")


def test_a_style_is_an_ordinary_net_that_paints_as_the_row_does(gallery: Path) -> None:
    many = load_many(gallery)
    assert isinstance(many.net, ManyNet)
    style = style_of(gallery, "irises")
    assert isinstance(style.net, JohnsonNet)
    assert style.name == "irises"
    row, said = row_of(many, "irises")
    assert said == about("irises")
    photos = torch.rand(2, 3, 32, 36)
    expected = many.net(photos, row.expand(2, -1))  # two of them: features are changed, no kernels
    torch.testing.assert_close(style.net(photos), expected, atol=1e-5, rtol=1e-4)
    other = style_of(gallery, "kiss").net(photos)
    assert (other - expected).abs().max() > 0.01


def test_it_is_written_and_read_again_like_any_trained_style(gallery: Path, tmp_path: Path) -> None:
    style = style_of(gallery, "cray")
    save_checkpoint(tmp_path / "cray.safetensors", style, torch.float32)
    again = load_checkpoint(tmp_path / "cray.safetensors")
    assert again.digest == style.digest
    assert again.description == style.description


def test_its_objective_is_that_of_its_painting(gallery: Path, tmp_path: Path) -> None:
    from support import make_photo

    make_photo(80, 64).save(tmp_path / "my cray.png")
    style = style_of(gallery, "cray")
    painting = str(tmp_path / "my cray.png")
    target, loss = load_objective(style, torch.device("cpu"), painting=painting, weights="slim")
    assert max(target.shape[2:]) == 512
    assert (loss.content_weight, loss.style_weight) == (1.0, 6.0)


def test_a_mixture_of_styles_is_the_style_of_their_mixed_numbers(gallery: Path) -> None:
    many = load_many(gallery)
    assert isinstance(many.net, ManyNet)
    kiss, irises = (row_of(many, name)[0] for name in ("kiss", "irises"))
    mixed = many.net.net_for(0.25 * kiss + 0.75 * irises).state_dict()
    found = find_style("kiss=0.25,gallery:irises=0.75", gallery.parent)
    assert found.name == "kiss-irises"
    for key, value in found.net().net.state_dict().items():
        torch.testing.assert_close(value, mixed[key], atol=1e-5, rtol=1e-4)


def test_find_style_takes_styles_of_many_files(gallery: Path) -> None:
    for word in ("irises", "gallery:irises", f"{gallery}:irises"):
        style = find_style(word, gallery.parent)
        assert (style.name, style.image, style.size) == ("irises", "irises.jpg", 512)
        assert style.asked == word
        assert style.weights["style_weight"] == 6.0
        assert style.net().digest == style_of(gallery, "irises").digest
    with pytest.raises(
        InputError, match=r"Trained: kiss, irises, cray|Trained: cray, irises, kiss"
    ):
        find_style("nosuch", gallery.parent)
    with pytest.raises(InputError, match="did you mean irises"):
        find_style("Iris-es", gallery.parent)


def test_a_file_is_read_once_until_it_changes(gallery: Path) -> None:
    first = load_many(gallery)
    assert load_many(gallery) is first
    write_many(gallery, ("other",))
    assert [style["name"] for style in load_many(gallery).description["styles"]] == ["other"]


def test_a_file_of_one_style_is_no_file_of_many(gallery: Path) -> None:
    with pytest.raises(CheckpointError, match="its net is any"):
        load_many(save_any(gallery.parent))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_many(gallery.parent / "nowhere.safetensors")
    with pytest.raises(InputError, match=r"'nosuch' in gallery: it has kiss, irises, cray"):
        style_of(gallery, "nosuch")


def test_the_digest_is_that_of_the_shared_weights(tmp_path: Path) -> None:
    any_net = load_checkpoint(save_any(tmp_path / "a"))
    same = load_many(write_many(tmp_path / "b" / "same.safetensors"))
    more = load_many(write_many(tmp_path / "b" / "more.safetensors", ("one", "two")))
    other = load_many(write_many(tmp_path / "b" / "other.safetensors", seed=1))
    digests = [shared_digest(style.net) for style in (any_net, same, more, other)]  # type: ignore[arg-type]
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_a_row_takes_two_bytes_a_number_and_the_predictor_none(gallery: Path) -> None:
    tensors = load_file(gallery)
    assert tensors["embeddings"].dtype == torch.float16
    assert not [key for key in tensors if key.startswith("predictor")]
    shared = load_checkpoint(gallery.parent / "shared" / "any.safetensors")
    row = torch.zeros(shared.net.embedding_size)  # type: ignore[arg-type]
    assert save_many(gallery, shared, [(row, about("a"))], overwrite=True) == 2 * len(row)


def test_nothing_is_replaced_and_nothing_wrong_written(gallery: Path) -> None:
    before = gallery.read_bytes()
    shared = load_many(gallery)
    row = row_of(shared, "kiss")[0]
    with pytest.raises(FileExistsError):
        save_many(gallery, shared, [(row, about("a"))])
    for rows, said in (
        ([(row, about("a")), (row, about("a"))], "two styles are called a"),
        ([(row, about("a", size=0))], "size"),
        ([(row, {"name": "a"})], "image"),
    ):
        with pytest.raises(InputError, match=said):
            save_many(gallery, shared, rows, overwrite=True)
    with pytest.raises(CheckpointError, match="embeddings is not finite"):
        save_many(gallery, shared, [(row * float("nan"), about("a"))], overwrite=True)
    assert gallery.read_bytes() == before
    assert [path.name for path in gallery.parent.iterdir()] != []
    assert not list(gallery.parent.glob("*.tmp*"))


def test_a_net_of_other_rows_than_it_tells_of_is_refused(gallery: Path) -> None:
    many = load_many(gallery)
    arguments = {**SHARED, "styles": 2}
    wrong = {**many.description, "net": {"name": "many", "arguments": arguments},
             "styles": many.description["styles"][:2]}  # fmt: skip
    from fst.styles.trained import TrainedStyle

    save_checkpoint(gallery, TrainedStyle(many.net, wrong))
    with pytest.raises(CheckpointError, match="embeddings has the shape"):
        load_checkpoint(gallery)
