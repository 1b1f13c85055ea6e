"""A page that paints in the browser: a folder for any static host, or for a double click."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from fst.inference.export import onnx, web_runtime
from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions
from fst.inference.export.web_page import packed, page_files, unpacked

NET = "net.onnx"

MEMORY = 760_000_000
"""Bytes that one layer's numbers may take: a net holds up to four such at a time, and a browser's
processor has 4 GB to compute in."""


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes the folder ``NAME_web``: ``index.html``, the net and ONNX Runtime for browsers.

    Raises:
        InputError: the runtime is not there, and can't be fetched.
    """
    runtime = web_runtime.runtime_files(options.runtime)
    page = folder / f"{options.name}_web"
    page.mkdir()
    with TemporaryDirectory(dir=folder) as scratch:
        net = onnx.write(exported, Path(scratch), options).read_bytes()
    texts = {**page_files(_about(exported, options)), "net.js": packed({NET: net})}
    for way, parts in web_runtime.RUNTIMES.items():
        files = {f"{way}.{kind}": runtime[name] for kind, name in parts.items()}
        texts[f"runtime-{way}.js"] = packed(files)
    for name, text in texts.items():
        (page / name).write_text(text, encoding="utf-8", newline="\n")
    return page


def _about(exported: ExportedNet, options: ExportOptions) -> dict[str, Any]:
    """What the page says of the style, and has to know of the net."""
    said = options.metadata
    return {
        "name": options.name,
        "title": said.get("title") or options.name,
        "credit": ", ".join(said[key] for key in ("painter", "year") if said.get(key)),
        "license": said.get("license", ""),
        "runtime": web_runtime.VERSION,
        "leastSide": exported.least_side,
        "mostPixels": MEMORY // (4 * exported.plain.stages[0].channels),
    }


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the net that is in the page: ``(N, 3, H, W)`` in [0, 1] to the same."""
    net = unpacked((path / "net.js").read_text(encoding="utf-8"))[NET]
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / NET
        file.write_bytes(net)
        return onnx.runner(file)
