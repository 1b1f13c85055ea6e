"""What a file says of itself."""

from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions
from fst.styles.style import Style
from fst.version import __version__


def metadata_of(style: Style, exported: ExportedNet, options: ExportOptions) -> dict[str, str]:
    """Name -> text, for the file's header.

    ``multiple`` and ``least_side`` are pixels of a side, ``range`` is of the numbers in and out,
    ``margin`` is what the graph adds and takes off by itself, and ``weights_sha256`` is
    :attr:`fst.styles.trained.TrainedStyle.digest`.
    """
    trained = style.net()
    about = {**trained.description.get("style", {}), **style.about}
    said = {
        "style": style.name,
        "title": about.get("title"),
        "painter": about.get("painter"),
        "year": about.get("year"),
        "license": about.get("license") or about.get("rights"),
        "colors": "RGB",
        "layout": "NHWC" if options.uint8 else "NCHW",
        "dtype": "uint8" if options.uint8 else "float32",
        "range": "0 to 255" if options.uint8 else "0 to 1",
        "precision": "int8" if options.int8 else "half" if options.half else "float32",
        "multiple": exported.multiple,
        "least_side": exported.least_side,
        "margin": exported.margin,
        "weights_sha256": trained.digest,
        "made_by": f"fst {__version__}",
    }
    return {name: str(value) for name, value in said.items() if value not in (None, "")}
