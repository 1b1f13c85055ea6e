"""Pruning, normalization and metrics against what they promise; the file."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from fst.errors import AssetError, InputError
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.vgg import VGG19, in_metric
from fst.losses.functional import gram_matrix
from fst.research.distillation.slim import (
    CONVOLUTIONS,
    RELUS,
    SLIM,
    State,
    choose_channels,
    linear_maps,
    metric,
    normalize_layers,
    plain_features,
    prune,
    random_slim,
    write_slim,
)


def pictures(count: int = 3, size: int = 32, seed: int = 0) -> Tensor:
    """Smooth pictures with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 1)
    return 0.9 * smooth + 0.1 * torch.rand(count, 3, size, size, generator=generator)


def whole(state: State) -> State:
    """With a metric of its own for every layer."""
    generator, result = torch.Generator().manual_seed(5), dict(state)
    for name in (*CONVOLUTIONS, *RELUS):
        count = SLIM.channels[int(name[4]) - 1]
        result[f"metric.{name}"] = torch.randn(count, count, generator=generator) / count**0.5
    return result


@pytest.fixture(scope="module")
def teacher() -> VGG19:
    return VGG19(["relu5_1"], "random")


@pytest.fixture(scope="module")
def pruned(teacher: VGG19) -> State:
    return prune(teacher, pictures(8), samples=6000)


def test_the_shape_is_vgg_19s_with_a_quarter_of_the_channels() -> None:
    state = random_slim()
    assert len(CONVOLUTIONS) == 13
    assert state[f"features.{LAYERS['conv1_1']}.weight"].shape == (16, 3, 3, 3)
    assert state[f"features.{LAYERS['conv5_1']}.weight"].shape == (128, 128, 3, 3)
    full = VGG19(["relu5_1"], "random")
    parameters = sum(value.numel() for value in state.values())
    of_vgg = sum(v.numel() for k, v in full.named_buffers() if k.startswith("features"))
    assert parameters == pytest.approx(of_vgg / 16, rel=0.01)


def test_duplicated_channels_are_not_chosen_twice() -> None:
    generator = torch.Generator().manual_seed(0)
    distinct = torch.randn(3, 500, generator=generator) * torch.tensor([[1.0], [3.0], [2.0]])
    channels = torch.cat([distinct, distinct + 1e-3 * torch.randn(3, 500, generator=generator)])
    chosen = choose_channels(channels @ channels.T, 3)
    assert {place % 3 for place in chosen} == {0, 1, 2}
    assert chosen[0] % 3 == 1  # the one with the most energy comes first


def test_pruning_keeps_what_is_linear(teacher: VGG19, pruned: State) -> None:
    """conv1_1 sees the picture itself, so its chosen channels are the teacher's, up to a factor."""
    mine = plain_features(pruned, pictures(2, seed=9), ("conv1_1",))["conv1_1"]
    theirs = teacher(pictures(2, seed=9), ("conv1_1",))["conv1_1"]
    mine, theirs = (f.permute(1, 0, 2, 3).flatten(1) for f in (mine, theirs))
    mine, theirs = (f / f.norm(dim=1, keepdim=True) for f in (mine, theirs))
    torch.testing.assert_close((mine @ theirs.T).max(1).values, torch.ones(16), atol=1e-4, rtol=0)


def test_pruning_explains_more_than_chance(teacher: VGG19, pruned: State) -> None:
    for layer in ("relu1_2", "relu2_1", "relu3_1"):
        errors = []
        for state in (pruned, normalize_layers(random_slim(), pictures(8))):
            maps = linear_maps(state, teacher, pictures(8), (layer,))
            mine = plain_features(state, pictures(4, seed=8), (layer,))[layer]
            theirs = teacher(pictures(4, seed=8), (layer,))[layer]
            theirs = theirs / teacher(pictures(8), (layer,))[layer].square().mean().sqrt()
            errors.append(float((in_metric(mine, maps[layer]) - theirs).square().mean()))
        assert errors[0] < 0.8 * errors[1], layer


