"""Every command, every option: what is missing, of a wrong type, out of range or contradicting.

Each is one line, a status that is not 0, nothing written, and before any work: a net that is run,
or weights of a loss network that are read, would raise here. Options are found by walking the
parsers, so that a new one has to be given its wrong values. Settings of ``fst train``:
``tests/training/test_settings.py``.
"""

import argparse
import copy
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn_clips import write_clip
from many_files import write_many
from support import make_photo
from tiny_any import save_any

from fst import assets
from fst.assets import shipped
from fst.inference.painter import NetPainter
from fst.interfaces import cli
from fst.interfaces.arguments import options as types
from fst.interfaces.arguments import study, video
from fst.interfaces.commands import benchmark, demo, train
from fst.interfaces.http import app
from fst.loss_networks import weights
from fst.loss_networks.vgg import VGG19
from fst.nets import make_net
from fst.nets.johnson import JohnsonNet
from fst.research.distillation.slim import SLIM
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint


class Work(BaseException):
    """What is refused must not come this far; no ``except`` of ours catches it."""


BASE: dict[str, dict[str, list[str]]] = {
    "stylize": {
        "photos": ["photo.png"], "--style": ["tiny.safetensors"], "--backend": ["eager"],
        "--output": ["out.png"],
    },
    "video": {
        "clips": ["clip.mp4"], "--style": ["tiny.safetensors"], "--backend": ["eager"],
        "--output": ["out.mp4"],
    },
    "styles": {},
    "sheet": {"photos": ["photo.png"], "--styles": ["tiny.safetensors"],
              "--output": ["out.png"]},
    "live": {"--camera": ["clip.gif"], "--style": ["tiny.safetensors"], "--no-window": []},
    "serve": {"--port": ["0"], "--no-browser": []},
    "pack": {"styles": ["painting.png"], "--output": ["many.safetensors"],
             "--checkpoints": ["nets"]},
    "export": {"style": ["tiny.safetensors"], "--to": ["pt2"], "--output": ["new"]},
    "train": {"settings": ["style=monet"]},
    "compare": {"--style": ["tiny.safetensors"], "--photos": ["photos"], "--weights": ["slim"]},
    "demo": {},
    "completion": {"shell": ["bash"]},
    "judge": {"styles": ["tiny.safetensors"], "--photos": ["photos"], "--weights": ["slim"]},
    "reproduce": {
        "style": ["tiny.safetensors"], "--photos": ["photos"], "--train-photos": ["photos"],
        "--weights": ["slim"],
    },
    "benchmark train": {"--photos": ["photos"], "--weights": ["slim"]},
    "benchmark slim": {"--photos": ["photos"], "--weights": ["slim"], "--precision": ["fp32"]},
    "benchmark optimize": {"--photo": ["photo.png"], "--style": ["painting.png"],
                           "--weights": ["random"], "--iterations": ["20"]},
    "benchmark inference": {"--backends": ["eager"]},
    "benchmark any": {
        "--paintings": ["painting.png"], "--photos": ["photos"], "--weights": ["slim"],
        "--checkpoints": ["nets"],
    },
    "benchmark sliders": {
        "--paintings": ["painting.png"], "--photos": ["photos"], "--weights": ["slim"],
        "--checkpoints": ["nets"],
    },
    "benchmark ladder": {
        "--painting": ["assets/styles/monet_woman_with_a_parasol.jpg"],
        "--nets": ["tiny.safetensors"],
        "--photos": ["photos"], "--weights": ["slim"], "--checkpoints": ["nets"],
    },
    "benchmark video": {
        "--photos": ["photos"], "--styles": ["tiny.safetensors"], "--weights": ["slim"],
        "--size": ["64"], "--frames": ["4"], "--limit": ["1"],
    },
    **{
        f"study {kind}": {
            "--photo": ["photo.png"], "--style": ["painting.png"], "--weights": ["slim"],
            "--output": ["new"],
        }
        for kind in ("ratio", "start", "pooling", "size", "statistics")
    },
    "study reconstruction": {
        "--photo": ["photo.png"], "--styles": ["painting.png"], "--weights": ["slim"],
        "--output": ["new"],
    },
    "study presets": {
        "--photos": ["photos"], "--style": ["painting.png"], "--weights": ["slim"],
        "--output": ["new"],
    },
    "study all": {
        "--photo": ["photo.png"], "--photos": ["photos"], "--style": ["painting.png"],
        "--styles": ["painting.png"], "--weights": ["slim"], "--output": ["new"],
    },
    "study units": {
        "--layer": ["conv1_1"], "--photos": ["photos"], "--weights": ["slim"],
        "--output": ["new"],
    },
    "study features": {
        "photo": ["photo.png"], "--layer": ["conv1_1"], "--weights": ["slim"],
        "--output": ["new"],
    },
    "style-page": {"style": ["tiny.safetensors"], "--photos": ["photos"], "--output": ["pages"]},
    "distill": {
        "--output": ["slim.safetensors"], "--photos": ["photos"], "--paintings": ["painting.png"],
        "--weights": ["caffe"],
    },
    "reptile": {
        "--output": ["base.safetensors"], "--photos": ["photos"], "--paintings": ["paintings"],
        "--init": ["tiny.safetensors"],
    },
    "portrait": {"styles": ["monet"], "--folder": ["new"]},
    "embed": {
        "network": ["network.safetensors"], "--photos": ["photos"], "--folder": ["new"],
        "--paintings": ["painting.png"],
    },
}  # fmt: skip
"""Command -> option -> words: what is needed, and comes as far as the work."""

