"""The yardstick computes what the project computes: the same pictures, losses and gradients."""

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.research.benchmarks.textbook import TextbookLoss, TextbookNet, textbook_step


def random_net(width: int = 4, residual_blocks: int = 2, upsampling: str = "nearest") -> JohnsonNet:
    """A net whose norms also scale and shift."""
    torch.manual_seed(0)
    net = JohnsonNet(width, residual_blocks, upsampling)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".norm." in name:
                parameter.add_(0.5 * torch.randn_like(parameter))
    return net


def pictures(seed: int, n: int = 2, side: int = 32) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def loss() -> PerceptualLoss:
    """The project's default layers and weights."""
    return PerceptualLoss(pictures(9, 1, 40), weights="random")


@pytest.mark.parametrize("size", [(32, 32), (36, 48), (33, 46), (17, 35)])
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_the_net_paints_the_same_pictures(size: tuple[int, int], upsampling: str) -> None:
    net = random_net(upsampling=upsampling).eval()
    photos = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(TextbookNet.like(net)(photos), net(photos), atol=2e-6)


def test_the_net_learns_the_same_to_float64_s_digits() -> None:
    net, photos = random_net().double(), pictures(1).double()
    copy, aim = TextbookNet.like(net).double(), pictures(2).double()
    copy.load_state_dict(net.state_dict())
    for painter in (net, copy):
        (painter(photos) - aim).square().sum().backward()
    for mine, theirs in zip(copy.parameters(), net.parameters(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-9, atol=1e-10)


def test_the_net_has_a_copy_of_the_weights_in_nchw() -> None:
    net = random_net(width=3, residual_blocks=1).to(memory_format=torch.channels_last)
    copy = TextbookNet.like(net)
    assert {key: v.shape for key, v in copy.state_dict().items()} == {
        key: v.shape for key, v in net.state_dict().items()
    }
    for mine, theirs in zip(copy.parameters(), net.parameters(), strict=True):
        assert mine.data_ptr() != theirs.data_ptr()
        assert mine.is_contiguous()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"content_weight": 0.7, "style_weight": 5.0, "tv_weight": 2.0},
        {
            "content_layers": {"conv2_2": 1.0, "relu2_2": 2.0},
            "style_layers": {"conv1_1": 1.0, "relu1_1": 0.5, "pool2": 3.0},
            "pooling": "avg",
        },
        {"content_layers": {"relu3_1": 1.0}, "style_layers": {"relu1_1": 1.0}},
        {"padding": "reflect", "pooling": "avg"},  # two maxima that are nearly one are no matter
        {"padding": "replicate", "pooling": "avg"},
    ],
)
def test_the_loss_and_its_gradient_are_the_same(settings: dict[str, object]) -> None:
    painting = pictures(9, 1, 40)
    loss = PerceptualLoss(painting, weights="random", **settings)  # type: ignore[arg-type]
    textbook = TextbookLoss(loss, painting)
    photos, painted = pictures(1), pictures(2).requires_grad_()
    expected: LossTerms = loss(painted, loss.content_targets(photos))
    (gradient,) = torch.autograd.grad(expected.total.mean(), painted)
    found: LossTerms = textbook(painted, photos)
    for name, term in expected._asdict().items():
        assert term.min() > 0
        assert torch.allclose(getattr(found, name), term, rtol=1e-4), name
    (again,) = torch.autograd.grad(found.total.mean(), painted)
    assert torch.allclose(again, gradient, rtol=1e-3, atol=1e-4 * gradient.abs().max().item())


def test_vgg_is_run_to_its_deepest_layer_on_both_pictures(loss: PerceptualLoss) -> None:
    textbook = TextbookLoss(loss, pictures(9, 1, 40))
    assert list(dict(textbook.vgg.named_children()))[-1] == "relu5_1"
    batches = []
    textbook.vgg.get_submodule("conv5_1").register_forward_hook(
        lambda module, inputs, output: batches.append(len(output))
    )
    textbook(pictures(2, 3), pictures(1, 3))
    assert batches == [3, 3]


def test_a_bf16_loss_gives_a_float32_textbook_in_nchw() -> None:
    painting = pictures(9, 1, 40)
    loss = PerceptualLoss(painting, weights="random", dtype=torch.bfloat16)
    textbook = TextbookLoss(loss, painting)
    for parameter in textbook.vgg.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.is_contiguous()
        assert not parameter.requires_grad
    terms: LossTerms = textbook(pictures(2), pictures(1))
    assert all(term.dtype == torch.float32 for term in terms)


def test_another_normalization_is_refused() -> None:
    painting = pictures(9, 1, 40)
    loss = PerceptualLoss(painting, weights="random", normalization="course")
    with pytest.raises(InputError, match="course"):
        TextbookLoss(loss, painting)


def test_its_steps_are_steps_down_our_gradient(loss: PerceptualLoss) -> None:
    # plain descent, because Adam blows the rounding errors of vanishing gradients up
    net = random_net()
    copy, textbook = TextbookNet.like(net), TextbookLoss(loss, pictures(9, 1, 40))
    theirs = torch.optim.SGD(copy.parameters(), lr=0.01)
    ours = torch.optim.SGD(net.parameters(), lr=0.01)
    for seed in (1, 2):
        photos = pictures(seed)
        ours.zero_grad()
        objective = loss(net(photos), loss.content_targets(photos)).total.mean()
        objective.backward()
        ours.step()
        found = textbook_step(copy, textbook, theirs, photos)
        assert not found.requires_grad
        assert found.item() == pytest.approx(objective.item(), rel=1e-4)
    start = random_net()
    for mine, expected, before in zip(
        copy.parameters(), net.parameters(), start.parameters(), strict=True
    ):
        moved = (expected - before).abs().max().item()
        # other processors round otherwise, and a maximum or a ReLU may then choose otherwise
        assert torch.allclose(mine, expected, atol=0.05 * moved + 1e-7)
