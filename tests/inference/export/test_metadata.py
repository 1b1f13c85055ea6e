"""fst.inference.export.metadata: what a file says of itself."""

from dataclasses import replace

from exports import exported, tiny_style

from fst.inference.export.metadata import metadata_of
from fst.inference.export.options import ExportOptions
from fst.version import __version__


def test_floats() -> None:
    style = tiny_style()
    said = metadata_of(style, exported(style, margin=0), ExportOptions("x", margin=0))
    assert said == {
        "style": "tiny",
        "title": "A Painting",
        "painter": "Somebody",
        "license": "public domain",
        "colors": "RGB",
        "layout": "NCHW",
        "dtype": "float32",
        "range": "0 to 1",
        "precision": "float32",
        "multiple": "1",
        "least_side": "8",
        "margin": "0",
        "weights_sha256": style.net().digest,
        "made_by": f"fst {__version__}",
    }


def test_bytes_in_half_precision_where_sides_are_multiples_of_4() -> None:
    style = tiny_style()
    options = ExportOptions("x", uint8=True, half=True)
    said = metadata_of(style, exported(style, uint8=True, half=True, any_size=False), options)
    assert (said["layout"], said["dtype"], said["range"]) == ("NHWC", "uint8", "0 to 255")
    assert (said["precision"], said["multiple"], said["least_side"]) == ("half", "4", "24")


def test_what_nobody_knows_is_not_said() -> None:
    style = replace(tiny_style(), about={"image": "a.jpg"})
    style.net().description["style"] = {"name": "tiny"}
    said = metadata_of(style, exported(style), ExportOptions("x"))
    assert not {"title", "painter", "year", "license"} & set(said)
