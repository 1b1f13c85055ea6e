"""fst.inference.names: what a result is called (the rest of it is in test_targets)."""

import os
from pathlib import Path

import pytest

from fst.errors import InputError
from fst.inference.names import destination, named
from fst.inference.photos import Photo


def photos(*names: str) -> list[Photo]:
    return [Photo(Path("in", name), Path(name)) for name in names]


@pytest.mark.parametrize(
    ("output", "single", "expected"),
    [
        (None, True, (None, None)),
        ("a.png", True, (Path("a.png"), None)),
        ("a.PNG", True, (Path("a.PNG"), None)),
        ("a.png/", True, (None, Path("a.png"))),
        ("a", True, (None, Path("a"))),
        ("a", False, (None, Path("a"))),
        ("v1.0", False, (None, Path("v1.0"))),
        (".", True, (None, Path("."))),
    ],
)
def test_an_output_is_a_file_or_a_folder(
    output: str | None, single: bool, expected: tuple[Path | None, Path | None],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert destination(output, single) == expected


@pytest.mark.parametrize(("output", "single"), [("a.xyz", True), ("a.png", False), (None, False)])
def test_an_output_that_will_not_do_is_refused(output: str | None, single: bool) -> None:
    with pytest.raises(InputError):
        destination(output, single)


def test_every_photo_has_a_name_of_its_own() -> None:
    given = photos("a.png", "a.gif", "a.bmp", "a.jpg", "x/a.gif", "b.heic")
    names = [path.as_posix() for path in named(given, "monet", None, Path("out")).values()]
    assert names == [
        "out/a-monet.png", "out/a.gif-monet.png", "out/a.bmp-monet.png", "out/a-monet.jpg",
        "out/x/a-monet.png", "out/b-monet.png",
    ]  # fmt: skip


def test_beside_the_photo_it_is_the_photos_folder() -> None:
    (path,) = named(photos("x/a.tif"), "one-two", None, None).values()
    assert path == Path("in/x/a-one-two.tif")


def test_a_name_that_would_be_too_long_is_cut_off_and_still_its_own() -> None:
    long = [f"{'ü' * 125}{end}.jpg" for end in ("a", "b")]  # 255 bytes each
    given = photos(*long, f"{'n' * 240}.gif", f"{'n' * 240}.jpg")
    for style in ("monet", "s" * 250, "ü" * 125):
        names = list(named(given, style, None, Path("out")).values())
        assert len(set(names)) == 4
        assert names == list(named(given, style, None, Path("out")).values())
        for path, suffix in zip(names, (".jpg", ".jpg", ".png", ".jpg"), strict=True):
            assert len(path.name.encode()) <= 255
            assert path.name.startswith(("ü" * 10, "n" * 10))
            assert path.name.endswith(f"-monet{suffix}" if style == "monet" else suffix)
    odd = os.fsdecode(b"\xff" * 250)
    (path,) = named(photos(f"{odd}.jpg"), "monet", None, None).values()
    assert 240 < len(os.fsencode(path.name)) <= 255


def test_a_name_that_fits_is_left_as_it_is() -> None:
    name = "n" * (255 - len("-monet.jpg"))
    (path,) = named(photos(f"{name}.jpg"), "monet", None, None).values()
    assert path.name == f"{name}-monet.jpg"
