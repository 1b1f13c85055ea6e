"""fst.research.distillation.teach: the student learns, and a stopped run goes on."""

import functools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.research.distillation import mixtures, teach
from fst.research.distillation.mixtures import regression_pictures
from fst.research.distillation.settings import DistillationSettings
from fst.research.distillation.slim import RELUS, random_slim, write_slim
from fst.research.distillation.teach import Distillation

Pictures = tuple[list[Tensor], list[Tensor]]

TINY = DistillationSettings(feature_steps=3, gradient_steps=3, groups=2, groups_a_step=1, styles=4,
              style_size=32, size=32)  # fmt: skip


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def teacher() -> VGG19:
    return VGG19(RELUS, "random")


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """Photos, uint8, and a painting."""
    coarse = F.interpolate(random(6, 3, 6, 6), (40, 48), mode="bicubic").clamp(0, 1)
    photos = [(255 * photo).to(torch.uint8) for photo in coarse]
    return photos, [F.interpolate(random(1, 3, 8, 8, seed=1), (60, 60), mode="bicubic")[0]]


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The regressions are over 6 pictures instead of 48: seconds instead of half a minute."""
    few = functools.partial(regression_pictures, count=6)
    for module in (mixtures, teach):
        monkeypatch.setattr(module, "regression_pictures", few)


def make(teacher: VGG19, pictures: Pictures, pruned: bool = True, **options: int) -> Distillation:
    """With ``pruned`` the first stage is skipped: its regressions take a while."""
    distillation = Distillation(teacher, *pictures, recipe=replace(TINY, **options))
    if pruned:
        distillation.state = random_slim()
        maps = {r: 64 * 2 ** min(int(r[4]) - 1, 3) for r in RELUS}
        distillation.maps = {r: 0.1 * random(n, n // 4) for r, n in maps.items()}
    return distillation


def test_all_stages_run_and_give_a_network_that_loads(
    teacher: VGG19, pictures: Pictures, tmp_path: Path
) -> None:
    distillation = make(teacher, pictures, pruned=False)
    steps = [(p.stage, p.step, p.steps) for p in distillation.run()]
    assert steps[0] == ("prune", 1, 1)
    assert steps[1:4] == [("features", i, 3) for i in (1, 2, 3)]
    assert steps[4:] == [("gradients", i, 3) for i in (1, 2, 3)]
    write_slim(tmp_path / "slim.safetensors", distillation.finished(), {})
    network = VGG19(["conv4_2", "relu5_1"], str(tmp_path / "slim.safetensors"))
    for features in network(random(1, 3, 32, 32), ["conv4_2", "relu5_1"]).values():
        assert bool(torch.isfinite(features).all())


def test_matching_features_matches_features(teacher: VGG19, pictures: Pictures) -> None:
    run = make(teacher, pictures, feature_steps=40, gradient_steps=0).run()
    errors = [p.figures["features"] for p in run if p.stage == "features"]
    assert sum(errors[-5:]) < 0.9 * sum(errors[:5])


def test_what_is_kept_is_the_average(teacher: VGG19, pictures: Pictures) -> None:
    distillation = make(teacher, pictures, feature_steps=0)
    list(distillation.run())
    kept = distillation.finished()
    for key in distillation.state:
        assert torch.equal(kept[key], distillation.averages[f"state.{key}"])
    assert any(not torch.equal(kept[k], v.detach()) for k, v in distillation.state.items())


def test_a_stopped_run_goes_on_at_its_step(
    teacher: VGG19, pictures: Pictures, tmp_path: Path
) -> None:
    first = make(teacher, pictures)
    for progress in first.run():
        if (progress.stage, progress.step) == ("gradients", 2):
            first.save(tmp_path / "state.pt")
            break
    kept = {k: v.detach().clone() for k, v in first.state.items()}
    averages = {k: v.clone() for k, v in first.averages.items()}
    second = make(teacher, pictures)
    second.load(tmp_path / "state.pt")
    assert all(torch.equal(second.state[k], v) for k, v in kept.items())
    assert all(torch.equal(second.averages[k], v) for k, v in averages.items())
    assert [(p.stage, p.step) for p in second.run()] == [("gradients", 3)]


def test_nets_that_paint_take_part(teacher: VGG19, pictures: Pictures) -> None:
    seen = []

    def net(photos: Tensor) -> Tensor:
        seen.append(photos.shape)
        return 1 - photos

    distillation = make(teacher, pictures, feature_steps=1, gradient_steps=0)
    distillation.painted = [net]
    list(distillation.run())
    assert seen == [(1, 3, 32, 32)] * 2


def test_a_state_of_another_run_is_refused(
    teacher: VGG19, pictures: Pictures, tmp_path: Path
) -> None:
    path = tmp_path / "distill.pt"
    make(teacher, pictures).save(path)
    make(teacher, pictures, gradient_steps=9).load(path)  # more steps are welcome
    with pytest.raises(InputError, match="another recipe"):
        make(teacher, pictures, seed=1).load(path)
    with pytest.raises(InputError, match="other pictures"):
        make(teacher, (pictures[0][1:], pictures[1])).load(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged"):
        make(teacher, pictures).load(path)


def test_photos_too_small_to_crop_are_refused(teacher: VGG19, pictures: Pictures) -> None:
    with pytest.raises(InputError, match="32 pixels"):
        make(teacher, ([*pictures[0], pictures[0][0][:, :20]], pictures[1]))
