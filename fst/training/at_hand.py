"""The loss network of a training that must not wait for a download: what is on this machine."""

from collections.abc import Mapping
from typing import Any

from fst.loss_networks.weights import at_hand

AT_HAND = "at_hand"
"""In place of weights, of which this becomes one: VGG-19's where they are here, else the slim
network's."""


def judged_at_hand(loss: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A run's loss with the network that judges; says where it is not VGG-19.

    A run keeps the network that it began with, whatever has been downloaded since.

    Args:
        loss: that group of the settings.
        own: the same group of the run that is resumed, whose networks are settled.

    Returns:
        The group; as it was where other weights are asked for.
    """
    if loss.get("weights") != AT_HAND:
        return dict(loss)
    if own is not None:
        return {**loss, "weights": own["weights"], "slim_share": own.get("slim_share")}
    if at_hand() is not None:
        return {**loss, "weights": "auto"}
    print(
        "VGG-19 is not on this machine: the slim network judges all steps (better, after a "
        "download of 550 MB: loss=hybrid)",
        flush=True,
    )
    return {**loss, "weights": "slim", "slim_share": None}
