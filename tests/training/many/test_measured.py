"""fst.training.many.measured: a painting's statistics, in a file that is mapped into memory."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fst.image.picture import Picture
from fst.loss_networks.vgg import VGG19
from fst.losses.moments import moments_network, painting_moments
from fst.training.many.measured import Seen, measure, read_measured, write_measured
from fst.training.many.variants import variant

SHA256 = "5" * 64


@pytest.fixture(scope="module")
def picture() -> Picture:
    return Picture(torch.rand(1, 3, 72, 96, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def seen(judge: VGG19) -> Seen:
    slim = moments_network().sha256
    return Seen(judge.sha256, slim, "max", "float32", ("relu1_1", "relu2_1"), (64, 80), 3, 2)


@pytest.fixture(scope="module")
def measured(picture: Picture, seen: Seen, judge: VGG19) -> dict[str, torch.Tensor]:
    return measure(picture, SHA256, seen, judge, moments_network())


def test_the_gram_matrices_are_those_of_the_variants(
    picture: Picture, seen: Seen, judge: VGG19, measured: dict[str, torch.Tensor]
) -> None:
    places = [(size, number) for size in (64, 80) for number in range(3)]
    for row, (size, number) in enumerate(places):
        painting = variant(picture, SHA256, size, number, 2)
        features = judge(painting, seen.layers)
        for layer in seen.layers:
            flat = features[layer][0].double().flatten(1)
            expected = flat @ flat.T / flat.shape[1]
            top, half = measured[f"top.{layer}"][row], measured[f"gram.{layer}"][row]
            assert top.item() == pytest.approx(expected.max().item(), rel=1e-5)
            at = 0
            for i in range(len(expected)):  # row by row of the upper half
                width = len(expected) - i
                found = half[at : at + width].double() * top
                assert torch.allclose(found, expected[i, i:], atol=2**-11 * top.item(), rtol=1e-4)
                at += width
            assert at == half.numel()
        moments = painting_moments(moments_network(), painting)[0]
        assert torch.equal(measured["moments"][row], moments)


def test_gram_matrices_beyond_float16_are_kept(picture: Picture, seen: Seen, judge: VGG19) -> None:
    loud = VGG19(seen.layers, "random")
    loud.features_0_weight.mul_(3000)
    found = measure(picture, SHA256, replace(seen, sizes=(64,)), loud, moments_network())
    assert found["top.relu1_1"].min() > 65504
    assert found["gram.relu1_1"].isfinite().all()
    assert found["gram.relu1_1"].max() == 1


def test_a_file_gives_back_what_was_written_and_is_mapped(
    seen: Seen, measured: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = seen.file(tmp_path, SHA256)
    write_measured(path, measured, seen.about(SHA256))
    found = read_measured(path, seen, SHA256)
    assert found is not None
    assert found.keys() == measured.keys()
    assert all(torch.equal(found[name], measured[name]) for name in measured)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(path) in maps.read_text()


def test_every_setting_has_a_file_of_its_own(seen: Seen, tmp_path: Path) -> None:
    others = {
        "network": "another",
        "moments": "another",
        "pooling": "avg",
        "precision": "bfloat16",
        "layers": ("relu1_1",),
        "sizes": (64, 96),
        "variants": 4,
        "seed": 3,
        "padding": "reflect",
    }
    assert others.keys() == vars(seen).keys()
    files = {replace(seen, **{name: value}).file(tmp_path, SHA256)  # type: ignore[arg-type]
             for name, value in others.items()}  # fmt: skip
    files |= {seen.file(tmp_path, SHA256), seen.file(tmp_path, "6" * 64)}
    assert len(files) == len(others) + 2


def test_files_of_before_there_was_a_choice_of_padding_hold_for_zeros(seen: Seen) -> None:
    assert "padding" not in json.loads(seen.about(SHA256))
    said = json.loads(replace(seen, padding="replicate").about(SHA256))
    assert said["padding"] == "replicate"


DAMAGE = ["gone", "empty", "cut", "no safetensors", "of another painting", "a tensor is missing",
          "not finite", "of another shape", "of another type", "a folder", "a bit"]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_counts_as_none(
    damage: str, seen: Seen, measured: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path, about = seen.file(tmp_path, SHA256), seen.about(SHA256)
    tensors = dict(measured)
    if damage == "of another painting":
        about = seen.about("6" * 64)
    elif damage == "a tensor is missing":
        del tensors["top.relu2_1"]
    elif damage == "not finite":
        tensors["top.relu2_1"] = tensors["top.relu2_1"] * torch.inf
    elif damage == "of another shape":
        tensors["moments"] = tensors["moments"][:, 1:].contiguous()
    elif damage == "of another type":
        tensors["gram.relu2_1"] = tensors["gram.relu2_1"].float()
    write_measured(path, tensors, about)
    if damage in ("gone", "a folder"):
        path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "a bit":
        content = bytearray(path.read_bytes())
        content[-9] ^= 1
        path.write_bytes(content)
    elif damage == "no safetensors":
        path.write_bytes(b"something else" * 100)
    assert read_measured(path, seen, SHA256) is None
