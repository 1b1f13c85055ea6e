"""Ray, started for this command on this computer, or a cluster that is there."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import torch

from fst.errors import InputError
from fst.system.packages import need

MEMORY = 256 << 20
"""Bytes per worker for what travels between processes of this computer."""


@dataclass(frozen=True)
class Share:
    """What one worker gets.

    Attributes:
        workers: how many there are.
        threads: that each computes with, and CPUs that are kept for it.
        gpus: 1 where each has one for itself, else 0.
        beside: workers on one computer, which share its memory.
    """

    workers: int
    threads: int
    gpus: int
    beside: int


def local_share(workers: int | None) -> Share:
    """On this computer: a worker for each GPU, or else for each CPU that we may use.

    Args:
        workers: how many were asked for; None leaves it open.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpus = torch.cuda.device_count()
    count = workers or gpus or cpus
    return Share(count, max(1, cpus // count), int(0 < gpus and count <= gpus), count)


def cluster_share(nodes: list[dict[str, Any]], workers: int | None) -> Share:
    """On a cluster, likewise.

    Args:
        nodes: as Ray lists them; those that live count.
        workers: how many were asked for; None leaves it open.

    Raises:
        InputError: more than it has CPUs.
    """
    sizes = [node.get("Resources", {}) for node in nodes if node.get("Alive")]
    cpus = [int(size.get("CPU", 0)) for size in sizes]
    gpus = sum(int(size.get("GPU", 0)) for size in sizes)
    count = workers or gpus or sum(cpus)
    if not 0 < count <= sum(cpus):
        raise InputError(f"--workers {count}: the cluster has {sum(cpus)} CPUs in all")
    threads = max(1, min(sum(cpus) // count, max(cpus)))
    while sum(one // threads for one in cpus) < count:  # a worker's threads are on one computer
        threads -= 1
    return Share(count, threads, int(0 < gpus and count <= gpus), max(cpus) // threads)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A cluster that is there, to which our workers are added for a while.

    Args:
        address: ``"auto"`` is the one of this computer; else ``HOST:6379`` or ``ray://HOST:10001``.

    Yields:
        The module ``ray``.

    Raises:
        InputError: no cluster there, or Ray is not installed.
    """
    with _quiet() as ray:
        try:
            ray.init(address, **_QUIET)
        except Exception as error:  # Ray, its client and gRPC have errors of their own
            why = " ".join(str(error).split())[:120]
            raise InputError(
                f"no Ray at --address {address} ({why}): `ray start --head` starts one"
            ) from error
        yield ray


@contextmanager
def started(share: Share) -> Iterator[Any]:
    """A Ray of our own, on this computer and for nobody else, that ends with the block.

    Yields:
        The module ``ray``.

    Raises:
        InputError: Ray is not installed, or does not start.
    """
    place = "/tmp" if os.path.isdir("/tmp") else None  # sockets lie in it: short paths
    with (
        tempfile.TemporaryDirectory("", _FOLDER, place, ignore_cleanup_errors=True) as folder,
        _quiet() as ray,
    ):
        try:
            ray.init(
                "local", num_cpus=share.workers * share.threads, include_dashboard=False,
                object_store_memory=MEMORY * share.workers, _temp_dir=folder,
                _node_ip_address="127.0.0.1", **_QUIET,
            )  # fmt: skip
        except Exception as error:
            why = " ".join(str(error).split())[:200]
            raise InputError(f"Ray does not start on this computer: {why}") from error
        yield ray


_FOLDER = "fst-ray-"
_QUIET: dict[str, Any] = {"configure_logging": False, "log_to_driver": False, "namespace": "fst"}


@contextmanager
def _quiet() -> Iterator[Any]:
    """Ray without reports to its makers and without lines of its own; shut down at the end.

    What it would print is said by us, where a user can do something about it. So nothing that is
    printed in the block to ``sys.stdout`` is seen.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = need("ray", "ray", "--engine ray")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        try:
            yield ray
        finally:
            ray.shutdown()