def test_normalized_layers_have_a_mean_square_of_one_and_do_the_same() -> None:
    state = {k: v + 0.05 if k.endswith("bias") else v for k, v in random_slim(3).items()}
    normal = normalize_layers(state, pictures())
    before = plain_features(state, pictures(), RELUS)
    for layer, after in plain_features(normal, pictures(), RELUS).items():
        assert float(after.square().mean()) == pytest.approx(1, rel=1e-3)
        scale = before[layer].square().mean().sqrt()
        torch.testing.assert_close(after * scale, before[layer], rtol=1e-3, atol=1e-4)


def test_a_linear_map_is_found_again(teacher: VGG19) -> None:
    """A student that is a rotation of the teacher's first layer: nothing remains unexplained."""
    state = random_slim()
    state["features.0.weight"] = teacher.features_0_weight[:16].clone()
    state["features.0.bias"] = teacher.features_0_bias[:16].clone()  # type: ignore[index]
    (linear_map,) = linear_maps(state, teacher, pictures(), ("relu1_1",)).values()
    mine = plain_features(state, pictures(), ("relu1_1",))["relu1_1"]
    theirs = teacher(pictures(), ("relu1_1",))["relu1_1"]
    theirs = theirs / theirs.square().mean().sqrt()
    found = in_metric(mine, linear_map)[:, :16]
    assert float((found - theirs[:, :16]).square().mean()) < 1e-4


def test_the_metric_gives_distances_of_gram_matrices_in_the_teachers_space() -> None:
    generator = torch.Generator().manual_seed(0)
    linear_map = torch.randn(64, 16, generator=generator)
    one, two = torch.rand(2, 1, 16, 5, 6, generator=generator)
    in_theirs = [gram_matrix(in_metric(f, linear_map)) for f in (one, two)]
    in_mine = [gram_matrix(in_metric(f, metric(linear_map))) for f in (one, two)]
    torch.testing.assert_close(
        (in_mine[0] - in_mine[1]).norm(), (in_theirs[0] - in_theirs[1]).norm()
    )


def test_a_metric_of_fewer_dimensions_is_no_trouble() -> None:
    linear_map = torch.ones(8, 3)
    root = metric(linear_map)
    assert bool(torch.isfinite(root).all())
    torch.testing.assert_close(root @ root, linear_map.T @ linear_map, atol=1e-5, rtol=1e-5)


# --- the file ------------------------------------------------------------------------------------


def test_a_written_network_is_loaded_and_measures(tmp_path: Path) -> None:
    state, path = whole(random_slim()), tmp_path / "mine.safetensors"
    write_slim(path, state, {"recipe": {"steps": 3}})
    network = VGG19(("relu2_1", "conv3_1"), str(path))
    found = network(pictures(), ("relu2_1", "conv3_1"))
    halves = {key: value.half().float() for key, value in state.items()}
    for layer, plain in plain_features(halves, pictures(), ("relu2_1", "conv3_1")).items():
        expected = torch.einsum("ij,njhw->nihw", halves[f"metric.{layer}"], plain)
        torch.testing.assert_close(found[layer], expected, rtol=1e-4, atol=1e-4)
    assert network.describe()["weights"] == "file"
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["fst"])
    assert about["recipe"] == {"steps": 3}
    assert about["architecture"] == "vgg19-slim"


def test_a_network_without_metrics_or_with_other_channels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write_slim(path, random_slim(), {})
    with pytest.raises(AssetError, match=r"lacks the tensor 'metric\.conv1_1'"):
        VGG19(("relu1_1",), str(path))
    write_slim(path, whole(random_slim()), {"channels": [16, 32, 64, 128, 96]})
    with pytest.raises(AssetError, match=r"features\.28\.weight has shape"):
        VGG19(("relu5_1",), str(path))


def test_the_slim_network_says_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write_slim(path, whole(random_slim()), {})
    with pytest.raises(InputError, match=r"ends at relu5_1.*conv5_2"):
        VGG19(("conv5_2",), str(path))
