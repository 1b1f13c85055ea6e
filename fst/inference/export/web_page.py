"""The page that an export to the web is: its files, from modules to what runs without a server.

A browser that opens a file from a disk loads no module, and fetches nothing. So the page's modules
become one plain script, and what is no script comes in one, compressed, as text.
"""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import jinja2

PAGE = Path(__file__).parent / "page"

SERVICE = Path(__file__).parents[2] / "interfaces" / "web"
"""The page of ``fst serve``: how it looks, and parts of it, are this page's, too."""

STYLES = (SERVICE / "tokens.css", SERVICE / "style.css", SERVICE / "view.css", PAGE / "page.css")

MODULES = (
    SERVICE / "dom.js",
    SERVICE / "files.js",
    SERVICE / "beforeafter.js",
    PAGE / "engine.js",
    PAGE / "main.js",
)
"""In an order in which each one imports from those before it alone."""

WORKER = (PAGE / "pixels.js", PAGE / "worker.js")

POLICY = (
    "default-src 'none'; script-src 'self' file: blob: 'wasm-unsafe-eval'; worker-src blob:; "
    "style-src 'self' file:; img-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
)
"""What the page may do: nothing that would reach another host. From a disk, some browsers take the
page's own files for ``file:`` alone."""

LEVEL = 6
"""Of compression: the highest one takes three times as long, for a percent."""

SIZES = (("512", "512 px"), ("1024", "1024 px"), ("2048", "2048 px"), ("full", "Full"))
"""Long sides that can be chosen, and how they are called."""


def page_files(about: dict[str, Any]) -> dict[str, str]:
    """The files of the page but for net and runtime: name -> text.

    Args:
        about: of the style and its net: ``name``, ``title``, ``credit`` (a line, or empty),
            ``license``, ``runtime`` (its version), ``leastSide`` and ``mostPixels``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    words = {**about, "about": about, "policy": POLICY, "sizes": SIZES}
    worker = json.dumps(plain_script(WORKER))
    return {
        "index.html": environment.get_template("index.html.jinja").render(words),
        "LICENSES.txt": environment.get_template("licenses.txt.jinja").render(words),
        "page.css": "\n".join(path.read_text(encoding="utf-8") for path in STYLES),
        "page.js": f"const WORKER = {worker};\n{plain_script(MODULES)}",
        "icon.svg": (SERVICE / "icon.svg").read_text(encoding="utf-8"),
    }


def plain_script(modules: tuple[Path, ...]) -> str:
    """Modules of JavaScript as one script that is none: each is a function that gives its exports.

    Args:
        modules: that import, in one line, from those before them alone, by their own names.

    Raises:
        ValueError: a module imports or exports in another way.
    """
    parts = ['"use strict";']
    for path in modules:
        source = path.read_text(encoding="utf-8")
        source = re.sub(
            r'^import (\{ [\w, ]+ \}) from "\./(\w+)\.js";$', r"const \1 = \2;", source, flags=re.M
        )
        names = re.findall(r"^export (?:async )?(?:function|const) (\w+)", source, re.M)
        source = re.sub(r"^export (?=(?:async )?(?:function|const) )", "", source, flags=re.M)
        if left := re.search(r"^(?:import|export)\b.*", source, re.M):
            raise ValueError(f"{path.name}: {left[0]!r} can't be part of a plain script")
        exports = f"return {{ {', '.join(names)} }};"
        parts.append(f"const {path.stem} = (() => {{\n{source}\n{exports}\n}})();")
    return "\n\n".join(parts) + "\n"


def packed(files: dict[str, bytes]) -> str:
    """A script that brings files: compressed, as text. The same files make the same script."""
    lines = []
    for name, content in files.items():
        text = base64.b64encode(gzip.compress(content, LEVEL, mtime=0)).decode()
        lines.append(f'fstFile("{name}", "{text}");\n')
    return "".join(lines)


def unpacked(script: str) -> dict[str, bytes]:
    """The files that such a script brings."""
    found = re.findall(r'^fstFile\("([^"]+)", "([^"]+)"\);$', script, re.M)
    return {name: gzip.decompress(base64.b64decode(text)) for name, text in found}
