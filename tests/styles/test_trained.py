"""fst.styles.trained: what was written is what is read; what is damaged or foreign is refused."""

import builtins
import functools
import io
import json
import os
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from fst.errors import CheckpointError, InputError
from fst.nets.johnson import JohnsonNet
from fst.styles import trained
from fst.styles.trained import (
    FORMAT_VERSION,
    TrainedStyle,
    check_name,
    load_checkpoint,
    save_checkpoint,
)

ARGUMENTS = {"width": 4, "residual_blocks": 1}
DESCRIPTION: dict[str, Any] = {
    "net": {"name": "johnson", "arguments": ARGUMENTS},
    "style": {"name": "mine", "title": "Größe — 大きさ", "painter": None},
    "loss": {
        "content_weight": 1.0,
        "style_weight": 5.0,
        "tv_weight": 0.5,
        "style_layers": {"relu1_1": 0.1, "relu2_1": 0.9},
        "loss_network": {"weights": "caffe", "sha256": "4a34", "pooling": "max"},
    },
    "data": {"photos": 1633, "skipped": 0},
    "training": {"steps": 2000, "seed": 1, "finished": True},
    "objective": {"total": 0.1 + 0.2},
    "versions": {"torch": "2.11"},
}


def make_style(seed: int = 0, **arguments: int) -> TrainedStyle:
    torch.manual_seed(seed)
    net = JohnsonNet(**{**ARGUMENTS, **arguments})
    return TrainedStyle(net, DESCRIPTION)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    save_checkpoint(path, make_style())
    return path


def write(path: Path, metadata: dict[str, str] | None, net: nn.Module | None = None) -> Path:
    """A safetensors file with the weights of ``net`` and any header."""
    state = (net or make_style().net).state_dict()
    save_file({key: value.half().contiguous() for key, value in state.items()}, path, metadata)
    return path


def described(path: Path, **changes: Any) -> Path:
    description = {"format_version": FORMAT_VERSION, **DESCRIPTION, **changes}
    return write(path, {"fst": json.dumps(description)})


# --- there and back --------------------------------------------------------------------------


def test_weights_come_back_within_half_precision(saved: Path) -> None:
    expected = make_style().net.state_dict()
    got = load_checkpoint(saved).net.state_dict()
    assert list(got) == list(expected)
    for key, value in expected.items():
        assert got[key].dtype == torch.float32
        rounded = value.numpy().astype(np.float16).astype(np.float32)  # NumPy's rounding
        np.testing.assert_array_equal(got[key].numpy(), rounded)
        np.testing.assert_allclose(got[key].numpy(), value.numpy(), rtol=2**-11, atol=2**-25)


