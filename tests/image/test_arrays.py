"""fst.image.arrays: what comes in as an array or tensor goes out as one of its type."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from fst.errors import InputError
from fst.image.arrays import from_array, from_tensor, like_array, like_tensor

BYTES = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
TENSOR = torch.from_numpy(BYTES).permute(2, 0, 1)


def planes(pictures: list[Any]) -> NDArray[Any]:
    """Values of all channels in [0, 1], ``(N, H, W, C)``, in float64."""
    found = [
        p.rgb if p.alpha is None else torch.cat([p.rgb, p.alpha], 1).contiguous() for p in pictures
    ]
    return torch.cat(found).permute(0, 2, 3, 1).double().numpy()


@pytest.mark.parametrize(
    "array",
    [
        BYTES,
        BYTES.astype(np.uint16) * 250,
        BYTES.astype(">u2"),
        (BYTES / 255).astype(np.float16),
        (BYTES / 255).astype(np.float32),
        BYTES / 255,
        (BYTES / 255).astype(">f8"),
        (BYTES / 255).astype(np.longdouble),
        np.stack([BYTES, 255 - BYTES]),
        np.dstack([BYTES, BYTES[..., 0] | 2]),  # what is not seen comes back filled
        BYTES[::-1, ::-2],
        np.asfortranarray(BYTES),
        np.broadcast_to(BYTES[:1, :1], (5, 6, 3)),
    ],
    ids=lambda array: f"{array.dtype.str}-{array.shape}",
)
def test_an_array_comes_back_as_it_was(array: NDArray[Any]) -> None:
    before = array.copy()
    array.flags.writeable = False
    white = {"u1": 255, "u2": 65535}.get(array.dtype.str[1:], 1)
    pictures = from_array(array)
    expected = array.astype(np.float64) / white
    np.testing.assert_allclose(planes(pictures), expected.reshape(-1, *array.shape[-3:]), atol=1e-7)
    back = like_array(pictures, array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_allclose(back.astype(float), before.astype(float), atol=1e-7)
    assert back.flags.writeable
    assert back.flags.c_contiguous


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_gray() -> None:
    (picture,) = from_array(np.matrix(BYTES[..., 0]))
    np.testing.assert_allclose(picture.rgb[0, 2].numpy(), BYTES[..., 0] / 255, atol=1e-7)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (2, 5, 6, 1)])
def test_gray_becomes_rgb(shape: tuple[int, ...]) -> None:
    gray = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    back = like_array(from_array(gray), gray)
    expected = np.repeat(gray.reshape(*(shape if len(shape) > 2 else (*shape, 1))), 3, -1)
    assert np.array_equal(back, expected)
    tensor = torch.from_numpy(gray if len(shape) == 2 else np.moveaxis(gray, -1, -3))
    painted = like_tensor(from_tensor(tensor), tensor)
    assert np.array_equal(np.moveaxis(painted.numpy(), -3, -1), expected)


def test_truth_values_are_black_and_white_and_come_back_as_bytes() -> None:
    truth = BYTES > 127
    expected = np.where(truth, 255, 0).astype(np.uint8)
    assert np.array_equal(like_array(from_array(truth), truth), expected)
    tensor = torch.from_numpy(truth).permute(2, 0, 1)
    back = like_tensor(from_tensor(tensor), tensor)
    assert back.dtype == torch.uint8
    assert np.array_equal(back.permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize(
    "tensor",
    [
        TENSOR,
        (TENSOR.int() * 257).to(torch.uint16),
        TENSOR.half() / 255,
        TENSOR.bfloat16() / 255,
        TENSOR / 255,
        TENSOR.double() / 255,
        torch.cat([TENSOR, TENSOR[:1] | 2]),
        torch.stack([TENSOR, TENSOR.flip(0)]),
        torch.stack([TENSOR, TENSOR]).contiguous(memory_format=torch.channels_last),
        (TENSOR / 255).requires_grad_(),
        torch.nn.Parameter(TENSOR / 255),
        TENSOR[..., ::2],
    ],
    ids=lambda tensor: f"{tensor.dtype}-{tuple(tensor.shape)}",
)
def test_a_tensor_comes_back_as_it_was(tensor: Tensor) -> None:
    before = tensor.detach().clone()
    pictures = from_tensor(tensor)
    for picture in pictures:
        picture.rgb.mul_(1)  # its own memory, and no graph
    back = like_tensor(pictures, tensor)
    assert type(back) is Tensor
    assert back.dtype == tensor.dtype
    assert not back.requires_grad
    torch.testing.assert_close(
        back, before, rtol=0, atol=1e-7 if before.dtype == torch.double else 0
    )
    assert torch.equal(tensor.detach(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_comes_back_to_its_device() -> None:
    there = TENSOR.cuda()
    assert torch.equal(like_tensor(from_tensor(there), there), there)


def test_values_beyond_white_by_rounding_are_white() -> None:
    floats = np.array([[-0.01, 0.5, 1.01]], np.float64)
    assert like_array(from_array(floats), floats)[0, :, 0].tolist() == [0.0, 0.5, 1.0]
    tensor = torch.tensor([[1 + 2**-8, 1.0]], dtype=torch.bfloat16).repeat(2, 1)
    assert bool((like_tensor(from_tensor(tensor), tensor) == 1).all())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (np.full((4, 4, 3), 1.5), "from 1.5 to 1.5"),
        (np.full((4, 4, 3), 128.0), "divide by 255"),
        (np.full((4, 4, 3), -0.5, np.float16), "-0.5"),
        (np.full((4, 4, 3), 1e300), "1e+300"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf, np.float32), "infinity"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.zeros((4, 4, 3), np.int8), "int8"),
        (np.zeros((4, 4, 3), np.uint32), "uint32"),
        (np.zeros((4, 4, 3), complex), "complex"),
        (np.zeros((4, 4, 3), object), "object"),
        (np.zeros((4, 4, 3), "M8[s]"), "datetime64"),
        (np.zeros((4, 4, 3), "U3"), "str"),
        (np.zeros((4, 4), [("r", "u1")]), "void"),
        (np.ma.masked_greater(BYTES, 100), "masked"),
        (np.zeros((0, 4, 3)), "without pixels"),
        (np.zeros((0, 4, 4, 3)), "without pixels"),
        (np.zeros(()), "()"),
        (np.zeros(7), "(7,)"),
        (np.zeros((4, 4, 2)), "(4, 4, 2)"),
        (np.zeros((3, 4, 5)), "channels come last"),
        (np.zeros((1, 1, 4, 4, 3)), "(1, 1, 4, 4, 3)"),
    ],
)
def test_other_arrays_are_refused(wrong: NDArray[Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        from_array(wrong, "mask")
    assert named in str(caught.value)
    assert "mask" in str(caught.value)


def refused_tensors() -> dict[str, Tensor]:
    """What is said -> a tensor that no picture is."""
    plain = torch.rand(3, 4, 4)
    return {
        "meta": plain.to("meta"),
        "sparse_coo": plain.to_sparse(),
        "mkldnn": plain.to_mkldnn(),
        "complex64": plain.to(torch.complex64),
        "float8_e4m3fn": plain.to(torch.float8_e4m3fn),
        "int32": plain.int(),
        "NaN": plain * float("nan"),
        "from 0 to 2": plain.round() * 2,
        "channels come first": torch.rand(5, 5, 3),
        "without pixels": plain[:, :0],
        "()": torch.tensor(0.5),
        "(1, 1, 3, 4, 4)": plain[None, None],
    }


@pytest.mark.parametrize("named", refused_tensors())
def test_other_tensors_are_refused(named: str) -> None:
    with pytest.raises(InputError) as caught:
        from_tensor(refused_tensors()[named], "photo")
    assert named in str(caught.value)
    assert "photo" in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*(quantize|nested|prototype|CSR).*")
def test_unusual_tensors_are_refused_by_their_kind() -> None:
    values = torch.rand(3, 4, 4)
    for tensor, named in (
        (torch.quantize_per_tensor(values, 0.1, 0, torch.quint8), "quantized"),
        (torch.nested.nested_tensor([values, values]), "nested"),
        (values[0].to_sparse_csr(), "sparse_csr"),
    ):
        with pytest.raises(InputError, match=named):
            from_tensor(tensor)


def test_a_tensor_inside_of_vmap_is_refused() -> None:
    def read(tensor: Tensor) -> Tensor:
        with pytest.raises(InputError, match="not a wrapped one"):
            from_tensor(tensor)
        return tensor

    torch.vmap(read)(torch.zeros(2, 3, 20, 20))
