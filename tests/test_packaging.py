"""What is built from a checkout: a wheel that works from any folder, and a whole sdist."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email import message_from_string
from pathlib import Path

import pytest
from support import ROOT, make_photo

pytestmark = pytest.mark.slow

FOLDERS = (".ci", "checkpoints", "configs", "docs", "fst", "scripts", "tests")

Program = Callable[..., str]
"""``program("styles")``: what the installed ``fst styles`` prints, in an empty folder."""


def sources() -> list[Path]:
    """What a clone holds, relative to it; where there is no Git, what lies there."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        paths = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        below = [p.relative_to(ROOT) for folder in FOLDERS for p in (ROOT / folder).rglob("*")]
        paths = [*below, *(p.relative_to(ROOT) for p in ROOT.glob("*") if p.name != "local")]
        paths.append(Path(".gitignore"))
    generated = ("__pycache__", "fst.egg-info")
    return [
        path
        for path in paths
        if (ROOT / path).is_file()
        and not set(path.parts) & set(generated)
        and path.parts[0] in (*FOLDERS, path.name)
        and path.name not in ("PKG-INFO", "setup.cfg")
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, in which things may be built."""
    folder = tmp_path_factory.mktemp("clone")
    for path in sources():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(clone))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The wheel's ``fst``, installed into an empty folder and run in another one."""
    installed = tmp_path_factory.mktemp("installed")
    pip("install", "--target", str(installed), str(wheel))
    here = tmp_path_factory.mktemp("here")
    make_photo().save(here / "photo.png")
    kept = {key: value for key, value in os.environ.items() if key != "FST_ASSETS"}
    away = {f"XDG_{name}_HOME": str(here / f".{name}") for name in ("CACHE", "DATA")}
    offline = {"HF_HUB_OFFLINE": "1", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    environment = {**kept, **away, **offline, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}

    def call(*words: str, module: bool = True) -> str:
        command = [sys.executable, *(("-m", "fst") if module else ()), *words]
        ran = subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    where = call("-c", "import fst, os; print(fst.__file__, os.getcwd())", module=False)
    assert where.split() == [str(installed / "fst" / "__init__.py"), str(here)]
    return call


def pip(verb: str, *words: str) -> None:
    """Runs pip without dependencies and network."""
    command = [sys.executable, "-m", "pip", verb, "--quiet", "--no-deps", "--no-index",
               "--disable-pip-version-check", *words]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_wheel_holds_the_package_and_all_that_it_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        about = message_from_string(
            file.read(next(name for name in held if name.endswith("/METADATA"))).decode()
        )
        entry = file.read(next(name for name in held if name.endswith("entry_points.txt")))
    for path in sources():
        inside = path if path.parts[0] == "fst" else Path("fst") / path
        expected = path.parts[0] in ("fst", "configs", "checkpoints")
        assert (str(inside) in held) == expected, path
    others = {name.split("/")[0] for name in held} - {"fst"}
    assert [name.endswith(".dist-info") for name in others] == [True]
    assert about["License-Expression"] == "MIT"
    assert {"LICENSE", "NOTICE"} <= set(about.get_all("License-File", []))
    assert sum(name.endswith(("/LICENSE", "/NOTICE")) for name in held) == 2
    assert b"fst = fst.interfaces.cli:main" in entry


def test_the_license_and_what_is_owed_to_others() -> None:
    license_, notice = ((ROOT / name).read_text() for name in ("LICENSE", "NOTICE"))
    assert license_.startswith("MIT License\n\nCopyright (c) 2026 fst developers\n")
    for name in ("Simonyan", "Zisserman", "CC BY 4.0", "VGG-19", "public domain"):
        assert name in " ".join(notice.split())


def test_an_sdist_holds_what_a_clone_holds(clone: Path, tmp_path: Path) -> None:
    build = "from setuptools import build_meta; import sys; build_meta.build_sdist(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=clone, capture_output=True, check=True
    )
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as file:
        held = {str(Path(*Path(member.name).parts[1:])) for member in file if member.isfile()}
    assert {str(path) for path in sources()} - held == set()
    assert not any("__pycache__" in name for name in held)


def test_styles_are_listed(program: Program) -> None:
    output = program("styles")
    for name in ("monet", "The Starry Night", "Katsushika Hokusai", "loss=slim"):
        assert name in output


def test_a_photo_is_painted_by_the_command_and_from_python(program: Program) -> None:
    assert "photo-monet.png" in program("stylize", "photo.png", "--style", "monet")
    code = (
        "import fst, numpy as np\n"
        "from PIL import Image\n"
        "photo, painted = (Image.open(name) for name in ('photo.png', 'photo-monet.png'))\n"
        "again = fst.load('monet')(photo)\n"
        "print(int(np.abs(np.asarray(again, int) - np.asarray(painted, int)).max()),\n"
        "      int(np.abs(np.asarray(again, int) - np.asarray(photo, int)).max()))\n"
    )
    difference, change = map(int, program("-c", code, module=False).split())
    assert difference == 0
    assert change > 50


def test_a_style_is_trained_and_painted_with(program: Program) -> None:
    output = program(
        "train", "style=the_scream", "style.name=mine", "loss=slim", "data=sample",
        "data.size=64", "data.batch_size=1", "data.val_photos=1", "net.arguments.width=8",
        "init=null", "style.style_weight=3", "trainer.max_steps=2", "trainer.device=cpu",
        "logger=csv",
    )  # fmt: skip
    assert "checkpoints/mine.safetensors" in output
    assert "photo-mine.png" in program("stylize", "photo.png", "--style", "mine")
    assert "mine" in program("styles").split("Train (")[0]
