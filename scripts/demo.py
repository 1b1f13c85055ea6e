"""The main job in a few minutes, command by command: ``make demo``.

Paintings and photos come from the FST_ASSETS folder; without one, from the installed scikit-image
(a star field serves as the painting). VGG-19 comes from that folder too, or is downloaded.
"""

import shlex
import subprocess
import sys
from pathlib import Path

from fst import assets
from fst.errors import AssetError
from fst.photos import open_sample

SCRIPTS = Path(__file__).parent
DEMO = Path("demo")


def call(script: str, *arguments: object) -> None:
    """Shows the command and runs it; a failure ends the demo with its status."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ python scripts/{script} {shlex.join(words)}", flush=True)
    status = subprocess.run([sys.executable, str(SCRIPTS / script), *words], check=False).returncode
    if status:
        sys.exit(status)


def main() -> None:
    """Stylize with the shipped checkpoint, train for 100 steps, compare."""
    samples = Path(open_sample()[0]["image"]["path"]).parent
    try:
        assets.find("styles", "monet.jpg")
        train, eval_photos = assets.find("photos", "train"), assets.find("photos", "eval")
        photo = assets.find("photos", "content") / "chicago.jpg"
        painting, compared = ["style=monet"], ["--style", "monet"]
    except AssetError as error:
        print(f"{error}\nThe demo goes on with the pictures that come with scikit-image.")
        train, eval_photos, photo = None, samples, samples / "coffee.png"
        painting = ["style=monet", "style.name=stars"]
        painting += [f"style.image={samples / 'hubble_deep_field.jpg'}"]
        compared = ["--style", f"{DEMO}/checkpoints/stars.safetensors"]
    DEMO.mkdir(exist_ok=True)
    call("stylize.py", photo, "--style", "monet", "--output", DEMO / "monet.jpg")
    data = ["data=sample"] if train is None else ["data=folder", f"data.path={train}"]
    folders = [f"runs={DEMO}/runs", f"checkpoints={DEMO}/checkpoints", "overwrite=true"]
    call("train.py", *painting, *data, "experiment=quick", "trainer.max_steps=100", *folders)
    limits = ["--limit", 2, "--size", 256, "--iterations", 60, "--output", DEMO / "report"]
    call("compare.py", *compared, "--photos", eval_photos, *limits)
    print(f"\nLook at {DEMO}/monet.jpg, {DEMO}/runs/ (previews) and {DEMO}/report/index.html")


if __name__ == "__main__":
    main()
