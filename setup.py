"""What pyproject.toml can't say: configs/ and checkpoints/ go into the package when it is built."""

from setuptools import find_packages, setup

BESIDE = ("configs", "checkpoints")

setup(
    packages=[*find_packages(include=["fst", "fst.*"]), *(f"fst.{name}" for name in BESIDE)],
    package_dir={f"fst.{name}": name for name in BESIDE},
)
