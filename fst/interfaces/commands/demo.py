"""The main job in a few minutes, command by command: ``fst demo``.

Needs nothing but the installed packages: a loss network and portraits of the paintings come with
fst, a few photos with scikit-image. With an FST_ASSETS folder it takes its photos from there.
"""

import argparse
import shlex
import sys
import urllib.request
from pathlib import Path

from fst import assets
from fst.data.sources import open_sample
from fst.errors import AssetError
from fst.loss_networks.sources import at_hand
from fst.system.process import run_python

DEMO = Path("demo")
STYLE = "starry_night"


def call(command: str, *arguments: object) -> None:
    """Shows the command and runs it; a failure ends the demo with its status."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ fst {command} {shlex.join(words)}", flush=True)
    if status := run_python(["-m", "fst", command, *words]):
        sys.exit(status)


def about_vgg19() -> str:
    """Whether VGG-19 itself can be had, and how to use it."""
    use = f"train against it with: fst train style={STYLE} experiment=cpu overwrite=true"
    if (path := at_hand()) is not None:
        return f"VGG-19 is at hand ({path.name}): {use}"
    from torchvision.models import VGG19_Weights  # here, because its import takes seconds

    try:
        question = urllib.request.Request(VGG19_Weights.IMAGENET1K_V1.url, method="HEAD")
        with urllib.request.urlopen(question, timeout=5):
            return f"VGG-19 can be downloaded (550 MB, by itself, once): {use}"
    except OSError:
        return "VGG-19 is not here and can't be downloaded: loss=slim does without it"


def main(_: argparse.Namespace) -> int:
    """Stylize with the shipped checkpoint, train another style, stylize with it, compare."""
    samples = Path(open_sample()[0]["image"]["path"]).parent
    data, photo = ["data=sample"], samples / "coffee.png"
    DEMO.mkdir(exist_ok=True)
    try:
        train, eval_photos = (assets.find("photos", name) for name in ("train", "eval"))
        data, photo = ["data=folder", f"data.path={train}"], assets.list_images(eval_photos)[0]
    except AssetError:
        eval_photos = DEMO / "photos"
        print("No FST_ASSETS folder with photos: taking the few that come with scikit-image.")
        eval_photos.mkdir(exist_ok=True)
        for name in ("chelsea.png", "rocket.jpg"):
            (eval_photos / name).write_bytes((samples / name).read_bytes())
    scream = DEMO / "the_scream.jpg"
    call("stylize", photo, "--style", "the_scream", "--output", scream, "--overwrite")
    folders = [f"runs={DEMO}/runs", f"checkpoints={DEMO}/checkpoints", "overwrite=true"]
    call("train", f"style={STYLE}", "loss=slim", *data, "experiment=quick", *folders)
    trained = DEMO / "checkpoints" / f"{STYLE}.safetensors"
    call("stylize", photo, "--style", trained, "--output", DEMO / f"{STYLE}.jpg", "--overwrite")
    limits = ["--limit", 2, "--size", 256, "--iterations", 100, "--output", DEMO / "report"]
    call("compare", "--style", trained, "--photos", eval_photos, *limits)
    print(f"\nLook at {DEMO}/*.jpg, {DEMO}/runs/ (previews) and {DEMO}/report/index.html")
    print(about_vgg19())
    return 0
