"""fst: feed-forward nets that repaint any photo in a painting's style, in one pass.

The modules stand in layers (see ARCHITECTURE.md); read them in the order ``losses``, ``vgg``,
``perceptual``, ``nets.johnson``, ``training``, ``stylize``. Importing the package does nothing.
"""

__version__ = "0.1.0"
