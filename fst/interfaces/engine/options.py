"""The options of ``fst stylize --engine ray``, for those that use the plain engine."""

import argparse

from fst.errors import InputError

OWN = ("workers", "address", "batch")
"""Options that only this engine knows."""


def check_plain(options: argparse.Namespace) -> None:
    """That the plain engine was asked nothing of the other one's.

    Raises:
        InputError: it was.
    """
    for name in OWN:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for --engine ray")
