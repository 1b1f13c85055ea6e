"""fst.research.reptile: a round is a training, and the net goes a part of the way to its end."""

import copy
from pathlib import Path

import pytest
import torch
from support import make_photo
from tiny_runs import ARGUMENTS
from torch import Tensor, nn

from fst.data.crops import CropAndFlip
from fst.data.loader import TrainingCrops
from fst.data.photo_list import PhotoList
from fst.data.sources import open_folder
from fst.errors import InputError
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.research.reptile import Reptile, ReptileSettings
from fst.training.many.paintings import Painting, find_paintings
from fst.training.recipe import Recipe

LAYERS = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}
RECIPE = Recipe(optimizer="adam", pattern_weight=0.0, warmup_steps=0, seed=3)


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> list[Painting]:
    folder = tmp_path_factory.mktemp("paintings")
    for number in range(3):
        make_photo(90, 90, 50 + number).save(folder / f"{number}.png")
    return find_paintings(str(folder), smallest=64)


@pytest.fixture
def reptile(photo_folder: Path, paintings: list[Painting]) -> "Maker":
    return Maker(photo_folder, paintings)


class Maker:
    """Makes it of a tiny net: always the same but for what is asked to differ."""

    def __init__(self, photos: Path, paintings: list[Painting]) -> None:
        self.photo_folder, self.paintings = photos, paintings

    def photos(self, seed: int = 3) -> TrainingCrops:
        source = PhotoList(open_folder(str(self.photo_folder)), seed)
        return TrainingCrops(source, CropAndFlip(16, 0.5, seed), 1)

    def __call__(self, net_seed: int = 0, **changes: object) -> Reptile:
        torch.manual_seed(net_seed)
        settings = {"rounds": 4, "steps": 3, "way": 0.5, "recipe": RECIPE, "style_size": 64}
        loss = PerceptualLoss(self.paintings[0].open(64), weights="random", **LAYERS)
        settings |= changes
        return Reptile(
            JohnsonNet(**ARGUMENTS),  # type: ignore[arg-type]
            loss,
            self.paintings,
            self.photos(),
            ReptileSettings(**settings),  # type: ignore[arg-type]
        )


def weights(net: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in net.parameters()]


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=0)


def test_a_round_that_is_followed_all_the_way_is_a_plain_training(reptile: Maker) -> None:
    followed = reptile(rounds=1, way=1.0)
    net = copy.deepcopy(followed.net)
    done = next(followed.run())
    # by hand: torch's Adam, a cosine from the whole rate, a loss made for that painting alone
    painting = next(p for p in reptile.paintings if p.name == done.painting)
    loss = PerceptualLoss(painting.open(64), weights="random", **LAYERS)
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    photos, objectives = iter(reptile.photos()), []
    for rate in (3e-3, 3e-3 * 0.75, 3e-3 * 0.25):
        photo = next(photos)[None].contiguous(memory_format=torch.channels_last)
        adam.param_groups[0]["lr"] = rate
        adam.zero_grad()
        total = loss(net(photo), loss.content_targets(photo)).total.mean()
        total.backward()
        adam.step()
        objectives.append(total.item())
    # of the weights, those before a norm have rounding for a gradient: the pictures tell
    torch.testing.assert_close(followed.net(photo), net(photo), rtol=0, atol=1e-4)
    assert float((net(photo) - reptile().net(photo)).detach().abs().max()) > 1e-3
    assert (done.number, done.first, done.last) == (
        1, pytest.approx(objectives[0], rel=1e-4), pytest.approx(objectives[-1], rel=1e-4)
    )  # fmt: skip


def test_the_net_goes_a_part_of_the_way_that_falls_to_nothing(reptile: Maker) -> None:
    ours = reptile(rounds=4, way=0.5)
    for number, part in enumerate((0.5, 0.375, 0.25, 0.125)):
        before = weights(ours.net)
        painting = ours.paintings[ours._turn(number)]
        there = weights(ours.adapted(painting, number)[0])
        assert_same(weights(ours.net), before)
        next(ours.run())
        for now, a, b in zip(weights(ours.net), before, there, strict=True):
            torch.testing.assert_close(now, a + part * (b - a))


def test_every_painting_has_its_turn_before_one_comes_again(reptile: Maker) -> None:
    turns = [reptile()._turn(number) for number in range(9)]
    assert [sorted(turns[i : i + 3]) for i in (0, 3, 6)] == [[0, 1, 2]] * 3
    assert len({tuple(turns[i : i + 3]) for i in (0, 3, 6)}) > 1


def test_a_run_that_is_stopped_goes_on_to_the_same_weights(reptile: Maker, tmp_path: Path) -> None:
    whole = reptile()
    names = [done.painting for done in whole.run()]
    stopped = reptile()
    rounds = stopped.run()
    told = [next(rounds).painting, next(rounds).painting]
    stopped.save(tmp_path / "state.pt")
    resumed = reptile()
    resumed.load(tmp_path / "state.pt")
    told += [done.painting for done in resumed.run()]
    assert told == names
    assert_same(weights(resumed.net), weights(whole.net))


@pytest.mark.parametrize("change", [{"net_seed": 1}, {"steps": 2}, {"style_size": 80}])
def test_another_runs_state_is_refused(
    reptile: Maker, tmp_path: Path, change: dict[str, int]
) -> None:
    reptile().save(tmp_path / "state.pt")
    with pytest.raises(InputError, match="another beginning"):
        reptile(**change).load(tmp_path / "state.pt")


def test_a_damaged_state_is_refused(reptile: Maker, tmp_path: Path) -> None:
    reptile().save(tmp_path / "state.pt")
    content = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        reptile().load(tmp_path / "state.pt")


def test_a_round_that_came_to_no_number_is_left_out(reptile: Maker) -> None:
    ours = reptile(rounds=1)
    before = weights(ours.net)
    ours.loss.style_weight = float("inf")
    done = next(ours.run())
    assert not torch.tensor(done.last).isfinite()
    assert_same(weights(ours.net), before)


@pytest.mark.parametrize("wrong", [{"way": 0.0}, {"way": 1.1}, {"rounds": 0}, {"steps": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        ReptileSettings(**wrong)  # type: ignore[arg-type]
