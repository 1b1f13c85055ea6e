"""The loss network of a training: that its weights and layers are its own, and are at hand."""

from collections.abc import Mapping
from typing import Any

from fst.loss_networks.architectures import (
    ARCHITECTURES,
    check_layers,
    chosen_network,
    parse_layers,
)
from fst.loss_networks.sources import at_hand

AT_HAND = "at_hand"
"""In place of weights, of which this becomes one: VGG-19's, or those of the network that is asked
for, where they are here; else the slim network's."""


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
        kept = {**loss, "weights": own["weights"], "slim_share": own.get("slim_share")}
        return kept | {"network": own.get("network")} if "network" in loss else kept
    network = loss.get("network") or "vgg19"
    if network == "slim":  # asked for, so that nothing has to be said
        return {**loss, "weights": "slim", "slim_share": None}
    if at_hand(network) is not None:
        return {**loss, "weights": "auto"}
    print(
        f"{ARCHITECTURES[network].title} is not on this machine: the slim network judges all steps "
        "(better, after a download of 550 MB: loss=hybrid)",
        flush=True,
    )
    slim = {**loss, "weights": "slim", "slim_share": None}
    return slim | {"network": None} if "network" in loss else slim


def check_judge(loss: Mapping[str, Any]) -> None:
    """That the loss network has these weights and layers, before anything is loaded.

    Raises:
        InputError: weights of another network, or a layer that it lacks.
    """
    network, _ = chosen_network(loss.get("network"), loss["weights"])
    for name in ("content_layers", "style_layers"):
        option, layers = f"loss.{name}", loss.get(name, "relu1_1")
        check_layers(parse_layers(option, layers), network, option)