WORKS = [command for command in BASE if command not in ("styles", "demo", "completion", "train")]

NO_NUMBER = ["", " ", "abc", "nan", "1e400", "inf", "0x10", "1,5"]
NO_WHOLE = [*NO_NUMBER, "2.5", "1e3", "9" * 20, "9" * 5000]
BY_TYPE: dict[Any, list[str]] = {
    types.positive: [*NO_WHOLE, "0", "-1"],
    types.count: [*NO_WHOLE, "-1"],
    types.seed: [*NO_WHOLE, "-1", str(2**64)],
    types.side: [*NO_WHOLE, "15", "0", "-1", "100001"],
    study.small_side: [*NO_WHOLE, "15", "0", "-1", "4097"],
    study.numbers: ["", " ", "abc", "1,", "-1", "3,-1", "1.5", "3 17", ",", "9" * 5000],
    types.percent: [*NO_WHOLE, "0", "101", "-1"],
    types.above_zero: [*NO_NUMBER, "0", "-1"],
    types.memory: ["", "abc", "0", "-1", "0GB", "nan", "GB", "1.2.3GB", "2XB"],
    float: [*NO_NUMBER, "-1"],
    types.layers: [
        "",
        " ",
        "nosuch",
        "relu1_1=x",
        "relu1_1=-1",
        "relu1_1=nan",
        "relu1_1=0",
        "relu1_1,relu1_1",
        "relu1_1,,",
        "=1",
        "relu1_1=1=1",
    ],
    video.length: [*NO_NUMBER, "0", "-1", "0:00", "1:2:3:4", "1:", "9" * 9],
    video.moment: [*NO_NUMBER, "-1", "1:2:3:4", ":5", "9" * 9, "100000"],
    video.rate: [*NO_NUMBER, "0", "-1", "1/0", "25/", "1e9", "1/2/3"],
}

PICTURE = ["", "nowhere.png", "photos", "notes.txt", "photo.png/below.png", "broken.png"]
FOLDER = ["", "nowhere", "photo.png", "photo.png/below"]
PHOTOS = [*FOLDER[:2], "empty", "notes.txt", "broken.png"]
NEW_FOLDER = ["", "photo.png", "photo.png/below", "lost", "x" * 300]
NEW_FILE = ["", "photos", "nowhere/new.json", "photo.png/new.json", "there.json", "lost"]
STYLE = ["", "nosuch", "nowhere.safetensors", "notes.txt", "broken.safetensors", "old.pth",
         "nowhere.png", "tiny.safetensors=x", "tiny=0.5,nosuch=0.5", "base"]  # fmt: skip
WEIGHTS = ["", "nosuch", "nowhere.safetensors", "photos", "old.pth", "photo.png"]

