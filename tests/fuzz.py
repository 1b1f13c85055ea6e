"""Damages pictures and checkpoints at random, and reads them: run by test_fuzz.py, in a process.

::

    python tests/fuzz.py pictures-per-kind checkpoints folder

A line of JSON is printed for each kind, and the file in hand stays in the folder, so that what
crashes or hangs can be tried again.
"""

import faulthandler
import io
import json
import random
import resource
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, features
from support import make_photo

from fst.errors import CheckpointError, InputError
from fst.image.io import load_image
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

SECONDS, PATIENCE = 10, 300
"""Of computing that a file may take; of waiting, on a machine that has much else to do."""

MEMORY = 2 << 30
"""What a file may take."""

EXTREME = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    10**6,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def picture_seeds() -> dict[str, list[bytes]]:
    """Tiny whole files of each kind, of many layouts."""
    photo, other = make_photo(24, 20), make_photo(24, 20, seed=1)
    clear = photo.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    gray, deep = (
        photo.convert("L"),
        Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24)),
    )
    floats = Image.fromarray(np.linspace(0, 1, 480, dtype=np.float32).reshape(20, 24))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"

    def file(image: Image.Image, kind: str, several: bool = False, **options: Any) -> bytes:
        stream = io.BytesIO()
        if several:  # copies, since PIL leaves settings of one format on a picture
            options = {**options, "save_all": True, "append_images": [other.copy()]}
        image.copy().save(stream, kind, **options)
        return stream.getvalue()

    found = {
        "JPEG": [
            file(photo, "JPEG", exif=exif), file(photo, "JPEG", progressive=True),
            file(gray, "JPEG"), file(photo.convert("CMYK"), "JPEG"),
            file(photo, "MPO", several=True),
        ],
        "PNG": [
            file(photo, "PNG", exif=exif), file(clear, "PNG"), file(photo.quantize(9), "PNG"),
            file(deep, "PNG"), file(gray.convert("1"), "PNG"), file(photo, "PNG", several=True),
            file(photo, "PNG", transparency=(1, 2, 3)),
        ],
        "WEBP": [
            file(photo, "WEBP", exif=exif), file(clear, "WEBP", lossless=True),
            file(photo, "WEBP", several=True),
        ],
        "TIFF": [
            file(photo, "TIFF"), file(photo, "TIFF", compression="tiff_lzw"), file(deep, "TIFF"),
            file(photo, "TIFF", compression="jpeg"), file(floats, "TIFF"), file(clear, "TIFF"),
            file(photo, "TIFF", several=True),
            file(gray.convert("1"), "TIFF", compression="group4"),
            file(photo.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        ],
        "GIF": [file(photo, "GIF"), file(photo, "GIF", several=True), file(clear, "GIF")],
        "BMP": [
            file(photo, "BMP"), file(gray, "BMP"), file(gray.convert("1"), "BMP"),
            file(clear, "BMP"),
        ],
        "JPEG2000": [file(photo, "JPEG2000"), file(clear, "JPEG2000"), file(gray, "JPEG2000")],
        "PPM": [file(photo, "PPM"), file(deep, "PPM"), file(floats, "PPM")],
    }  # fmt: skip
    if features.check("avif"):
        found["AVIF"] = [
            file(photo, "AVIF"),
            file(clear, "AVIF"),
            file(photo, "AVIF", several=True),
        ]
    return found


def damaged(content: bytes, chance: random.Random) -> bytes:
    """One to four kinds of damage, most of it near the beginning, where headers are."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        end = len(data) if chance.random() < 0.5 else min(len(data), 100)
        place = chance.randrange(max(1, end))
        kind = chance.choice(("bits", "bytes", "number", "cut", "out", "twice", "random"))
        if kind == "bits":
            for _ in range(chance.choice((1, 1, 3, 9))):
                data[chance.randrange(max(1, end))] ^= 1 << chance.randrange(8)
        elif kind == "bytes":
            data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
        elif kind == "number":
            size, order = chance.choice((2, 4)), chance.choice(("little", "big"))
            value = chance.choice(EXTREME) % 256**size
            data[place : place + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
        elif kind == "cut":
            del data[place + chance.randrange(2) * (len(data) - place) // 2 :]
        elif kind == "out":
            del data[place : place + chance.choice((1, 2, 8, 100))]
        elif kind == "twice":
            data[place:place] = data[place : place + chance.choice((1, 4, 30))]
        else:
            length = chance.choice((1, 4, 16))
            data[place : place + length] = chance.randbytes(length)
        if not data:
            data = bytearray(b"\0")
    return bytes(data)


def mended_png(content: bytes) -> bytes:
    """With the checksums that the damaged chunks should have, so that they are looked into."""
    parts, place = [content[:8]], 8
    while place + 12 <= len(content):
        length = min(struct.unpack_from(">I", content, place)[0], len(content) - place - 12)
        body = content[place + 4 : place + 8 + length]
        parts.append(content[place : place + 4] + body + struct.pack(">I", zlib.crc32(body)))
        place += length + 12
    return b"".join(parts)


def damaged_picture(kind: str, seeds: list[bytes], chance: random.Random) -> bytes:
    content = damaged(chance.choice(seeds), chance)
    return mended_png(content) if kind == "PNG" and chance.random() < 0.7 else content


def damaged_checkpoint(seeds: list[bytes], chance: random.Random) -> bytes:
    """Bytes, or numbers of the header: shapes, places, and what the style says of itself."""
    content = chance.choice(seeds)
    if chance.random() < 0.3:
        return damaged(content, chance)
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    about = json.loads(header["__metadata__"]["fst"])
    for _ in range(chance.choice((1, 1, 2))):
        if chance.random() < 0.5:
            _change(about, chance)
        else:
            tensors = [key for key in header if key != "__metadata__"]
            _change(header[chance.choice(tensors)], chance)
    header["__metadata__"]["fst"] = json.dumps(about)
    written = json.dumps(header).encode()
    size = len(written) if chance.random() < 0.9 else chance.choice((0, 10**6, 10**12, 2**63))
    return struct.pack("<Q", size) + written + content[8 + length :]


def _change(values: Any, chance: random.Random) -> None:
    """Another value somewhere in a tree of dictionaries and lists."""
    while True:
        keys = list(values) if isinstance(values, dict) else list(range(len(values)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(values[key], dict | list) and values[key] and chance.random() < 0.9:
            values = values[key]
            continue
        strange = (
            0, 1, -1, 3, 2.5, 10**6, 10**12, 2**63, -(2**40), 1e308, None, True, "", "x" * 1000,
            "../../x", "\n", [], {}, [10**12], [10**6, 10**6], {"a": 1}, "F64", "BF16",
        )  # fmt: skip
        if isinstance(values, dict) and chance.random() < 0.2:
            del values[key]
        else:
            values[key] = chance.choice(strange)
        return


def read_picture(path: Path) -> None:
    picture = load_image(path)
    assert picture.rgb.dtype == torch.float32
    assert picture.rgb.shape[:2] == (1, 3)
    assert min(picture.size) >= 16
    assert 0 <= float(picture.rgb.min()) <= float(picture.rgb.max()) <= 1  # and no NaN
    assert picture.alpha is None or picture.alpha.shape[2:] == picture.rgb.shape[2:]


def read_checkpoint(path: Path) -> None:
    style = load_checkpoint(path)
    painted = style.net(torch.full((1, 3, 16, 16), 0.5))
    assert painted.shape == (1, 3, 16, 16)


def try_all(
    kind: str, count: int, make: Callable[[random.Random], bytes], read: Callable[[Path], None],
    folder: Path,
) -> dict[str, Any]:  # fmt: skip
    """What became of so many files of a kind."""
    chance, found = random.Random(f"fst {kind}"), Counter[str]()
    suffix = "safetensors" if kind == "checkpoint" else "bin"
    slowest, wrong, most_warnings = 0.0, [], 0
    for number in range(count):
        content = make(chance)
        path = folder / f"{kind}-{number}.{suffix}"
        path.write_bytes(content)
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        begun = time.process_time()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                read(path)
                found["loaded"] += 1
            except (InputError, CheckpointError) as error:
                found["refused"] += 1
                if "\n" in str(error) or path.name not in str(error) or len(str(error)) > 600:
                    wrong.append(f"{path.name}: message {str(error)!r}")
            except BaseException as error:
                wrong.append(f"{path.name}: {type(error).__name__}: {error}")
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, seconds := time.process_time() - begun)
        if seconds > SECONDS:
            wrong.append(f"{path.name}: took {seconds:.1f} s")
        most_warnings = max(most_warnings, len(said))
        if path.read_bytes() != content:
            wrong.append(f"{path.name}: the file was changed")
        if not (wrong and wrong[-1].startswith(path.name)):
            path.unlink()
    peak = _peak_kilobytes() / 1024
    return {
        "kind": kind, "loaded": found["loaded"], "refused": found["refused"], "wrong": wrong,
        "seconds": round(slowest, 2), "warnings": most_warnings, "peak_mb": round(peak),
    }  # fmt: skip


def checkpoint_seeds(folder: Path) -> list[bytes]:
    """A tiny net, described as a finished style is."""
    net = JohnsonNet(width=4, residual_blocks=1)
    description = {
        "net": {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}},
        "style": {"name": "sea", "image": "sea.jpg", "size": 64},
        "recipe": {"learning_rate": 1e-3, "seed": 0},
        "training": {"steps": 3},
    }
    path = folder / "seed.safetensors"
    seeds = []
    for dtype in (torch.float16, torch.float32):
        save_checkpoint(path, TrainedStyle(net, description), dtype)
        seeds.append(path.read_bytes())
    load_checkpoint(path)
    return seeds


def _peak_kilobytes() -> int:
    """Of this program alone: ``ru_maxrss`` begins with that of the process it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1])


def main(pictures: int, checkpoints: int, folder: Path) -> None:
    torch.set_num_threads(1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    for kind, seeds in picture_seeds().items():

        def make(chance: random.Random, kind: str = kind, seeds: list[bytes] = seeds) -> bytes:
            return damaged_picture(kind, seeds, chance)

        print(json.dumps(try_all(kind, pictures, make, read_picture, folder)), flush=True)
    states = checkpoint_seeds(folder)
    result = try_all(
        "checkpoint", checkpoints, lambda c: damaged_checkpoint(states, c), read_checkpoint, folder
    )
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