def test_weights_written_in_float32_come_back_exactly(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", make_style(), dtype=torch.float32)
    got = load_checkpoint(tmp_path / "a.safetensors").net.state_dict()
    for key, value in make_style().net.state_dict().items():
        assert torch.equal(got[key], value)


def test_the_description_comes_back_identical(saved: Path) -> None:
    style = load_checkpoint(saved)
    assert style.description == {"format_version": FORMAT_VERSION, **DESCRIPTION}
    assert style.name == "mine"
    assert "format_version" not in DESCRIPTION  # nothing was written into what was given


def test_a_style_that_was_read_can_be_written_again(saved: Path, tmp_path: Path) -> None:
    once = load_checkpoint(saved)
    save_checkpoint(tmp_path / "b.safetensors", once)
    twice = load_checkpoint(tmp_path / "b.safetensors")
    assert twice.description == once.description
    for key, value in once.net.state_dict().items():
        assert torch.equal(twice.net.state_dict()[key], value)


def test_the_net_comes_ready_to_paint(saved: Path) -> None:
    net = load_checkpoint(saved).net
    assert isinstance(net, JohnsonNet)
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(parameter.device.type == "cpu" for parameter in net.parameters())


def test_the_file_is_plain_safetensors_in_half_precision(saved: Path) -> None:
    with safe_open(saved, framework="np") as file:
        assert set(file.keys()) == set(make_style().net.state_dict())
        assert {file.get_tensor(key).dtype for key in file.keys()} == {np.dtype(np.float16)}
        description = json.loads(file.metadata()["fst"])
    assert description["style"] == DESCRIPTION["style"]
    assert description["format_version"] == FORMAT_VERSION


@pytest.mark.parametrize("seed", range(3))
def test_half_precision_changes_the_picture_by_at_most_one_of_255(
    seed: int, tmp_path: Path
) -> None:
    style = make_style(seed, width=16, residual_blocks=3)
    with torch.no_grad():
        style.net.out.weight *= 3  # colors as strong as a trained net's
    description = {**DESCRIPTION, "net": {"name": "johnson", "arguments": {"width": 16}}}
    description["net"]["arguments"]["residual_blocks"] = 3
    save_checkpoint(tmp_path / "a.safetensors", TrainedStyle(style.net, description))
    photo = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        exact = style.net(photo)
        stored = load_checkpoint(tmp_path / "a.safetensors").net(photo)
    assert exact.std() > 0.1
    assert not torch.equal(exact, stored)
    pictures = [(255 * picture.double()).round() for picture in (exact, stored)]
    assert (pictures[0] - pictures[1]).abs().max() <= 1


# --- not written -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 7e4])
@pytest.mark.parametrize("before", [None, b"the old style"])
def test_a_weight_that_is_not_finite_is_refused_and_nothing_is_written(
    value: float, before: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    if before is not None:
        path.write_bytes(before)
    style = make_style()
    with torch.no_grad():
        style.net.out.weight[1, 2, 3, 4] = value  # 7e4 is finite, but not in half precision
    with pytest.raises(CheckpointError, match=r"out\.weight is not finite"):
        save_checkpoint(path, style)
    assert os.listdir(tmp_path) == ([] if before is None else [path.name])
    assert before is None or path.read_bytes() == before


def test_a_description_that_json_can_not_hold_leaves_nothing_behind(tmp_path: Path) -> None:
    style = TrainedStyle(make_style().net, {**DESCRIPTION, "data": object()})
    with pytest.raises(TypeError, match="JSON"):
        save_checkpoint(tmp_path / "mine.safetensors", style)
    assert os.listdir(tmp_path) == []


# --- not read --------------------------------------------------------------------------------


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match="no checkpoint") as caught:
            load_checkpoint(path)
        assert str(path) in str(caught.value)


class _Bomb:
    """A pickle that makes a file as soon as somebody loads it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.ckpt", "a.pkl", "a", "a.safetensors"])
def test_no_pickle_is_ever_run(name: str, tmp_path: Path) -> None:
    path, target = tmp_path / name, tmp_path / "exploded"
    path.write_bytes(pickle.dumps(_Bomb(target)))
    with pytest.raises(CheckpointError, match=r"refused|not a readable safetensors"):
        load_checkpoint(path)
    assert not target.exists()
    pickle.loads(path.read_bytes())  # the bomb is live: had it been loaded, it would have shown
    assert target.exists()


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.ckpt"])
def test_a_pickle_is_refused_without_being_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(make_style().net.state_dict(), tmp_path / name)

    def opened(*args: object, **kwargs: object) -> None:
        raise AssertionError("opened the file")

    openers = ((builtins, "open"), (io, "open"), (torch, "load"), (trained, "safe_open"))
    for owner, opener in openers:
        monkeypatch.setattr(owner, opener, opened)
    with pytest.raises(CheckpointError, match=r"refused: only \.safetensors"):
        load_checkpoint(tmp_path / name)


def test_a_truncated_file_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for length in (0, 4, 8, 100, header, header + 10, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"mine\.safetensors is not a readable"):
            load_checkpoint(saved)


def test_a_flipped_byte_in_the_header_never_escapes_as_another_error(saved: Path) -> None:
    whole = saved.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    refused = 0
    for position in range(0, header, 7):
        content = bytearray(whole)
        content[position] ^= 0x80  # no longer ASCII
        saved.write_bytes(content)
        try:
            load_checkpoint(saved)
        except CheckpointError:
            refused += 1
    assert refused == len(range(0, header, 7))


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"fst": "{"},
        {"fst": "null"},
        {"fst": "[]"},
        {"fst": '"text"'},
        {"fst": "{}"},
    ],
)
def test_a_safetensors_file_of_others_is_refused(
    metadata: dict[str, str] | None, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"a\.safetensors .*not a trained style"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "changes",
    [{"net": None}, {"net": {"name": "johnson"}}, {"net": {"arguments": {}}}, {"style": {}}],
)
def test_a_description_that_lacks_something_is_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="not a trained style"):
        load_checkpoint(described(tmp_path / "a.safetensors", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": "1"},
        {"format_version": None},
        {"net": {"name": ["johnson"], "arguments": ARGUMENTS}},
        {"net": {"name": "johnson", "arguments": {"width": 1.5}}},
        {"net": {"name": "johnson", "arguments": {"width": "4"}}},
        {"net": {"name": "johnson", "arguments": [4, 1]}},
        {"net": {"name": "johnson", "arguments": None}},
        {"net": {"name": "johnson", "arguments": {**ARGUMENTS, "depth": 2}}},
    ],
)
def test_a_description_of_the_wrong_types_is_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        load_checkpoint(described(tmp_path / "a.safetensors", **changes))


def test_an_unknown_net_names_the_known_ones(tmp_path: Path) -> None:
    path = described(tmp_path / "a.safetensors", net={"name": "os.system", "arguments": {}})
    with pytest.raises(CheckpointError, match=r"the net 'os\.system': there are johnson"):
        load_checkpoint(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = described(tmp_path / "a.safetensors", format_version=FORMAT_VERSION + 1)
    with pytest.raises(CheckpointError, match=f"has format {FORMAT_VERSION + 1}"):
        load_checkpoint(path)


def test_weights_that_are_not_the_nets_are_refused(tmp_path: Path) -> None:
    metadata = {"fst": json.dumps({"format_version": FORMAT_VERSION, **DESCRIPTION})}
    for other in ({"width": 5}, {"residual_blocks": 2}, {"residual_blocks": 0}):
        path = write(tmp_path / "a.safetensors", metadata, make_style(**other).net)
        with pytest.raises(CheckpointError, match="its weights are not those of its net"):
            load_checkpoint(path)


def test_every_refusal_is_one_line(tmp_path: Path) -> None:
    net = {"name": "johnson", "arguments": {"width": 8}}
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(described(tmp_path / "a.safetensors", net=net))
    assert "\n" not in str(caught.value)


# --- what a file says of itself is not believed ----------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../evil", "a/b", "/etc/evil", "a\\b", ".", "..", ".hidden", "", "a\nb", "a\0b", "a" * 101,
     "a\u202eb", None, True, ["a"], {"a": 1}],
)  # fmt: skip
def test_a_name_that_cannot_name_a_file_of_its_own_is_refused(name: Any, tmp_path: Path) -> None:
    path = described(tmp_path / "a.safetensors", style={"name": name})
    with pytest.raises(CheckpointError, match=r"a\.safetensors is refused: .* name") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)
    with pytest.raises(InputError):
        check_name(name)


@pytest.mark.parametrize("name", ["starry_night", "Größe — 大きさ", "my style 2", "a" * 100])
def test_a_name_of_any_letters_is_taken(name: str, tmp_path: Path) -> None:
    assert check_name(name) == name
    assert load_checkpoint(described(tmp_path / "a.safetensors", style={"name": name})).name == name


def test_a_name_that_was_a_number_is_its_digits(tmp_path: Path) -> None:
    path = described(tmp_path / "a.safetensors", style={"name": 2024})
    assert load_checkpoint(path).description["style"]["name"] == "2024"


@pytest.mark.parametrize(
    ("argument", "value"),
    [*(("width", value) for value in (10**9, 10**30, 1000, -4, 0, True, 4.0, "4", None, [4])),
     *(("residual_blocks", value) for value in (10**9, 10**30, 1000, -1, True, 1.0, "1", None)),
     *(("upsampling", value) for value in ("cubic", "", 2, None, True, ["nearest"]))],
)  # fmt: skip
def test_absurd_arguments_are_refused_before_there_is_memory_for_a_net(
    argument: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = {"name": "johnson", "arguments": {**ARGUMENTS, argument: value}}
    path = described(tmp_path / "a.safetensors", net=net)
    made: list[int] = []
    filled = JohnsonNet.__init__

    def counted(self: JohnsonNet, *args: Any, **arguments: Any) -> None:
        filled(self, *args, **arguments)
        made.extend(p.numel() for p in self.parameters() if not p.is_meta)
        assert len(list(self.parameters())) < 1000

    monkeypatch.setattr(JohnsonNet, "__init__", functools.wraps(filled)(counted))
    with pytest.raises(CheckpointError, match=r"a\.safetensors: its (net|weights)") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert made == []


def test_a_whole_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"format_version": FORMAT_VERSION, **DESCRIPTION})
    text = text.replace('"width": 4', f'"width": {"9" * 5000}')
    with pytest.raises(CheckpointError, match="not a trained style"):
        load_checkpoint(write(tmp_path / "a.safetensors", {"fst": text}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_is_not_read(value: float, tmp_path: Path) -> None:
    style = make_style()
    with torch.no_grad():
        style.net.out.weight[1, 2, 3, 4] = value
    metadata = {"fst": json.dumps({"format_version": FORMAT_VERSION, **DESCRIPTION})}
    path = write(tmp_path / "a.safetensors", metadata, style.net)
    with pytest.raises(CheckpointError, match=r"a\.safetensors: .*out\.weight is not finite"):
        load_checkpoint(path)


def test_reading_draws_as_many_random_numbers_as_a_new_net(saved: Path) -> None:
    # a seeded training that begins with a trained style stays what it was
    torch.manual_seed(0)
    JohnsonNet(**ARGUMENTS)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_checkpoint(saved)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are UTF-8")
@pytest.mark.parametrize("place", [b"caf\xe9/mine.safetensors", b"m\xffine.safetensors"])
def test_a_path_that_is_not_utf8_is_written_and_read(place: bytes, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + place))
    path.parent.mkdir(exist_ok=True)
    style = make_style()
    save_checkpoint(path, style)
    assert load_checkpoint(path).digest == load_checkpoint(path).digest
    for key, value in load_checkpoint(path).net.state_dict().items():
        assert torch.equal(value, style.net.state_dict()[key].half().float())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="not a readable"):
        load_checkpoint(path)
