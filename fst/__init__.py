"""fst: feed-forward nets that repaint any photo in a painting's style, in one pass.

``fst.load("monet")`` gives a style to paint with (:mod:`fst.interfaces.api`), ``fst.Painter`` one
for pipelines (:mod:`fst.interfaces.pipeline`). The modules stand in rooms (see ARCHITECTURE.md);
read them in the order ``losses.functional``, ``loss_networks.vgg``, ``losses.perceptual``,
``nets.johnson``, ``training.session``, ``inference.painter``. Importing the package does nothing.
"""

from typing import TYPE_CHECKING, Any

from fst.version import __version__

if TYPE_CHECKING:
    from fst.interfaces.api import load
    from fst.interfaces.pipeline import Painter

__all__ = ["Painter", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":  # here, because it imports torch, which takes seconds
        from fst.interfaces.api import load

        return load
    if name == "Painter":
        from fst.interfaces.pipeline import Painter

        return Painter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
