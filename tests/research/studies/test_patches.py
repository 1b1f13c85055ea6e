"""The most exciting patches: planted ones are found, in order, one of a photo."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.receptive import ReceptiveField
from fst.research.studies.patches import BEYOND, Excitation, Patch, chosen_units, cut, cut_all


def test_the_places_are_those_of_a_plain_search() -> None:
    generator = torch.Generator().manual_seed(0)
    photos = [torch.randn(1, 4, 5, 6 + i % 3, generator=generator) for i in range(20)]
    seen = Excitation(9)
    for number, features in enumerate(photos):
        seen.see(number, features)
    for unit in range(4):
        best = []
        for number, features in enumerate(photos):
            value, row, column = max(
                (float(features[0, unit, y, x]), y, x)
                for y in range(features.shape[2])
                for x in range(features.shape[3])
            )
            best.append(Patch(number, row, column, value))
        best.sort(key=lambda patch: -patch.activation)
        assert seen.of(unit) == best[:9]


def test_a_unit_at_rest_has_no_patches_and_few_photos_have_few() -> None:
    seen = Excitation(9)
    features = torch.zeros(1, 2, 3, 3)
    features[0, 1, 2, 0] = 5
    for number in range(3):
        seen.see(number, features * (number + 1))
    assert seen.of(0) == []
    assert [(p.photo, p.row, p.column, p.activation) for p in seen.of(1)] == [
        (2, 2, 0, 15), (1, 2, 0, 10), (0, 2, 0, 5),
    ]  # fmt: skip


def test_memory_does_not_grow_with_the_photos() -> None:
    seen = Excitation(3)
    for number in range(50):
        seen.see(number, torch.rand(1, 2, 2, 2))
    assert seen._values.shape == (2, 3)
    assert seen._places.shape == (2, 3, 3)
    with pytest.raises(InputError, match="3 units after 2"):
        seen.see(50, torch.rand(1, 3, 2, 2))


def test_units_are_spread_evenly_or_those_asked_for() -> None:
    assert chosen_units(None, 4, 64, "conv1_1") == [0, 16, 32, 48]
    assert chosen_units(None, 100, 3, "conv1_1") == [0, 1, 2]
    assert chosen_units((5, 1, 5), 4, 64, "conv1_1") == [5, 1]
    with pytest.raises(InputError, match=r"conv1_1 has no unit 64: it has 64, 0 to 63"):
        chosen_units((3, 64), 4, 64, "conv1_1")


def test_a_patch_is_cut_and_gray_beyond_the_border() -> None:
    photo = torch.arange(3 * 4 * 5).reshape(1, 3, 4, 5) / 100
    assert torch.equal(cut(photo, (1, 0, 4, 3)), photo[..., 0:3, 1:4])
    patch = cut(photo, (-1, 2, 2, 5))
    assert torch.equal(patch[..., :2, 1:], photo[..., 2:4, :2])
    assert bool((patch[..., 2, :] == BEYOND).all())
    assert bool((patch[..., 0] == BEYOND).all())
    assert bool((cut(photo, (9, 9, 12, 12)) == BEYOND).all())


def test_every_photo_is_read_once_and_patches_keep_their_order() -> None:
    read = []

    def reader(path: Path) -> Tensor:
        read.append(path)
        return torch.full((1, 3, 8, 8), int(path.stem) / 10)

    wanted = {("conv1_1", 0): [Patch(2, 3, 3, 9.0), Patch(0, 1, 1, 5.0)],
              ("conv1_1", 7): [Patch(2, 4, 4, 1.0)]}  # fmt: skip
    fields = {"conv1_1": ReceptiveField(3, 1, -1)}
    photos = [Path(f"{number}.png") for number in (1, 2, 3)]
    found = cut_all(wanted, fields, photos, reader)
    assert read == [photos[0], photos[2]]
    assert [float(p.mean()) for p in found["conv1_1", 0]] == pytest.approx([0.3, 0.1])
    assert [p.shape for p in found["conv1_1", 7]] == [(1, 3, 3, 3)]