BY_NAME: dict[str, list[str]] = {
    "--backends": ["", "nosuch", "EAGER"],
    "--camera": ["", "nowhere.mp4", "photos", "notes.txt", "empty", "97", "9" * 30],
    "--checkpoints": FOLDER,
    "--clips": ["", "nowhere.mp4", "empty", "notes.txt", "photo.png", "lost"],
    "--codec": ["", "nosuch", "aac"],
    "--config-dir": [],  # Hydra's
    "--config-name": [],
    "--config-path": [],
    "--device": ["", "abacus", "hpu", "meta", "cuda:99", "cpu:x"],
    "--folder": NEW_FOLDER,
    "--info": [],
    "--json": NEW_FILE,
    "--mask": PICTURE,
    "--output": NEW_FOLDER,
    "--package": [],
    "--painted": ["", "nowhere.safetensors", "broken.safetensors", "photo.png", "photos"],
    "--painting": PICTURE,
    "--paintings": PICTURE,
    "--photos": PHOTOS,
    "--copies": NEW_FOLDER,
    "--layer": ["", "nosuch", "relu", "conv1", "CONV1_1", "relu6_1"],
    "--photo": PICTURE,
    "--report": NEW_FILE,
    "--reports": ["", "nowhere", "photos", "photo.png", "unfinished"],
    "--runs": NEW_FOLDER,
    "--snapshots": NEW_FOLDER,
    "--state": ["", "photos", "nowhere/state.pt", "photo.png/state.pt", "notes.txt", "lost"],
    "--style": STYLE,
    "--train-photos": ["", "nowhere", "empty"],
    "--weights": WEIGHTS,
    "clips": ["", "nowhere.mp4", "empty", "notes.txt", "broken.png", "photo.png", "-"],
    "network": ["", "nowhere.safetensors", "notes.txt", "photos", "broken.safetensors",
                "tiny.safetensors"],
    "photos": ["", "nowhere.png", "empty", "notes.txt", "broken.png"],
    "settings": ["", "nosuch=1", "style", "style=nosuch", "data=nosuch"],
    "shell": ["", "tcsh"],
    "style": STYLE,
    "--styles": STYLE,
    "styles": STYLE,
}  # fmt: skip
"""Of options that are texts and paths: values that are wrong everywhere."""

