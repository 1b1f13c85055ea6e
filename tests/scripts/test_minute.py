"""``fst train experiment=minute`` as it is typed: offline, from a tiny any-painting net."""

from pathlib import Path

import pytest
import torch
from support import Run, make_photo
from tiny_runs import digest_of

from fst.nets.conditional import AnyNet
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

TINY = ["style=painting.png", "experiment=minute", "data=folder", "data.path=photos",
        "data.size=32", "net.arguments={width: 4, residual_blocks: 1}", "trainer.device=cpu",
        "precision=fp32", "logger=csv"]  # fmt: skip


@pytest.fixture
def any_digest(tmp_path: Path, photo_folder: Path) -> str:
    """Of a tiny any-painting net among the checkpoints; photos and a painting are there, too."""
    make_photo(48, 40, seed=99).save(tmp_path / "painting.png")
    arguments = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2,
                 "predictor_width": 8}  # fmt: skip
    torch.manual_seed(0)
    net = AnyNet(**arguments)  # type: ignore[arg-type]
    net.half().float()  # as half precision holds it
    (tmp_path / "checkpoints").mkdir()
    about = {"net": {"name": "any", "arguments": arguments}, "style": {"name": "any"}}
    save_checkpoint(tmp_path / "checkpoints/any.safetensors", TrainedStyle(net, about))
    return digest_of(net.state_dict())


@pytest.mark.slow
def test_a_painting_is_adapted_to_without_a_download_and_without_a_pilot(
    run_inside: Run, tmp_path: Path, any_digest: str
) -> None:
    nowhere = {"TORCH_HOME": str(tmp_path / "hub"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    made = run_inside("train.py", *TINY, "trainer.max_steps=2", **nowhere)
    assert made.returncode == 0, made.stderr
    assert "VGG-19 is not on this machine" in made.stdout
    assert "weighing" not in made.stdout
    finished = tmp_path / "checkpoints/painting.safetensors"
    about = load_checkpoint(finished).description
    assert (about["training"]["init"], about["training"]["init_sha256"]) == ("any", any_digest)
    assert about["loss"]["loss_network"]["weights"] == "slim"
    assert about["training"]["slim_steps_share"] == 0
    assert (about["style"]["style_weight"], about["style"]["strength_target"]) == (6, None)

    # killed before it was finished: the same words go on, and need no beginning any more
    (run,) = (tmp_path / "runs/painting").iterdir()
    for gone in (finished, run / finished.name, tmp_path / "checkpoints/any.safetensors"):
        gone.unlink()
    further = ["trainer.max_steps=3", "resume=auto"]
    resumed = run_inside("train.py", *TINY, *further, **nowhere)
    assert resumed.returncode == 0, resumed.stderr
    assert "step=2.ckpt" in resumed.stdout
    training = load_checkpoint(finished).description["training"]
    assert (training["steps"], training["init_sha256"]) == (3, any_digest)


def test_without_an_any_painting_net_that_fits_a_minute_ends_in_one_line(
    run_inside: Run, tmp_path: Path, any_digest: str
) -> None:
    (tmp_path / "checkpoints/any.safetensors").rename(tmp_path / "elsewhere.safetensors")
    refused = run_inside("train.py", *TINY, "net.arguments.width=5")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "init=" in refused.stderr
    assert not (tmp_path / "runs").exists()
