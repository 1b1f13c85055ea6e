"""What works on a machine without a network, FST_ASSETS and VGG-19: the embedded slim network."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from support import Run, make_photo

from fst.errors import AssetError, FstWarning
from fst.loss_networks import sources
from fst.loss_networks.sources import EMBEDDED, WEIGHTS
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import STYLE_LAYERS
from fst.losses.statistics import measure_style
from fst.styles.objective import load_objective
from fst.styles.trained import load_checkpoint

TINY = ["data=sample", "data.size=32", "data.batch_size=1", "data.val_photos=1",
        "net.arguments={width: 4, residual_blocks: 1}", "trainer.max_steps=3",
        "trainer.device=cpu", "logger=csv"]  # fmt: skip


def test_a_style_is_trained_stylized_and_compared_offline(run_inside: Run, tmp_path: Path) -> None:
    trained = run_inside("train.py", "style=the_scream", "loss=slim", *TINY)
    assert trained.returncode == 0, trained.stderr
    assert "portrait" in trained.stderr
    path = tmp_path / "checkpoints" / "the_scream.safetensors"
    network = load_checkpoint(path).description["loss"]["loss_network"]
    assert network["architecture"] == "vgg19-slim"
    assert network["weights"] == "slim"
    make_photo().save(tmp_path / "photo.png")
    painted = run_inside("stylize.py", "photo.png", "--style", "the_scream")
    assert painted.returncode == 0, painted.stderr
    (tmp_path / "photos").mkdir()
    (tmp_path / "photo.png").rename(tmp_path / "photos" / "photo.png")
    command = ["--style", "the_scream", "--photos", "photos", "--size", "32", "--iterations", "2"]
    compared = run_inside("compare.py", *command)
    assert compared.returncode == 0, compared.stderr
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert report["settings"]["loss"]["loss_network"] == network
    page = (tmp_path / "report/index.html").read_text()
    assert "painting.png" in page  # what stands in for it
    judged = run_inside("judge.py", str(path), "--photos", "photos", "--weights", "slim")
    assert judged.returncode == 0, judged.stderr
    assert "vgg19-slim" in judged.stdout
    judged = run_inside("judge.py", str(path), "--photos", "photos")
    assert judged.returncode == 1  # by VGG-19, which can't be had
    assert "loss=slim" in judged.stderr


def test_a_photo_is_optimized_offline(run_inside: Run, tmp_path: Path) -> None:
    make_photo().save(tmp_path / "photo.png")
    options = ["--style", "great_wave", "--method", "optimize", "--iterations", "2"]
    result = run_inside("stylize.py", "photo.png", *options, "--weights", "slim")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "photo-great_wave.png").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["train.py", "style=the_scream", *TINY],
        ["stylize.py", "photo.png", "--style", "the_scream", "--method", "optimize"],
    ],
)
def test_vgg19_is_never_replaced_silently(
    run_inside: Run, tmp_path: Path, command: list[str]
) -> None:
    make_photo().save(tmp_path / "photo.png")
    result = run_inside(*command)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("warning:")]
    assert "loss=slim" in line
    assert "data=sample" in line


def test_what_slim_lacks_is_said_in_one_line(run_inside: Run) -> None:
    for change, says in (
        ("+loss.content_layers.relu5_4=1.0", "ends at relu5_1"),
        ("loss.slim_share=0.5", "not with loss=slim"),
    ):
        result = run_inside("train.py", "style=the_scream", "loss=slim", *TINY, change)
        assert result.returncode == 1, change
        lines = result.stderr.splitlines()
        (line,) = [line for line in lines if not line.startswith("warning:")]
        assert says in line


def test_a_portrait_serves_any_size_layer_and_pooling(run_inside: Run) -> None:
    for change in ("style.size=333", "+loss.style_layers.conv2_1=1.0", "loss.pooling=avg"):
        given = ["style=the_scream", "loss=slim", *TINY, change, "overwrite=true"]
        result = run_inside("train.py", *given)
        assert result.returncode == 0, (change, result.stderr)
        assert "portrait" in result.stderr


# --- the embedded files --------------------------------------------------------------------------


def flipped(path: Path, folder: Path, place: int) -> Path:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    (folder / path.name).write_bytes(content)
    return folder


@pytest.mark.parametrize("place", [0, 100, 100_000, -1])
def test_the_network_with_one_byte_changed_is_refused(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = flipped(EMBEDDED / WEIGHTS["slim"].file, tmp_path, place)
    monkeypatch.setattr(sources, "EMBEDDED", folder)
    with pytest.raises(AssetError, match=r"damaged.*SHA-256") as caught:
        VGG19(["relu1_1"], "slim")
    assert "\n" not in str(caught.value)


def test_the_embedded_files_are_small_and_described() -> None:
    network = EMBEDDED / WEIGHTS["slim"].file
    assert sum(path.stat().st_size for path in EMBEDDED.rglob("*")) < 4e6
    with safe_open(network, framework="pt") as file:
        about = json.loads(file.metadata()["fst"])
    assert about["teacher"]["sha256"] in WEIGHTS["caffe"].sha256
    assert about["licence"] == "CC BY 4.0"  # the file is older than the key's American spelling
    assert "Simonyan" in about["attribution"]
    assert about["agreement"]["total"]["cosine"]["all"] > 0


def test_a_slim_network_in_a_file_is_known_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes((EMBEDDED / WEIGHTS["slim"].file).read_bytes())
    network = VGG19(["relu2_1"], str(path))
    assert (network.architecture, network.source) == ("vgg19-slim", "file")


def test_a_slim_style_is_optimized_with_slim(run_inside: Run, tmp_path: Path) -> None:
    run_inside("train.py", "style=the_scream", "loss=slim", *TINY)
    make_photo().save(tmp_path / "photo.png")
    options = ["--style", "the_scream", "--method", "optimize", "--iterations", "1"]
    result = run_inside("stylize.py", "photo.png", *options)
    assert result.returncode == 0, result.stderr


def test_objectives_that_differ_are_not_compared_in_silence(
    run_inside: Run, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "photo.png")
    for name, weight in (("one", 1), ("two", 5)):
        options = [f"style.name={name}", f"style.style_weight={weight}"]
        run_inside("train.py", "style=the_scream", "loss=slim", *TINY, *options)
    checkpoints = [f"checkpoints/{name}.safetensors" for name in ("one", "two")]
    result = run_inside("judge.py", *checkpoints, "--photos", ".", "--weights", "slim")
    assert result.returncode == 0, result.stderr
    assert "don't compare across: one; two" in result.stderr
    result = run_inside("judge.py", *checkpoints, "--photos", ".", "--limit", "0")
    assert result.stderr.count("\n") == 1


def test_the_objective_of_a_slim_style_is_rebuilt_with_slim(
    run_inside: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_inside("train.py", "style=monet", "loss=slim", *TINY)
    style = load_checkpoint(tmp_path / "checkpoints" / "monet.safetensors")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    with pytest.warns(FstWarning, match="portrait"):
        painting, loss = load_objective(style, torch.device("cpu"))
    assert style.description["style"]["painting"] == "its texture portrait"
    assert loss.vgg.source == "slim"
    expected = measure_style(VGG19(STYLE_LAYERS, "slim"), painting, STYLE_LAYERS)
    assert torch.equal(loss.gram_relu3_1, expected.grams["relu3_1"])  # type: ignore[arg-type]
