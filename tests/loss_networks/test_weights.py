"""fst.loss_networks.weights: where VGG-19's weights come from, and what is refused."""

import hashlib
import os
import pickle
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import VGG19_Weights
from torchvision_vgg import random_state, reference

from fst.errors import AssetError, InputError
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.sources import WEIGHTS
from fst.loss_networks.vgg import VGG19

DOWNLOAD = torch.hub.download_url_to_file


def picture(height: int = 32, width: int = 24, count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Empty folders in all places, and a download that has no network."""
    folders = {
        "assets": tmp_path / "assets" / "weights",
        "cache": tmp_path / "cache" / "fst" / "weights",
        "hub": tmp_path / "torch" / "hub" / "checkpoints",
        "here": tmp_path / "here",
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.chdir(folders["here"])

    def fail(*args: Any, **kwargs: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    return folders


def write_torchvision(path: Path, state: dict[str, Tensor]) -> str:
    """Writes a stand-in for torchvision's file and gives its checksum."""
    torch.save(state, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trust(monkeypatch: pytest.MonkeyPatch, source: str, *sha256: str) -> None:
    monkeypatch.setitem(WEIGHTS, source, replace(WEIGHTS[source], sha256=sha256))


@pytest.mark.parametrize("weights", ["auto", "torchvision"])
def test_without_weights_and_network_the_error_says_where_it_looked_and_what_to_do(
    weights: str, places: dict[str, Path]
) -> None:
    with pytest.raises(AssetError) as caught:
        VGG19(["relu1_1"], weights)
    message = str(caught.value)
    for place in ("assets", "cache"):
        assert str(places[place]) in message
    assert f"{places['hub'] / 'vgg19-dcbb9e9d.pth'} failed: no route to host" in message
    assert "loss=slim" in message
    assert len(message) - sum(len(str(place)) for place in places.values()) < 300  # two lines


@pytest.mark.usefixtures("places")
def test_an_error_of_many_lines_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError("no route\nto host " + 500 * "x")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(AssetError, match="failed: no route to host") as caught:
        VGG19(["relu1_1"], "torchvision")
    assert "\n" not in str(caught.value)
    assert 200 * "x" not in str(caught.value)


@pytest.mark.usefixtures("places")
def test_caffes_weights_are_not_replaced_by_others() -> None:
    with pytest.raises(AssetError, match=r"no vgg19_caffe_fp16\.safetensors in") as caught:
        VGG19(["relu1_1"], "caffe")
    assert "no download" in str(caught.value)


@pytest.mark.parametrize("weights", ["torchvision", "auto"])
@pytest.mark.parametrize("place", ["hub", "assets", "cache"])
def test_torchvisions_file_is_loaded_from_wherever_it_lies(
    place: str, weights: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write_torchvision(places[place] / "vgg19-dcbb9e9d.pth", random_state())
    trust(monkeypatch, "torchvision", digest)
    network = VGG19(["relu2_1"], weights)
    expected = reference(picture(), random_state())[LAYERS["relu2_1"]]
    features = network(picture(), ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    assert network.describe() == {
        "architecture": "vgg19",
        "weights": "torchvision",
        "sha256": digest,
        "pooling": "max",
    }


def test_the_assets_folder_comes_before_torch_hubs_cache(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(seed=1))
    given = write_torchvision(places["assets"] / "vgg19-dcbb9e9d.pth", random_state(seed=2))
    trust(monkeypatch, "torchvision", cached, given)
    assert VGG19(["relu1_1"], "torchvision").sha256 == given


@pytest.fixture
def download(places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the download gives, in place of torchvision's file: torch's own code gets it."""
    served = tmp_path / "served" / "vgg19-dcbb9e9d.pth"
    served.parent.mkdir()
    monkeypatch.setattr(torch.hub, "download_url_to_file", DOWNLOAD)
    entry = replace(VGG19_Weights.IMAGENET1K_V1.value, url=served.as_uri())
    monkeypatch.setattr(VGG19_Weights.IMAGENET1K_V1, "_value_", entry)
    return served


def test_torchvisions_file_is_downloaded_into_torch_hubs_cache(
    places: dict[str, Path], download: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, "torchvision", write_torchvision(download, random_state()))
    network = VGG19(["relu1_1"], "auto")
    assert network.source == "torchvision"
    torch.testing.assert_close(network.features_0_weight, random_state()["features.0.weight"])
    cached = places["hub"] / "vgg19-dcbb9e9d.pth"
    assert cached.read_bytes() == download.read_bytes()
    assert list(places["hub"].iterdir()) == [cached]
    download.unlink()  # and the next time nothing is downloaded
    assert VGG19(["relu1_1"], "torchvision").sha256 == network.sha256


@pytest.mark.usefixtures("places")
def test_the_cache_may_have_to_be_made_first(
    download: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "new" / "torch"))
    trust(monkeypatch, "torchvision", write_torchvision(download, random_state()))
    assert VGG19(["relu1_1"], "torchvision").source == "torchvision"


class _Bomb:
    """A pickle that makes a file as soon as somebody loads it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_download_of_another_digest_is_neither_kept_nor_unpickled(
    places: dict[str, Path], download: Path, tmp_path: Path
) -> None:
    torch.save({"features.0.weight": _Bomb(tmp_path / "exploded")}, download)
    with pytest.raises(AssetError, match=r"download to .*failed.*dcbb9e9d") as caught:
        VGG19(["relu1_1"], "torchvision")
    assert "\n" not in str(caught.value)
    assert list(places["hub"].iterdir()) == []
    assert not (tmp_path / "exploded").exists()


@pytest.mark.usefixtures("places")
def test_eight_digits_that_agree_are_not_enough(
    download: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write_torchvision(download, random_state())
    trust(monkeypatch, "torchvision", digest[:8] + "0" * 56)
    with pytest.raises(AssetError, match="download"):
        VGG19(["relu1_1"], "torchvision")


def test_a_file_of_the_right_digest_still_runs_no_code(
    places: dict[str, Path], download: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"features.0.weight": _Bomb(tmp_path / "exploded")}, download)
    trust(monkeypatch, "torchvision", hashlib.sha256(download.read_bytes()).hexdigest())
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        VGG19(["relu1_1"], "torchvision")
    assert not (tmp_path / "exploded").exists()
    torch.load(download, weights_only=False)  # the bomb is live
    assert (tmp_path / "exploded").exists()


def test_what_is_known_of_every_source_is_its_whole_digest() -> None:
    for source in WEIGHTS.values():
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in source.sha256)
    # what torchvision itself publishes: the first digits, in the name
    (published,) = re.findall("-([0-9a-f]+).pth", VGG19_Weights.IMAGENET1K_V1.url)
    assert WEIGHTS["torchvision"].sha256[0].startswith(published)
    assert WEIGHTS["torchvision"].file == Path(VGG19_Weights.IMAGENET1K_V1.url).name


def test_auto_prefers_caffes_weights(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = places["assets"] / "vgg19_caffe_fp16.safetensors"
    save_file({key: value.half() for key, value in random_state().items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    trust(monkeypatch, "caffe", digest)
    other = write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(seed=1))
    trust(monkeypatch, "torchvision", other)
    for weights in ("auto", "caffe", str(path), path.name):
        network = VGG19(["relu1_1"], weights)
        assert (network.source, network.sha256) == ("caffe", digest)
        assert network.features_0_weight.dtype == torch.float32
        stored = random_state()["features.0.weight"].half().float()
        assert torch.equal(network.features_0_weight, stored)


@pytest.mark.parametrize("weights", ["auto", "caffe", "path"])
def test_a_file_called_like_caffes_with_other_content_is_refused(
    weights: str, places: dict[str, Path]
) -> None:
    path = places["assets"] / "vgg19_caffe_fp16.safetensors"
    save_file(random_state(), path)
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(AssetError, match=f"SHA-256 is {got[:16]}.*4a34924b2e930424"):
        VGG19(["relu1_1"], str(path) if weights == "path" else weights)


def test_a_file_called_like_torchvisions_with_other_content_is_refused(
    places: dict[str, Path],
) -> None:
    write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(3))
    with pytest.raises(AssetError, match=r"SHA-256 is .*dcbb9e9d"):
        VGG19(["relu1_1"], "torchvision")


def test_a_file_of_ones_own_is_described_by_its_checksum(shallow_file: str) -> None:
    description = VGG19(["relu1_1"], shallow_file, pooling="avg").describe()
    assert description == {
        "architecture": "vgg19",
        "weights": "file",
        "sha256": hashlib.sha256(Path(shallow_file).read_bytes()).hexdigest(),
        "pooling": "avg",
    }


def test_a_missing_tensor_is_named(tmp_path: Path, shallow_file: str) -> None:
    state = random_state()
    del state["features.5.bias"]
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(AssetError, match=r"a\.safetensors lacks the tensor 'features\.5\.bias'"):
        VGG19(["relu2_1"], str(tmp_path / "a.safetensors"))
    VGG19(["relu1_2"], str(tmp_path / "a.safetensors"))  # not needed there
    with pytest.raises(AssetError, match=r"lacks the tensor 'features\.12\.weight'"):
        VGG19(["conv3_2"], shallow_file)


def test_a_misshapen_tensor_is_named(tmp_path: Path) -> None:
    state = random_state()
    state["features.2.weight"] = state["features.2.weight"][:, :32].contiguous()
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(AssetError) as caught:
        VGG19(["relu1_2"], str(tmp_path / "a.safetensors"))
    message = str(caught.value)
    assert "features.2.weight has shape (64, 32, 3, 3), expected (64, 64, 3, 3)" in message


@pytest.mark.parametrize("content", [b"", b"not a safetensors file", bytes(1000)])
def test_a_file_that_is_no_safetensors_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(AssetError, match=r"a\.safetensors is not a readable safetensors file"):
        VGG19(["relu1_1"], str(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("name", ["mine.pth", "vgg19-dcbb9e9d.pth", "vgg19"])
def test_a_pickle_is_refused_and_the_choices_are_named(name: str, tmp_path: Path) -> None:
    torch.save(random_state(3), tmp_path / name)
    with pytest.raises(InputError) as caught:
        VGG19(["relu1_1"], str(tmp_path / name))
    message = str(caught.value)
    assert name in message
    for choice in ("auto", "caffe", "torchvision", "random", ".safetensors"):
        assert choice in message


@pytest.mark.usefixtures("places")
def test_a_weights_file_that_is_nowhere_is_an_asset_error() -> None:
    with pytest.raises(AssetError, match=r"no weights 'mine\.safetensors'"):
        VGG19(["relu1_1"], "mine.safetensors")


def test_random_weights_are_the_same_each_time_and_announced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = VGG19(["relu2_1"], "random"), VGG19(["relu1_2"], "random")
    assert "RANDOM" in capsys.readouterr().out
    assert torch.equal(one.features_2_weight, two.features_2_weight)
    assert one.describe()["weights"] == "random"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are UTF-8")
def test_weights_in_a_folder_whose_name_is_not_utf8_are_read(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    save_file(random_state(), tmp_path / "mine.safetensors")
    (tmp_path / "mine.safetensors").rename(folder / "mine.safetensors")
    network = VGG19(["relu1_1"], str(folder / "mine.safetensors"))
    assert torch.equal(network.features_0_weight, random_state()["features.0.weight"])