BY_COMMAND: dict[tuple[str, str], list[str]] = {
    ("stylize", "--style"): ["", "nosuch", "nowhere.safetensors", "notes.txt", "nowhere.png",
                             "broken.safetensors", "old.pth", "broken.png"],
    ("stylize", "--blend"): ["", "tiny", "tiny=x", "tiny=-1", "tiny=nan", "tiny=0", "tiny=inf",
                             "tiny=1e400", "tiny=0.5,nosuch=0.5", "tiny=0.5,tiny=0.5", "=1",
                             "tiny=", "tiny=0.5,,", "tiny=1=1"],
    ("stylize", "--output"): ["", "out.xyz", "photo.png", "there.png",
                              "photo.png/below.png",
                              "photo.png/"],
    ("stylize", "--save-every"): ["1"],  # no optimization
    ("stylize", "--animate"): ["", "new.gif"],
    ("stylize", "--plot"): ["", "new.png"],
    ("stylize", "--log"): ["", "new.csv"],
    ("stylize", "--init"): [*PICTURE, "noise", "photo.png"],  # nor has it a start
    ("stylize", "--style-size"): ["8", "huge", "99999"],
    ("stylize", "--stroke-size"): ["8", "huge", "99999"],
    ("stylize", "--weights"): ["slim"],  # no optimization
    ("stylize", "--preserve-color"): ["LUMA"],
    ("stylize", "--size"): ["9" * 12],
    ("stylize", "--address"): ["", "auto"],  # which is for the other engine
    ("stylize", "--labels"): ["", "nowhere.png", "there.png"],  # and no painting's
    ("stylize", "--style-labels"): ["", "nowhere.png", "there.png"],  # and no photo's
    ("stylize", "--strength"): ["1.5", "-0.1"],
    ("stylize", "--margin"): ["3", "260"],
    ("video", "--style"): ["", "nosuch", "nowhere.safetensors", "notes.txt", "nowhere.png",
                           "broken.safetensors", "old.pth", "broken.png"],
    ("video", "--blend"): ["", "tiny", "tiny=x", "tiny=0.5,nosuch=0.5"],
    ("video", "--output"): ["", "out.xyz", "clip.mp4", "there.mp4", "clip.mp4/below.mp4",
                            "clip.mp4/", "-", "out.jpg", "fr%03d.png", "fr%s.png"],
    ("video", "--preserve-color"): ["LUMA"],
    ("video", "--crf"): ["64", "1000"],
    ("video", "--size"): ["9" * 12],
    ("video", "--strength"): ["1.5", "-0.1"],
    ("video", "--stroke-size"): ["8", "huge", "99999"],
    ("video", "--style-weight"): ["1"],
    ("video", "--margin"): ["3", "260"],
    ("video", "--max-pixels"): ["100"],
    ("live", "--strength"): [*NO_NUMBER, "1.5", "-0.1"],
    ("live", "--style"): [*STYLE, "broken.png"],
    ("serve", "--host"): ["", "256.0.0.1", "192.0.2.1", "no host"],
    ("serve", "--port"): ["65536"],
    ("serve", "--token"): ["", "short", "x" * 15, "with blanks between", 'with"quotes,and;signs'],
    ("serve", "--allow-host"): ["", "http://a.example", "a.example/b", "a example", "a.example:80"],
    ("serve", "--photos"): FOLDER,
    ("serve", "--folder"): NEW_FOLDER,
    ("serve", "--workers"): ["65"],
    ("serve", "--queue"): ["10001"],
    ("serve", "--max-bytes"): ["999", "2000000001"],
    ("serve", "--max-pixels"): ["255"],
    ("sheet", "photos"): ["", "nowhere.png", "empty", "photos", "notes.txt", "broken.png", "-"],
    ("sheet", "--styles"): ["", "nosuch", "nowhere.safetensors", "old.pth", "empty",
                            "nets/many.safetensors:nosuch", "nowhere.safetensors:one"],
    ("sheet", "--output"): ["", "out.xyz", "photo.png", "there.png", "photo.png/below.png", "-"],
    ("sheet", "--size"): ["15", "9" * 12, "99999"],
    ("sheet", "--style-weight"): ["1", "50"],
    ("sheet", "--stroke-size"): ["64", "1024"],
    ("sheet", "--max-pixels"): ["100"],
    ("pack", "styles"): [*STYLE, "nets/many.safetensors:nosuch", "any", "tiny.safetensors",
                         "empty"],
    ("pack", "--output"): [*NEW_FILE[:4], "new.pt", "tiny.safetensors", ".safetensors",
                         "any.safetensors", "base.safetensors"],
    ("pack", "--checkpoints"): [*FOLDER, "photos"],
    ("pack", "--style-weight"): ["1", "50"],
    ("pack", "--stroke-size"): ["64", "1024"],
    ("export", "--margin"): ["3", "260"],
    ("export", "--runtime"): ["nowhere.tgz", "photo.png"],  # which pt2 has no use for
    ("export", "--size"): ["512", "512x", "0x0", "512x512"],  # which pt2 has no use for
    ("export", "--calibrate"): [*PHOTOS, "photo.png"],  # which pt2 has no use for
    ("export", "--output"): [*NEW_FOLDER, "lost/below"],
    ("compare", "--margin"): ["3", "260"],
    ("compare", "--output"): [*NEW_FOLDER, "photos", ".", "unfinished/pictures"],
    ("compare", "--style"): [*STYLE, "broken.png"],
    ("judge", "styles"): [*STYLE, "painting.png"],
    ("reproduce", "style"): [*STYLE, "painting.png"],
    ("reproduce", "--output"): [*NEW_FOLDER, "."],
    ("style-page", "style"): [*STYLE, "painting.png"],
    ("distill", "--output"): [*NEW_FILE[:4], "new.pt", "network.safetensors"],
    ("distill", "--weights"): [*WEIGHTS, "slim", "random"],
    ("reptile", "--output"): [*NEW_FILE[:4], "new.pt", "network.safetensors"],
    ("reptile", "--paintings"): [*FOLDER, "empty"],
    ("reptile", "--init"): [*(value for value in STYLE if value != "base"), "painting.png"],
    ("reptile", "--way"): ["1.5"],
    **{(f"study {kind}", "--style"): [*STYLE[:3], *STYLE[4:-2], "tiny=0.5,monet=0.5"]
       for kind in ("ratio", "start", "pooling", "size", "presets", "statistics", "all")},
    **{(f"study {kind}", "--styles"): [*STYLE[:3], *STYLE[4:-2], "tiny=0.5,monet=0.5"]
       for kind in ("reconstruction", "all")},
    **{(f"study {kind}", "--output"): [*NEW_FOLDER, "studied"]
       for kind in ("ratio", "reconstruction", "start", "pooling", "size", "presets",
                    "statistics", "units", "features")},
    ("study features", "photo"): PICTURE,
    ("portrait", "styles"): ["", "nosuch", "painting.png", "tiny.safetensors"],
    ("benchmark any", "--paintings"): [*PICTURE[:2], "empty", *PICTURE[3:]],
    ("benchmark sliders", "--paintings"): [*PICTURE[:2], "empty", *PICTURE[3:]],
    ("benchmark ladder", "--nets"): [*STYLE, "painting.png"],
    ("benchmark video", "--frames"): [*NO_WHOLE, "3", "0", "-1", "1001", "100"],
    ("benchmark video", "--styles"): [*STYLE, "painting.png"],
    ("benchmark optimize", "--style"): [*STYLE[:3], *STYLE[4:-2], "tiny=0.5,monet=0.5"],
    ("benchmark optimize", "--weights"): [*WEIGHTS, "slim"],
    ("benchmark optimize", "--iterations"): ["30"],
    ("benchmark train", "--style"): [value for value in STYLE if value != "broken.safetensors"],
    ("benchmark inference", "--style"): [*STYLE[:-1], "painting.png"],  # base is a net, too
}  # fmt: skip
"""Where a command allows less, or more, than :data:`BY_NAME` and the option's type say."""

