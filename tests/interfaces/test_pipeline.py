"""fst.Painter: a style for pipelines, columns in and out."""

import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image, ImageCms
from support import encoded, make_photo, save_tiny_style

import fst
from fst.errors import CheckpointError, InputError
from fst.inference import encoded as encoding
from fst.interfaces import loaded_once


@pytest.fixture
def style(tmp_path: Path) -> Path:
    return save_tiny_style(tmp_path / "mine.safetensors")


@pytest.fixture
def painter(style: Path) -> fst.Painter:
    return fst.Painter(style, device="cpu", precision="fp32")


def photos(count: int = 3, width: int = 40, height: int = 30) -> list[bytes]:
    return [encoded(make_photo(width, height, seed), "JPEG") for seed in range(count)]


def test_a_broken_photo_is_a_row_with_its_reason(painter: fst.Painter) -> None:
    first, second = photos(2)
    given = {"id": [7, 8, 9, 10, 11], "bytes": [first, b"no photo", None, second[:300], second]}
    rows = painter(given)
    assert rows["id"] is given["id"]
    assert [one is None for one in rows["bytes"]] == [False, True, True, True, False]
    assert [one is None for one in rows["error"]] == [True, False, False, False, True]
    assert all("\n" not in reason for reason in rows["error"] if reason)
    assert "empty" in rows["error"][2]
    assert rows["bytes"][0].startswith(b"\xff\xd8")


def test_too_large_a_photo_is_a_row(style: Path) -> None:
    painter = fst.Painter(style, device="cpu", max_pixels=1199)
    assert "40x30" in painter({"bytes": photos(1)})["error"][0]


