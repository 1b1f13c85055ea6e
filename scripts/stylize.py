"""Stylizes photos: ``python scripts/stylize.py photo.jpg --style monet``."""

import argparse
import sys
from pathlib import Path

from rich.progress import Progress

from fst.batch import Job, plan, run
from fst.device import PRECISIONS, keep_freed_memory, pick_device, pick_precision
from fst.errors import one_line_errors
from fst.image import MAX_PIXELS, save_image
from fst.optimize import INITS, OPTIMIZERS, PRESETS, Iterate
from fst.stylize import METHODS, FeedForwardStylizer, make_stylizer, resolve_style


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("photos", nargs="+", type=Path, help="photos and folders of photos")
    add("--style", required=True, help="a style's name, or the path of a checkpoint or a painting")
    add("--output", type=Path, help="a file for one photo, a folder for several")
    add("--method", choices=METHODS, default="auto", help="one pass, or optimize the pixels")
    add("--size", type=positive, help="long side of the result in pixels (default: the photo's)")
    add("--device", default="auto", help="auto, cpu, cuda …")
    add("--precision", choices=PRECISIONS, default="auto")
    add("--quality", type=int, choices=range(1, 101), metavar="1-100", default=95)
    add("--max-pixels", type=positive, default=MAX_PIXELS, help="refuse larger photos")
    add("--checkpoints", type=Path, help="folder of trained styles")
    group = parser.add_argument_group("optimizing the pixels")
    add = group.add_argument
    add("--preset", choices=PRESETS, default="gatys", help="settings of the literature")
    add("--iterations", type=positive, help="default 500; the preset course: 2500")
    add("--optimizer", choices=OPTIMIZERS)
    add("--learning-rate", type=float)
    add("--init", choices=INITS, help="what to start from (default: the photo)")
    add("--seed", type=int, help="of the noise")
    add("--content-weight", type=float)
    add("--style-weight", type=float)
    add("--tv-weight", type=float)
    add("--style-size", type=positive, help="long side of the painting in pixels (default 512)")
    add("--pooling", choices=("max", "avg"))
    add("--weights", help="of VGG-19: auto, caffe, torchvision, slim, or a .safetensors file")
    add("--save-every", type=positive, help="also write every Nth iterate beside the result")
    return parser.parse_args()


def positive(text: str) -> int:
    """A whole number above 0."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def given(options: argparse.Namespace, *names: str) -> dict[str, object]:
    """Those of the options that were given."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def main() -> int:
    """Parses, calls, prints; the exit status tells whether any photo failed."""
    options = parse()
    keep_freed_memory()
    device = pick_device(options.device)
    jobs = plan(
        options.photos, options.output, resolve_style(options.style, options.checkpoints)[1]
    )
    loss = given(options, "content_weight", "style_weight", "tv_weight", "pooling", "weights")
    names = ("iterations", "optimizer", "learning_rate", "init", "seed")
    stylizer = make_stylizer(
        options.style, options.method, device, pick_precision(options.precision, device),
        options.checkpoints, options.style_size, options.preset, loss, given(options, *names),
    )  # fmt: skip
    fast = isinstance(stylizer, FeedForwardStylizer)
    if not fast and options.method == "auto":
        print(f"no checkpoint for {options.style!r}: optimizing the pixels, which takes a while")
    steps = 1 if fast else stylizer.settings.get("iterations", 500)
    failed = 0
    with Progress(transient=True) as bar:
        task = bar.add_task("stylizing", total=len(jobs) * steps)

        def on_iterate(job: Job, iterate: Iterate) -> None:
            done = (jobs.index(job) * steps) + iterate.iteration
            objective = float(iterate.terms.total)
            bar.update(task, completed=done, description=f"{job.source.name}: {objective:.3f}")
            if not bar.console.is_terminal and iterate.iteration % 50 == 0:
                at = f"iteration {iterate.iteration}/{steps}"
                print(f"{job.source.name}: {at}, objective {objective:.3f}", flush=True)
            if options.save_every and iterate.iteration % options.save_every == 0:
                name = f"{job.target.stem}_{iterate.iteration:05d}{job.target.suffix}"
                save_image(job.target.with_name(name), iterate.image.cpu())

        for outcome in run(
            jobs, stylizer, options.size, options.max_pixels, options.quality, on_iterate
        ):
            bar.update(task, completed=(jobs.index(outcome.job) + 1) * steps)
            if outcome.error is not None:
                failed += 1
                print(f"error: {outcome.error}", file=sys.stderr)
    where = jobs[0].target if len(jobs) == 1 else options.output
    print(f"wrote {len(jobs) - failed} of {len(jobs)} pictures: {where}")
    return 1 if failed else 0


if __name__ == "__main__":
    with one_line_errors():
        sys.exit(main())