CONTRADICTING: dict[str, list[list[str]]] = {
    "stylize": [
        ["--blend", "tiny.safetensors=1"],
        ["--style", "tiny.safetensors", "--style", "tiny.safetensors"],
        ["--mask", "photo.png", "--mask", "photo.png"],
        ["--method", "optimize", "--refine", "3"],
        ["--method", "optimize", "--memory", "1GB"],
        ["--method", "optimize", "--backend", "eager"],
        ["--method", "optimize", "--margin", "4"],
        ["--method", "feedforward", "--iterations", "5"],
        ["--method", "feedforward", "--optimizer", "adam"],
        ["--method", "feedforward", "--learning-rate", "1"],
        ["--method", "feedforward", "--init", "noise"],
        ["--method", "feedforward", "--init", "photo.png"],
        ["--method", "feedforward", "--init-noise", "0.5"],
        ["--method", "feedforward", "--average", "0.9"],
        ["--method", "feedforward", "--tolerance", "1e-4"],
        ["--method", "feedforward", "--seed", "1"],
        ["--method", "optimize", "--init", "noise", "--init-noise", "0.5"],
        ["--method", "optimize", "--init", "nowhere.png"],
        ["--method", "optimize", "--iterations", "0"],
        ["--method", "optimize", "--animate", "new.jpg"],
        ["--method", "optimize", "--animate", "frames/"],
        ["--method", "optimize", "--animate", "there.png"],
        ["--method", "optimize", "--animate", "clip.gif"],
        ["--method", "optimize", "--animate", "photo.png", "--overwrite"],
        ["--method", "optimize", "--animate-every", "5"],
        ["--method", "optimize", "--plot", "new.jpg"],
        ["--method", "optimize", "--plot", "out.png"],
        ["--method", "optimize", "--plot", "there.png"],
        ["--method", "optimize", "--plot", "photo.png/new.png"],
        ["--method", "optimize", "--plot", "new.png", "--animate", "new.png"],
        ["--method", "optimize", "--plot", "photo.png", "--overwrite"],
        ["--method", "optimize", "--log", "new.json"],
        ["--method", "optimize", "--log", "new.csv", "photos"],
        ["--method", "optimize", "--resume", "--no-record"],
        ["--method", "optimize", "--resume", "--output", "-"],
        ["--method", "optimize", "--init", "there.png", "--overwrite", "--output", "there.png"],
        ["--method", "optimize", "--seed", "1"],
        ["--method", "feedforward", "--preset", "gatys"],
        ["--method", "feedforward", "--content-weight", "1"],
        ["--method", "feedforward", "--style-weight", "1"],
        ["--method", "feedforward", "--tv-weight", "1"],
        ["--method", "feedforward", "--style-size", "64"],  # finer than the net can
        ["--method", "feedforward", "--pooling", "avg"],
        ["--method", "feedforward", "--loss-network", "vgg16"],
        ["--method", "feedforward", "--style-layers", "relu1_1"],
        ["--method", "feedforward", "--padding", "first"],
        ["--method", "feedforward", "--recolor", "eigen"],
        ["--method", "feedforward", "--luminance"],
        ["--method", "optimize", "--luminance", "--recolor", "eigen"],
        ["--method", "optimize", "--style", "painting.png", "--labels", "there.png"],
        ["--method", "optimize", "--style", "painting.png", "--style-labels", "there.png"],
        [
            "--method",
            "optimize",
            "--style",
            "painting.png",
            "--labels",
            "photo.png",
            "--style-labels",
            "photo.png",
        ],  # no labels
        ["--method", "optimize", "--loss-network", "vgg16", "--weights", "caffe"],
        ["--method", "optimize", "--loss-network", "vgg16", "--style-layers", "relu4_4"],
        ["--method", "optimize", "--loss-network", "slim", "--content-layers", "relu5_2"],
        ["--method", "feedforward", "--statistic", "moments"],
        ["--method", "optimize", "--patch-size", "3"],
        ["--method", "optimize", "--statistic", "gram", "--patch-stride", "1"],
        ["--method", "optimize", "--statistic", "patches", "--patch-stride", "4"],
        ["--method", "optimize", "--statistic", "patches", "--patch-size", "32"],
        ["--method", "optimize", "--statistic", "moments", "--preset", "course"],
        ["--seamless", "--margin", "4"],
        ["--refine", "2", "--init", "noise"],
        ["--refine", "2", "--seamless"],
        ["--upsample", "guided"],
        ["nowhere/", "--output", "out.png"],
        ["photos", "--output", "all.png"],
        ["--style", "painting.png", "--checkpoints", "nowhere"],
    ],
    "video": [
        ["--blend", "tiny.safetensors=1"],
        ["--style", "tiny.safetensors", "--style", "tiny.safetensors"],
        ["--mask", "photo.png", "--mask", "photo.png"],
        ["--upsample", "guided"],
        ["--feather", "0.1"],
        ["--start", "7"],  # the clip has one second
        ["--output", "out.webm", "--codec", "h264"],
        ["--style-weight", "12"],
        ["clip.mp4", "clips"],  # several, and one file
        ["--style", "painting.png", "--checkpoints", "nowhere"],
    ],
    "benchmark train": [["--json", "there.json"], ["--precision", "fp32", "--peak-tflops", "3"]],
    "benchmark slim": [["--json", "there.json"], ["--precision", "both"], ["--compile"]],
    "benchmark inference": [["--json", "there.json"]],
    "benchmark optimize": [["--json", "there.json"]],
    "sheet": [
        ["photo.png"],  # a second one
        ["--output", "there.png"],
        ["--output", "tiny.safetensors/sheet.png"],
        ["--styles", "painting.png", "--checkpoints", "photos"],  # no any-painting net
    ],
    "pack": [
        ["nets/many.safetensors", "nets/other.safetensors"],  # other convolutions
        ["painting.png"],  # twice
        ["--output", "nets/many.safetensors", "--overwrite", "nets/many.safetensors"],
    ],
    "export": [
        ["--output", "done"],
        ["--half", "--int8"],
        ["--to", "pt2", "--int8"],
        ["--calibrate", "photos"],
    ],
    "benchmark any": [["--output", "done"], ["--stroke-sizes", "800"], ["--style-weights", "50"]],
    "benchmark sliders": [["--output", "done"], ["--stroke-sizes", "256"], ["--style-weight", "1"]],
    "benchmark ladder": [["--output", "done"], ["--painting", "painting.png"]],
    "benchmark video": [["--json", "there.json"]],
    "compare": [["--output", "photos"]],
    "reproduce": [["--output", "."]],
    "style-page": [["--output", "done"]],
    "study ratio": [["--ratios", "1", "1"]],
    "study start": [["--seeds", "1", "1"]],
    "study size": [["--style-sizes", "64", "64"]],
    "study reconstruction": [["--styles", "painting.png", "painting.png"]],
    "distill": [["--output", "network.safetensors"]],
    "reptile": [["--output", "network.safetensors"]],
    "portrait": [["--folder", "done"]],
    "embed": [["--folder", "done"], ["--report", "there.json"]],
    "train": [["style=poppies", "--nosuch"]],
}
"""Options that don't go together, or what is there without ``--overwrite``."""


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command, and of every kind of benchmark."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name in cli.names():
        module = f"fst.interfaces.arguments.{name.replace('-', '_')}"
        parser = importlib.import_module(module).parser()
        below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        for kinds in below:
            found |= {f"{name} {kind}": made for kind, made in kinds.choices.items()}
        if not below:
            found[name] = parser
    return found


