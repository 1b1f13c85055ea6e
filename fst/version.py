"""The version of the package, for what is written into files."""

__version__ = "0.1.0"