def test_exhausted_memory_is_a_row_and_a_bug_is_not(
    painter: fst.Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(problem: Exception) -> Callable[..., Any]:
        def paint(*_: object) -> None:
            raise problem

        return paint

    monkeypatch.setattr(encoding, "paint_together", fails(RuntimeError("CUDA out of memory")))
    rows = painter({"bytes": photos(3)})
    assert rows["bytes"] == [None] * 3
    assert all("memory" in reason for reason in rows["error"])
    monkeypatch.setattr(encoding, "paint_together", fails(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        painter({"bytes": photos(1)})


def odd_photos(folder: Path) -> list[Path]:
    """Turned, transparent, of another profile, gray; some of one size, one flat, one large."""
    turned = Image.Exif()
    turned[0x0112] = 6
    turned[0x010F] = "a camera"
    see_through = make_photo(40, 30, 1)
    see_through.putalpha(Image.linear_gradient("L").resize((40, 30)))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = {
        "turned.jpg": encoded(make_photo(40, 30), "JPEG", exif=turned, dpi=(72, 72)),
        "clear.png": encoded(see_through),
        "profile.jpg": encoded(make_photo(40, 30, 2), "JPEG", icc_profile=profile),
        "gray.png": encoded(make_photo(40, 30, 3).convert("L")),
        "flat.png": encoded(Image.new("RGB", (40, 30), "white")),
        "large.jpg": encoded(make_photo(400, 300, 4), "JPEG"),
        "tiny.png": encoded(make_photo(5, 3, 5)),
        **{f"same_{i}.jpg": content for i, content in enumerate(photos(3))},
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in made]


@pytest.mark.parametrize(
    ("format", "suffix", "options"),
    [
        ("jpeg", ".jpg", {}),
        ("png", ".png", {"size": 32, "upsample": "bicubic", "strength": 0.5}),
        ("webp", ".webp", {"size": 24, "preserve_color": "luma", "quality": 70}),
        ("png", ".png", {"seamless": True, "size": 32}),
        ("png", ".png", {"strength": 0}),
        ("png", ".png", {"stroke_size": "large", "margin": 8, "memory": "1GB"}),
    ],
)
def test_the_bytes_are_those_of_the_command(
    format: str, suffix: str, options: dict[str, Any], style: Path, tmp_path: Path
) -> None:
    """To the byte: what the file tells of the camera, of size in print and of colors, too."""
    from fst.interfaces.cli import main

    (tmp_path / "in").mkdir()
    paths = odd_photos(tmp_path / "in")
    painter = fst.Painter(style, device="cpu", precision="fp32", format=format, **options)
    words = [
        word
        for name, value in options.items()
        for word in ("--" + name.replace("_", "-"), *([] if value is True else [str(value)]))
    ]
    given = ["--style", str(style), "--precision", "fp32", "--device", "cpu", "--no-record"]
    together = painter({"bytes": [path.read_bytes() for path in paths]})
    assert together["error"] == [None] * len(paths)
    for path, in_a_batch in zip(paths, together["bytes"], strict=True):
        target = tmp_path / f"{path.stem}_painted{suffix}"
        with pytest.raises(SystemExit) as ended:
            main(["stylize", str(path), *given, "--output", str(target), *words])
        assert ended.value.code in (0, None)
        (alone,) = painter({"bytes": [path.read_bytes()]})["bytes"]
        assert alone == target.read_bytes(), path.name
        if format == "png":  # which keeps what is painted
            difference = pixels(alone).astype(int) - pixels(in_a_batch)
            assert np.abs(difference).max() <= 1, path.name


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_every_kind_of_column_gives_the_same_bytes(painter: fst.Painter) -> None:
    given = [*photos(2), None]
    expected = painter({"bytes": given})
    objects = np.empty(3, object)
    objects[:] = given
    columns = [objects, pa.array(given), pa.chunked_array([given[:1], given[1:]]), pd.Series(given)]
    for column in columns:
        assert painter({"bytes": column})["bytes"] == expected["bytes"]
    frame = pd.DataFrame({"id": [3, 4, 5], "bytes": given}, index=[10, 11, 12])
    painted = painter(frame)
    assert isinstance(painted, pd.DataFrame)
    assert list(painted.index) == [10, 11, 12]
    assert list(painted["bytes"]) == expected["bytes"]
    assert list(frame["bytes"]) == given
    for table in (pa.table({"bytes": given}), pa.record_batch({"bytes": given})):
        kept = painter(table)
        assert type(kept) is type(table)
        assert kept.column("bytes").to_pylist() == expected["bytes"]
        assert kept.column("error").to_pylist() == expected["error"]
    with_images = [{"bytes": one, "path": f"{i}.jpg"} for i, one in enumerate(given)]
    rows = painter({"bytes": with_images})["bytes"]
    assert [row["bytes"] for row in rows] == expected["bytes"]
    assert [row["path"] for row in rows] == ["0.jpg", "1.jpg", "2.jpg"]


def test_no_row_and_no_column(painter: fst.Painter) -> None:
    assert painter({"bytes": [], "id": []}) == {"bytes": [], "id": [], "error": []}
    with pytest.raises(InputError, match=r"'bytes'.*photo"):
        painter({"photo": []})


def test_an_earlier_reason_stays(painter: fst.Painter) -> None:
    (photo,) = photos(1)
    rows = painter(painter({"bytes": [b"no photo", photo]}))
    assert "not a picture" in rows["error"][0]
    assert rows["error"][1] is None


def test_the_same_bytes_under_datasets(painter: fst.Painter, tmp_path: Path) -> None:
    given = {"id": [1, 2, 3, 4], "bytes": [*photos(3), b"no"]}
    expected = painter(given)
    rows = datasets.Dataset.from_dict(given)
    features = datasets.Features({**rows.features, "error": datasets.Value("string")})
    plain = rows.map(painter, batched=True, batch_size=3, keep_in_memory=True, features=features)
    arrow = rows.with_format("arrow").map(
        painter, batched=True, batch_size=3, keep_in_memory=True, writer_batch_size=2
    )
    for mapped in (plain, arrow.with_format(None)):
        assert mapped["bytes"][:] == expected["bytes"]
        assert mapped["error"][:] == expected["error"]
        assert mapped["id"][:] == given["id"]
    files = odd_photos(tmp_path)
    images = datasets.Dataset.from_dict(
        {"image": [str(path) for path in files]},
        features=datasets.Features({"image": datasets.Image(decode=False)}),
    )
    of_images = fst.Painter(
        tmp_path / "mine.safetensors", device="cpu", precision="fp32", column="image"
    )
    painted = images.with_format("arrow").map(of_images, batched=True, keep_in_memory=True)
    painted = painted.with_format(None)
    assert painted.features["image"] == images.features["image"]
    alone = painter({"bytes": [path.read_bytes() for path in files]})
    assert [row["bytes"] for row in painted["image"]] == alone["bytes"]


def test_a_painter_is_found_again_in_datasets_cache(style: Path) -> None:
    from datasets.fingerprint import Hasher

    made = [fst.Painter(style, size=32) for _ in range(2)]
    assert Hasher.hash(made[0]) == Hasher.hash(made[1])
    made[0]({"bytes": photos(1)})
    assert Hasher.hash(made[0]) == Hasher.hash(made[1])


def test_it_paints_where_the_style_is_not(style: Path, tmp_path: Path) -> None:
    """In another process, in another folder, after the file is gone: the net is in the pickle."""
    painter = fst.Painter(style, device="cpu", precision="fp32", threads=1)
    expected = painter({"bytes": photos(2)})
    (tmp_path / "painter").write_bytes(pickle.dumps(painter))
    (tmp_path / "photos").write_bytes(pickle.dumps(photos(2)))
    style.unlink()
    (tmp_path / "elsewhere").mkdir()
    code = (
        "import pickle, sys, pathlib as p\n"
        "painter = pickle.loads(p.Path('../painter').read_bytes())\n"
        "rows = painter({'bytes': pickle.loads(p.Path('../photos').read_bytes())})\n"
        "sys.stdout.buffer.write(pickle.dumps(rows))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "elsewhere", capture_output=True, check=True
    )
    assert pickle.loads(answer.stdout) == expected


def test_a_net_is_built_once_in_a_process(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    make = loaded_once.make_stylizer

    def counting(*arguments: Any) -> Any:
        built.append(arguments)
        return make(*arguments)

    monkeypatch.setattr(loaded_once, "make_stylizer", counting)
    save_tiny_style(style, seed=5)  # no test before has painted in it
    first = fst.Painter(style, device="cpu", precision="fp32")
    second = pickle.loads(pickle.dumps(fst.Painter(style, device="cpu", precision="fp32", size=32)))
    assert built == []
    threads = [
        threading.Thread(target=one, args=({"bytes": photos(1)},)) for one in (first, second) * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_what_is_not_carried_is_looked_for_where_it_is_painted(
    style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(style.parent)
    painter = fst.Painter(style.name, device="cpu", precision="fp32", carry=False)
    assert len(pickle.dumps(painter)) < 2000
    monkeypatch.chdir("/")
    carried = fst.Painter(style, device="cpu", precision="fp32")
    assert painter({"bytes": photos(2)}) == carried({"bytes": photos(2)})


@pytest.mark.parametrize("carry", [True, False])
def test_another_net_under_the_same_name_is_another_style(carry: bool, style: Path) -> None:
    """Also in a process that has painted with the one before."""
    before = fst.Painter(style, device="cpu", precision="fp32", carry=carry)({"bytes": photos(1)})
    save_tiny_style(style, seed=6)
    after = fst.Painter(style, device="cpu", precision="fp32", carry=carry)({"bytes": photos(1)})
    assert after["error"] == [None]
    assert after != before


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"sizes": 3}, ("sizes", "size")),
        ({"size": 3}, ("size", "16")),
        ({"size": "512"}, ("size", "512")),
        ({"format": "gif"}, ("format", "jpeg")),
        ({"quality": 0}, ("quality", "100")),
        ({"column": ""}, ("column",)),
        ({"column": "error"}, ("column", "error")),
        ({"threads": 0}, ("threads", "1")),
        ({"device": "gpu"}, ("device", "gpu")),
        ({"precision": "fp16"}, ("precision", "bf16")),
        ({"memory": "lots"}, ("memory", "2GB")),
        ({"backend": "tensorrt"}, ("backend", "onnxruntime")),
        ({"margin": 3}, ("margin", "4")),
        ({"upsample": "guided"}, ("upsample", "size")),
        ({"strength": 2}, ("strength", "1")),
        ({"seamless": True, "margin": 8}, ("margin", "seamless")),
        ({"style_weight": 3.0}, ("style_weight", "trained")),
        ({"max_pixels": 0}, ("max_pixels",)),
        ({"checkpoints": "nowhere"}, ("nowhere",)),
        ({"refine": 3}, ("refine",)),
    ],
)
def test_wrong_options_are_said_at_once(
    options: dict[str, Any], names: tuple[str, ...], style: Path
) -> None:
    with pytest.raises(InputError) as refused:
        fst.Painter(style, **options)
    assert all(name in str(refused.value) for name in names), str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_style_is_said_at_once() -> None:
    with pytest.raises(InputError, match="no style 'mone'"):
        fst.Painter("mone")
    with pytest.raises(CheckpointError, match="gone"):
        fst.Painter("gone.safetensors")


def test_importing_it_takes_no_torch() -> None:
    code = "import sys, fst; assert 'torch' not in sys.modules; fst.Painter; import fst.interfaces"
    subprocess.run([sys.executable, "-c", code], check=True)
