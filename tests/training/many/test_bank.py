"""fst.training.many.bank: what a judge sees in many paintings, measured once and kept on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save
from support import make_photo

from fst.errors import FstWarning, InputError
from fst.image.painting import load_painting
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.losses.moments import moments_network, painting_moments
from fst.training.many import bank as bank_module
from fst.training.many import filling
from fst.training.many.bank import StyleBank, open_bank
from fst.training.many.paintings import find_paintings

LAYERS = ["relu1_1", "relu2_1"]


def bank_of(folder: Path, judge: VGG19, cache: Path, **settings: Any) -> StyleBank:
    settings = {"sizes": (64, 96), "variants": 2, "say": lambda line: None, **settings}
    return open_bank(find_paintings(str(folder)), judge, LAYERS, cache=cache, **settings)


def count_measured(monkeypatch: pytest.MonkeyPatch, stop: int | None = None) -> list[str]:
    """A list of the digests of paintings that are measured; Ctrl-C comes at one of them."""
    measured: list[str] = []

    def counted(picture: Any, sha256: str, *rest: Any) -> Any:
        if len(measured) == stop:
            raise KeyboardInterrupt
        measured.append(sha256)
        return original(picture, sha256, *rest)

    original = filling.measure
    monkeypatch.setattr(filling, "measure", counted)
    return measured


def same(one: StyleBank, other: StyleBank) -> bool:
    places = torch.arange(len(one))
    a, b = one.grams(places), other.grams(places)
    return torch.equal(one.moments, other.moments) and all(torch.equal(a[n], b[n]) for n in a)


def test_places_of_variants(folder: Path, judge: VGG19, tmp_path: Path) -> None:
    bank = bank_of(folder, judge, tmp_path / "cache")
    assert bank.paintings == ["a", "b", "c"]
    assert bank.painting.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert bank.painting.dtype == torch.int64
    assert bank.sizes.tolist() == [64, 64, 96, 96] * 3
    assert len(bank) == 12
    assert bank.moments.shape == (12, 881)


def test_gram_matrices_and_moments_are_those_of_the_paintings(
    folder: Path, judge: VGG19, tmp_path: Path
) -> None:
    bank = bank_of(folder, judge, tmp_path / "cache")
    for place, name, size in ((8, "more/c.png", 64), (2, "a.png", 96), (6, "b.jpg", 96)):
        painting = load_painting(folder / name, size)
        found = bank.grams(torch.tensor([0, place]))
        for layer, features in judge(painting, LAYERS).items():
            expected = gram_matrix(features)[0]
            assert found[layer].shape == (2, *expected.shape)
            assert found[layer].dtype == torch.float32
            error = (found[layer][1] - expected).abs().max() / expected.max()
            assert error < 2**-11
            assert torch.equal(found[layer][1], found[layer][1].T)
        assert torch.equal(bank.moments[place], painting_moments(moments_network(), painting)[0])


def test_a_bank_is_measured_once(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bank_of(folder, judge, tmp_path / "cache")
    measured = count_measured(monkeypatch)
    assert same(bank_of(folder, judge, tmp_path / "cache"), first)
    assert measured == []


def test_a_new_painting_costs_its_own_time_alone(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank_of(folder, judge, tmp_path / "cache")
    make_photo(120, 96, seed=9).save(folder / "ab.png")
    (folder / "a.png").rename(folder / "z.png")
    measured = count_measured(monkeypatch)
    bank = bank_of(folder, judge, tmp_path / "cache")
    assert bank.paintings == ["ab", "b", "c", "z"]
    assert len(measured) == 1


def test_an_interrupted_bank_goes_on_and_equals_a_whole_one(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bank_of(folder, judge, tmp_path / "whole")
    with monkeypatch.context() as patch:
        count_measured(patch, stop=2)
        with pytest.raises(KeyboardInterrupt):
            bank_of(folder, judge, tmp_path / "cache")
    measured = count_measured(monkeypatch)
    assert same(bank_of(folder, judge, tmp_path / "cache"), whole)
    assert len(measured) == 1


def test_a_damaged_file_is_made_anew(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bank_of(folder, judge, tmp_path / "whole")
    bank_of(folder, judge, tmp_path / "cache")
    file = sorted((tmp_path / "cache").glob("*.safetensors"))[1]
    content = file.read_bytes()
    flipped = bytearray(content)
    flipped[-9] ^= 1  # a bit of a Gram matrix, which is as plausible as before
    measured = count_measured(monkeypatch)
    for damaged in (content[:-1], bytes(flipped), b""):
        file.write_bytes(damaged)
        with pytest.warns(FstWarning, match="damaged and made anew") as caught:
            assert same(bank_of(folder, judge, tmp_path / "cache"), first)
        assert len(caught) == len(measured) == 1
        assert str(file) in str(caught[0].message)
        measured.clear()
        assert same(bank_of(folder, judge, tmp_path / "cache"), first)
        assert measured == []  # and none is damaged any more


def test_several_damaged_files_are_one_line(folder: Path, judge: VGG19, tmp_path: Path) -> None:
    bank_of(folder, judge, tmp_path)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(b"")
    with pytest.warns(FstWarning, match="and 2 others are damaged") as caught:
        bank_of(folder, judge, tmp_path)
    assert len(caught) == 1


def test_a_file_of_an_earlier_version_has_no_checksum_and_is_taken(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bank_of(folder, judge, tmp_path)
    for file in tmp_path.glob("*.safetensors"):
        with safe_open(file, framework="pt") as old:
            about = {"fst": old.metadata()["fst"]}
        content = save(load(file.read_bytes()), about)
        file.unlink()  # the first bank reads it still
        file.write_bytes(content)
    measured = count_measured(monkeypatch)
    assert same(bank_of(folder, judge, tmp_path), first)
    assert measured == []


def test_what_another_process_measured_meanwhile_is_taken(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, lines = tmp_path / "cache", []

    @contextmanager
    def after_the_other(place: Path) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(bank_module, "only_one", original)
            bank_of(folder, judge, place)
        yield

    original = bank_module.only_one
    monkeypatch.setattr(bank_module, "only_one", after_the_other)
    bank_of(folder, judge, cache, say=lines.append)
    assert lines == []


@pytest.mark.parametrize("other", [{"sizes": (64,)}, {"variants": 1}, {"seed": 1}])
def test_other_settings_have_statistics_of_their_own(
    other: dict[str, Any], folder: Path, judge: VGG19, tmp_path: Path
) -> None:
    first = bank_of(folder, judge, tmp_path / "cache")
    changed = bank_of(folder, judge, tmp_path / "cache", **other)
    assert len(list((tmp_path / "cache").glob("*.safetensors"))) == 6
    assert same(bank_of(folder, judge, tmp_path / "cache"), first)
    if "seed" in other:  # the paintings as they are don't depend on it
        assert torch.equal(changed.moments[0], first.moments[0])
        assert not torch.equal(changed.moments[1], first.moments[1])


def test_two_judges_share_a_cache_and_see_the_same_variants(
    folder: Path, judge: VGG19, tmp_path: Path
) -> None:
    first = bank_of(folder, judge, tmp_path / "cache")
    second = bank_of(folder, VGG19(LAYERS, "slim"), tmp_path / "cache")
    assert torch.equal(first.moments, second.moments)
    assert second.grams(torch.tensor([0]))["relu1_1"].shape == (1, 16, 16)


def test_how_far_it_is_is_told(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "SECONDS", 0.0)
    lines: list[str] = []
    bank_of(folder, judge, tmp_path / "cache", say=lines.append)
    assert "3 paintings" in lines[0]
    assert str(tmp_path / "cache") in lines[0]
    assert [line.split(" ")[:3] for line in lines[1:]] == [["1", "of", "3"], ["2", "of", "3"]]
    lines.clear()
    bank_of(folder, judge, tmp_path / "cache", say=lines.append)
    assert lines == []


def test_a_copy_on_another_device_gives_the_same(
    folder: Path, judge: VGG19, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = bank_of(folder, judge, tmp_path / "cache")
    assert same(bank.to("cpu"), bank)
    for room in (0, 1 << 40):  # meta keeps no numbers: where things are, and their shapes
        monkeypatch.setattr(bank_module, "free_memory", lambda device, room=room: room)
        there = bank.to("meta")
        grams = there.grams(torch.tensor([1, 5]))
        assert {gram.device.type for gram in grams.values()} == {"meta"}
        assert grams["relu2_1"].shape == (2, 128, 128)
        assert there.moments.device.type == "meta"
        assert (there._packed is not None) == (room > 0)
    assert bank.device.type == bank.moments.device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_gram_matrices(folder: Path, judge: VGG19, tmp_path: Path) -> None:
    bank = bank_of(folder, judge, tmp_path / "cache")
    places = torch.arange(len(bank))
    expected, found = bank.grams(places), bank.to("cuda").grams(places)
    assert all(torch.equal(found[layer].cpu(), expected[layer]) for layer in expected)
    there = VGG19(LAYERS, "random", "max", torch.bfloat16).to("cuda")
    measured = bank_of(folder, there, tmp_path / "cache").grams(places)
    for layer, gram in measured.items():
        assert (gram - expected[layer]).norm() < 0.02 * expected[layer].norm()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a size too small": ({"sizes": (32, 96)}, "paintings.sizes must be"),
    "a size twice": ({"sizes": (96, 96)}, "different sizes"),
    "no size": ({"sizes": ()}, "different sizes"),
    "no variants": ({"variants": 0}, "paintings.variants must be"),
    "half a seed": ({"seed": 0.5}, "paintings.seed must be"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_setting_is_named(kind: str, folder: Path, judge: VGG19, tmp_path: Path) -> None:
    settings, says = WRONG[kind]
    with pytest.raises(InputError, match=says):
        bank_of(folder, judge, tmp_path / "cache", **settings)
    assert not (tmp_path / "cache").exists()


def test_no_paintings_are_one_line(judge: VGG19, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"):
        open_bank([], judge, LAYERS, cache=tmp_path)