PARSERS = parsers()


def name_of(action: argparse.Action) -> str:
    return action.option_strings[-1] if action.option_strings else action.dest


def options_of(command: str) -> list[argparse.Action]:
    """All but those that print help and end."""
    return [a for a in PARSERS[command]._actions if "help" not in a.dest]


def takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


def wrong_values(command: str, action: argparse.Action) -> list[str]:
    """Values of a wrong type, or out of range. A new option of texts has to be put down above."""
    name = name_of(action)
    if action.choices is not None:
        return ["", "nosuch", *BY_COMMAND.get((command, name), [])]
    if action.type in BY_TYPE:
        return [*BY_TYPE[action.type], *BY_COMMAND.get((command, name), [])]
    if (command, name) in BY_COMMAND:
        return BY_COMMAND[command, name]
    return BY_NAME[name]


FREE = {("style-page", "--notes")}
"""Whatever is given is right."""


def cases_of(command: str, action: argparse.Action) -> Iterator[list[str]]:
    """Whole command lines, each with one mistake."""
    base, name = BASE[command], name_of(action)
    others = [word for key, words in base.items() if key != name and key[:1] != "-"
              for word in words]  # fmt: skip
    others += [word for key, words in base.items() if key != name and key[:1] == "-"
               for word in (key, *words)]  # fmt: skip
    if not takes_value(action):
        yield [*others, *base.get(name, []), f"{name}=yes"]
        return
    if action.option_strings:
        if action.nargs not in ("*", "?"):
            yield [*others, name]
        for value in () if (command, name) in FREE else wrong_values(command, action):
            yield [*others, f"{name}={value}"] if action.nargs is None else [*others, name, value]
    else:
        if action.nargs not in ("*", "?"):
            yield others
        for value in wrong_values(command, action):
            yield [value, *others]


