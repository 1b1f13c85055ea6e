"""The page's files: modules as one script, what is brought as text, what the page computes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import launched

from fst.image.picture import resize_tensor
from fst.image.transparency import filled
from fst.inference.export.web_page import (
    MODULES,
    POLICY,
    WORKER,
    packed,
    page_files,
    plain_script,
    unpacked,
)

ABOUT = {
    "name": "dawn",
    "title": 'A "dawn" </script><b>',
    "credit": "",
    "license": "CC0",
    "runtime": "1",
    "leastSide": 24,
    "mostPixels": 1000,
}


def test_what_is_brought_comes_back_and_is_always_the_same_text() -> None:
    files = {"net.onnx": bytes(range(256)) * 3, "empty": b""}
    assert unpacked(packed(files)) == files
    assert packed(files) == packed(files)


def test_modules_become_one_script_in_which_names_dont_meet(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("export const a = 1;\nconst same = 2;\n")
    (tmp_path / "two.js").write_text(
        'import { a } from "./one.js";\n\nconst same = a;\nexport async function f() {}\n'
    )
    script = plain_script((tmp_path / "one.js", tmp_path / "two.js"))
    assert "const { a } = one;" in script
    assert "return { a };" in script
    assert "return { f };" in script
    assert not re.search(r"^(import|export)\b", script, re.M)


@pytest.mark.parametrize("line", ['import * as a from "./a.js";', "export default 1;"])
def test_a_module_that_cant_be_part_of_a_script_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "odd.js").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"odd\.js"):
        plain_script((tmp_path / "odd.js",))


def test_each_module_imports_from_those_before_it_alone() -> None:
    for modules in (MODULES, WORKER):
        known: set[str] = set()
        for path in modules:
            wanted = re.findall(r'^import .* from "\./(\w+\.js)";$', path.read_text(), re.M)
            assert set(wanted) <= known
            known.add(path.name)


def test_a_title_is_text_and_nothing_else() -> None:
    page = page_files(ABOUT)["index.html"]
    assert "<b>" not in page
    assert page.count("</script>") == page.count("<script")


def test_the_page_may_reach_no_host() -> None:
    page = page_files(ABOUT)["index.html"]
    assert f'content="{POLICY}"' in page.replace("&#39;", "'")
    assert "default-src 'none'" in POLICY
    for directive in POLICY.split("; "):
        name, *sources = directive.split()
        allowed = {"'none'", "'self'", "file:", "blob:"}
        assert set(sources) <= allowed | ({"'wasm-unsafe-eval'"} if name == "script-src" else set())
    for name, text in page_files(ABOUT).items():
        addresses = set(re.findall(r"https?://[\w.]+", text)) - {"http://www.w3.org"}
        assert addresses == set(), name


@pytest.fixture(scope="module")
def compute() -> Iterator[Callable[..., Any]]:
    """What a function of the page's pixels.js gives."""
    script = plain_script(WORKER[:1])
    with launched() as browser:
        page = browser.new_page()
        yield lambda call, *values: page.evaluate(
            f"(values) => {{ {script}; return {call}; }}", list(values)
        )


@pytest.mark.parametrize("size", [(7, 9), (40, 31), (13, 60)])
def test_a_photo_is_resized_as_fst_does_it(
    compute: Callable[..., Any], size: tuple[int, int]
) -> None:
    photo = torch.rand(1, 3, 26, 34, generator=torch.Generator().manual_seed(3))
    height, width = size
    found = compute(
        f"[...pixels.resized(new Float32Array(values[0]), 34, 26, {width}, {height})]",
        photo.flatten().tolist(),
    )
    expected = resize_tensor(photo, size).flatten()
    assert np.allclose(found, expected, atol=1e-5)


def test_visible_colors_go_on_under_what_is_transparent(compute: Callable[..., Any]) -> None:
    generator = np.random.default_rng(4)
    rgba = generator.integers(0, 256, (19, 26, 4), dtype=np.uint8)
    rgba[3:17, 5:24, 3] = 0  # a hole
    rgba[0, 0, 3] = 1  # as good as hidden
    found = compute(
        "[...pixels.fromPixels(new Uint8ClampedArray(values[0]), 26, 19).planes]",
        rgba.flatten().tolist(),
    )
    picture = torch.from_numpy(rgba.astype(np.float32) / 255).permute(2, 0, 1)[None]
    expected = filled(picture[:, :3], picture[:, 3:])
    assert np.allclose(found, expected.flatten(), atol=1e-5)


def test_where_nothing_is_seen_the_photo_is_black_and_an_opaque_one_has_no_alpha(
    compute: Callable[..., Any],
) -> None:
    call = "(({ planes, alpha }) => [...planes, alpha === null])"
    read = "(pixels.fromPixels(new Uint8ClampedArray(values[0]), 1, 1))"
    assert compute(call + read, [9, 9, 9, 0]) == [0, 0, 0, False]
    assert compute(call + read, [255, 0, 255, 255]) == [1, 0, 1, True]
