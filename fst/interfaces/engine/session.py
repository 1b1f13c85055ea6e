"""Ray for the time of a command, whichever was asked for."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fst.interfaces.engine.cluster import Share, cluster_share, connected, local_share, started
from fst.interfaces.engine.worker import Place


@contextmanager
def session(options: argparse.Namespace) -> Iterator[tuple[Any, Share, Place]]:
    """Ray, started or found.

    Args:
        options: of ``fst stylize``: the address, the number of workers.

    Yields:
        The module ``ray``; what each worker gets; where it is.

    Raises:
        InputError: there is no Ray.
    """
    if options.address is None:
        share = local_share(options.workers)
        opening = started(share)
    else:
        opening = connected(options.address)
    with opening as ray:
        if options.address is not None:
            share = cluster_share(ray.nodes(), options.workers)
        yield ray, share, Place(os.getcwd(), share.threads, share.beside)
