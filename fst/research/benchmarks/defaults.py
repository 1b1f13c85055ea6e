"""What ``fst train`` trains if nothing is asked for, read from where it is set: ``configs/``.

The optimizer's settings are those of :class:`~fst.training.recipe.Recipe`, whose defaults a test
holds to be the configuration's. The net's are not those of its class: a checkpoint of before there
was a choice does not say how it upsamples, so the class goes on doing what it did then.
"""

from typing import Any

import yaml

from fst.assets import shipped


def default_net() -> dict[str, Any]:
    """``name`` and ``arguments`` of the net, as :func:`~fst.nets.make_net` takes them."""
    return _configured("net", "johnson")


def default_steps() -> int:
    """How many steps a training takes: the learning rate of each follows from it."""
    steps: int = _configured("trainer", "default")["max_steps"]
    return steps


def hybrid_share() -> float:
    """The share of its steps that the slim network judges where a training is a hybrid."""
    share: float = _configured("loss", "hybrid")["slim_share"]
    return share


def _configured(group: str, name: str) -> dict[str, Any]:
    file = shipped("configs") / group / f"{name}.yaml"
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return settings
