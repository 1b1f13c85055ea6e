"""What users choose between, and the plain defaults: light, so that ``--help`` needs no torch."""

PRECISIONS = ("auto", "fp32", "bf16")
"""What convolutions are computed in, for :func:`fst.system.device.pick_precision`."""

PRESERVE = ("luma", "lab", "histogram")
"""How the photo's colors are kept, for :func:`fst.image.color.preserve_color`."""

RECOLORS = ("cholesky", "eigen", "histogram")
"""How a painting gets the photo's colors before it is learned from (:mod:`fst.image.recolor`)."""

MAX_PIXELS = 200_000_000
"""A picture of more pixels is refused unless it is asked for."""

INITS = ("photo", "noise", "blend", "painting", "pass")
"""What an optimization of pixels starts from, besides a picture (:mod:`fst.inference.starts`)."""

STATISTICS = ("gram", "moments", "wasserstein", "sliced", "histogram", "patches")
"""What a style loss compares (:mod:`fst.losses.style`)."""

METHODS = ("auto", "feedforward", "optimize")
"""One pass of a trained net, or the optimization of the pixels (:mod:`fst.inference.stylizers`)."""

BACKENDS = ("eager", "compile", "onnxruntime", "openvino")
"""What runs a net on whole pictures (:mod:`fst.inference.backends`)."""

ENGINES = ("plain", "ray")
"""Who paints photos: this process, or many workers (:mod:`fst.interfaces.engine`)."""

EXPORT_TARGETS = ("onnx", "pt2", "openvino", "web", "litert", "coreml", "executorch")
"""What a style can be exported to (:mod:`fst.inference.export.targets`)."""

UPSAMPLE = ("guided", "bicubic")
"""How what was painted small comes back to the photo's size (:mod:`fst.inference.control`)."""

STROKES = {"small": 0.0, "medium": 0.5, "large": 1.0}
"""Stroke sizes in words -> how far from what a net has learned to the photo's own proportions,
in octaves (:mod:`fst.inference.strokes`)."""

MARGIN = 20
"""Of a pass, in pixels: enough for strokes at the border that are as strong as elsewhere."""

MARGINS = range(0, 257, 4)
"""What a margin may be: the nets halve twice."""

FEATHER = 0.01
"""Standard deviation of a mask's feathering, as a share of the picture's long side."""

POOLINGS = ("max", "avg")
"""Of the loss network (:mod:`fst.loss_networks.vgg`)."""

PADDINGS = ("zeros", "replicate", "reflect", "first")
"""Of the loss network's convolutions: what they see beyond a picture's border. ``"first"``
replicates at the first one alone, and is zeros for the others."""

NETWORKS = ("vgg16", "vgg19", "slim")
"""That judge (:mod:`fst.loss_networks.architectures`)."""

MIN_SIDE = 16
"""Smallest side, in pixels, of what a net or a loss network is shown."""

STABLE = ("auto", "off", "norms", "flow")
"""How a clip's frames are kept steady (:mod:`fst.inference.video.steady`): the best that can be
had; each frame by itself; norms held over time; the last frame moved along and mixed in."""