ALL = [
    pytest.param(command, action, id=f"{command} {name_of(action)}")
    for command in PARSERS
    for action in options_of(command)
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What commands are given; nothing of it may change."""
    folder = tmp_path_factory.mktemp("place")
    for name in ("photos", "empty", "done", "unfinished/pictures", "assets/weights",
                 "assets/styles", "elsewhere", "paintings", "studied"):  # fmt: skip
        (folder / name).mkdir(parents=True)
    for name in ("photo.png", "photos/a.png", "photos/b.png", "painting.png", "there.png"):
        make_photo(64, 48).save(folder / name)
    for number in range(4):  # with fewer a training warns
        make_photo(64, 48, number).save(folder / f"photos/{number}.png")
    make_photo(300, 260).save(folder / "assets/styles/monet_woman_with_a_parasol.jpg")
    for number in range(2):
        make_photo(300, 260, number).save(folder / f"paintings/{number}.png")
    for name in ("notes.txt", "broken.png", "broken.safetensors", "old.pth", "there.json",
                 "done/tiny.jpg", "done/tiny.pt2", "done/monet.jpg", "done/figures.json",
                 f"done/{SLIM.file}",
                 "studied/index.html", "assets/weights/vgg19_caffe_fp16.safetensors"):  # fmt: skip
        (folder / name).write_text("mine")
    (folder / "clips").mkdir()
    for name in ("clip.mp4", "there.mp4", "clips/a.mp4"):
        write_clip(folder / name, 4, rate=4)
    several = [make_photo(32, 24, number) for number in range(3)]
    several[0].save(folder / "clip.gif", save_all=True, append_images=several[1:])
    (folder / "lost").symlink_to("nowhere")
    (folder / "unfinished/report.json").write_text(json.dumps({"schema": 3, "unfinished": True}))
    about = copy.deepcopy(load_checkpoint(shipped("checkpoints") / "monet.safetensors").description)
    arguments = {**about["net"]["arguments"], "width": 4, "residual_blocks": 1}
    about["net"]["arguments"], about["style"]["name"] = arguments, "tiny"
    about["style"].pop("image_sha256")  # another picture is in its painting's place
    style = TrainedStyle(make_net(about["net"]["name"], arguments), about)
    save_checkpoint(folder / "tiny.safetensors", style)
    save_any(folder / "nets")
    write_many(folder / "nets" / "many.safetensors", ("one", "two"))
    write_many(folder / "nets" / "other.safetensors", ("three",), seed=1)
    embedded = shipped("embedded") / SLIM.file
    (folder / "network.safetensors").write_bytes(embedded.read_bytes())
    return folder


@pytest.fixture
def refused(place: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    """Runs there, and refuses all work."""

    def work(*_: Any, **__: Any) -> Any:
        raise Work

    def sha256(path: Path, expected: tuple[str, ...]) -> str:
        raise Work

    monkeypatch.chdir(place)
    monkeypatch.setenv("FST_ASSETS", "assets")
    monkeypatch.setenv("XDG_DATA_HOME", "elsewhere")
    for net in (VGG19, JohnsonNet):
        monkeypatch.setattr(net, "forward", work)
    monkeypatch.setattr(NetPainter, "__call__", work)
    monkeypatch.setattr(assets, "check_sha256", sha256)
    monkeypatch.setattr(weights, "_random_weights", work)
    monkeypatch.setattr(benchmark, "peak_flops", work)
    monkeypatch.setattr(demo, "run_python", work)
    monkeypatch.setattr(train, "train", work)
    monkeypatch.setattr(app, "make_app", work)
    return place


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in folder.rglob("*")
    }


def run(command: str, words: list[str]) -> int:
    name, *kind = command.split()
    with pytest.raises(SystemExit) as end:
        cli.run(name, [*kind, *words])
    return int(end.value.code or 0)


def check(command: str, words: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(place)
    told = f"fst {command} {' '.join(word[:80] for word in words)}"
    try:
        status = run(command, words)
    except Work:
        pytest.fail(f"{told}: comes as far as the work")
    errors = capsys.readouterr().err
    assert status != 0, told
    lines = errors.splitlines()
    assert len(lines) == 1, f"{told}: {errors}"
    assert lines[0].startswith("error: "), f"{told}: {errors}"
    assert len(lines[0]) < 500, f"{told}: {errors}"
    assert everything(place) == before, told


@pytest.mark.parametrize("command", WORKS)
def test_what_is_right_comes_as_far_as_the_work(command: str, refused: Path) -> None:
    """Or else a line below might be about something else that is wrong."""
    words = [word for key, given in BASE[command].items()
             for word in ([key] if key[:1] == "-" else []) + given]  # fmt: skip
    positional = [w for key, given in BASE[command].items() if key[:1] != "-" for w in given]
    words = positional + words[len(positional) :]
    name, *kind = command.split()
    with pytest.raises(Work):
        cli.run(name, [*kind, *words])


@pytest.mark.parametrize(("command", "action"), ALL)
def test_a_wrong_option_is_one_line_before_the_work(
    command: str, action: argparse.Action, refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in cases_of(command, action):
        check(command, words, refused, capsys)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(command, words, id=f"{command} {' '.join(words)}")
        for command, several in CONTRADICTING.items()
        for words in several
    ],
)
def test_options_that_contradict_are_one_line_before_the_work(
    command: str, words: list[str], refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = BASE[command]
    positional = [w for key, given in base.items() if key[:1] != "-" for w in given]
    named = [w for key, given in base.items() if key[:1] == "-" and key not in words
             for w in (key, *given)]  # fmt: skip
    check(command, [*positional, *named, *words], refused, capsys)


@pytest.mark.parametrize("command", PARSERS)
def test_what_no_command_knows_is_one_line(
    command: str, refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for key, given in BASE[command].items() if key[:1] != "-" for w in given]
    check(command, [*words, "--nosuch"], refused, capsys)
    check(command, [*words, "--nosuch=3"], refused, capsys)


def test_so_many_cases_are_counted() -> None:
    """Every option of every command is among them; a new one makes them more."""
    cases = [words for command in PARSERS for action in options_of(command)
             for words in cases_of(command, action)]  # fmt: skip
    assert set(BASE) == set(PARSERS)
    assert len(ALL) >= 140
    assert len(cases) + sum(map(len, CONTRADICTING.values())) >= 1000, len(cases)
