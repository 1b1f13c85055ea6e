"""fst.inference.export.writing: files that are equal, whole, and replace nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from exports import painter, small_proof, tiny_style
from torch import Tensor, nn

from fst.choices import EXPORT_TARGETS
from fst.errors import CheckpointError, InputError
from fst.inference.export import graph, pt2
from fst.inference.export.exported import ExportedNet
from fst.inference.export.graph import graph_of
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove
from fst.inference.export.targets import TARGETS, Target
from fst.inference.export.writing import export
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle

OPTIONS = ExportOptions("tiny")


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A target that writes its weights, and runs what it was made of."""
    kept: list[ExportedNet] = []

    def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
        kept[:] = [exported]
        torch.save(exported.state_dict(), folder / f"{options.name}.a")
        (folder / f"{options.name}.b").mkdir()
        (folder / f"{options.name}.b" / "inner.txt").write_text(json.dumps(dict(options.metadata)))
        return folder / f"{options.name}.a"

    target = Target(write, lambda path: kept[0], (".b", ".a"), "", (), ("half",))
    monkeypatch.setitem(TARGETS, "quick", target)
    with small_proof():
        yield


def test_the_names_that_can_be_chosen_are_the_targets() -> None:
    assert tuple(TARGETS) == EXPORT_TARGETS


def test_a_pt2_is_proved_and_paints_without_fst(tmp_path: Path) -> None:
    style = tiny_style()
    with small_proof():
        (written,) = export(style, ["pt2"], tmp_path / "out", OPTIONS)
    assert written.files == (tmp_path / "out" / "tiny.pt2",)
    assert everything(tmp_path) == ["out", "out/tiny.pt2"]
    assert [check.size for check in written.checks] == [
        "64x64", "80x64", "96x72", "2 of 71x50",
    ]  # fmt: skip
    assert all(check.difference < 0.01 for check in written.checks)
    said = {pt2.METADATA: ""}
    module = torch.export.load(written.files[0], extra_files=said).module()
    about = json.loads(said[pt2.METADATA])
    assert (about["style"], about["license"], about["layout"]) == ("tiny", "public domain", "NCHW")
    assert about["weights_sha256"] == style.net().digest
    for count, height, width in ((1, 24, 24), (3, 77, 130)):
        photos = photos_to_prove(2, height, width)[[0, 1, 0][:count]]
        torch.testing.assert_close(module(photos), painter(style)(photos), rtol=0, atol=2e-5)


def test_bytes_and_half_in_a_pt2(tmp_path: Path) -> None:
    style = tiny_style()
    options = ExportOptions("tiny", uint8=True, half=True)
    with small_proof():
        (written,) = export(style, ["pt2"], tmp_path, options)
    module = torch.export.load(written.files[0]).module()
    photos = torch.randint(0, 256, (2, 33, 50, 3), dtype=torch.uint8)
    made = module(photos)
    assert (made.shape, made.dtype) == (photos.shape, torch.uint8)
    weights = [value for value in module.state_dict().values() if value.is_floating_point()]
    assert {value.dtype for value in weights} == {torch.float16}


def test_folders_and_files_are_moved_when_they_are_equal(quick: None, tmp_path: Path) -> None:
    (written,) = export(tiny_style(), ["quick"], tmp_path, OPTIONS)
    assert everything(tmp_path) == ["tiny.a", "tiny.b", "tiny.b/inner.txt"]
    assert json.loads((tmp_path / "tiny.b/inner.txt").read_text())["margin"] == "20"
    (_, folder_size), (_, file_size) = written.sizes
    assert folder_size == (tmp_path / "tiny.b/inner.txt").stat().st_size
    assert file_size == (tmp_path / "tiny.a").stat().st_size


def test_what_paints_other_pictures_is_not_kept(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(path: Path) -> object:
        return lambda photos: photos

    monkeypatch.setitem(TARGETS, "quick", replace(TARGETS["quick"], runner=wrong))
    with pytest.raises(InputError, match=r"tiny\.a was not kept"):
        export(tiny_style(), ["quick"], tmp_path / "out", OPTIONS)
    assert everything(tmp_path) == []


def test_a_converter_that_fails_leaves_nothing(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
        (folder / "half").write_text("a part")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(TARGETS, "quick", replace(TARGETS["quick"], write=broken))
    with pytest.raises(OSError, match="No space"):
        export(tiny_style(), ["quick"], tmp_path / "out", OPTIONS)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("there", ["tiny.a", "tiny.b"])
def test_nothing_is_replaced_unless_it_is_said(quick: None, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(InputError, match="there already"):
        export(tiny_style(), ["quick"], tmp_path, OPTIONS)
    assert everything(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_overwriting_replaces_files_and_whole_folders(quick: None, tmp_path: Path) -> None:
    export(tiny_style(), ["quick"], tmp_path, OPTIONS)
    (tmp_path / "tiny.b" / "inner.txt").write_text("of before")
    (tmp_path / "tiny.a").write_text("of before")
    export(tiny_style(), ["quick"], tmp_path, OPTIONS, overwrite=True)
    assert everything(tmp_path) == ["tiny.a", "tiny.b", "tiny.b/inner.txt"]
    assert torch.load(tmp_path / "tiny.a", weights_only=True)
    assert "margin" in (tmp_path / "tiny.b" / "inner.txt").read_text()


def test_overwriting_a_folder_loses_nothing_that_somebody_put_there(
    quick: None, tmp_path: Path
) -> None:
    export(tiny_style(), ["quick"], tmp_path, OPTIONS)
    (tmp_path / "tiny.b" / "mine.txt").write_text("mine")
    before = (tmp_path / "tiny.a").read_bytes()
    with pytest.raises(InputError, match=r"tiny\.b holds mine\.txt, which no export writes"):
        export(tiny_style(), ["quick"], tmp_path, OPTIONS, overwrite=True)
    assert everything(tmp_path) == ["tiny.a", "tiny.b", "tiny.b/inner.txt", "tiny.b/mine.txt"]
    assert (tmp_path / "tiny.a").read_bytes() == before


def test_a_link_is_never_replaced(quick: None, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "tiny.b").symlink_to("mine")
    with pytest.raises(InputError, match="could be replaced"):
        export(tiny_style(), ["quick"], tmp_path, OPTIONS, overwrite=True)


def test_each_target_is_told_of_when_it_is_there(quick: None, tmp_path: Path) -> None:
    told: list[str] = []
    export(tiny_style(), ["quick", "quick"], tmp_path, OPTIONS,
           on_written=lambda written: told.append(written.target))  # fmt: skip
    assert told == ["quick"]


def test_targets_of_the_same_sizes_share_a_graph(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[ExportedNet] = []
    given: list[object] = []

    def draw(exported: ExportedNet) -> object:
        drawn.append(exported)
        return object()

    def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
        given.append(graph_of(exported))
        return TARGETS["quick"].write(exported, folder, options)

    monkeypatch.setattr(graph, "draw", draw)
    for name, any_size in (("one", True), ("two", True), ("three", False)):
        target = replace(TARGETS["quick"], write=write, any_size=any_size, runner=lambda path: None)
        monkeypatch.setitem(TARGETS, name, target)
    for number, name in enumerate(("one", "two", "three")):
        options = replace(OPTIONS, name=f"{number}")
        export(tiny_style(), [name], tmp_path, options)
    assert len(drawn) == 3  # of three exports
    export(tiny_style(), ["one", "two", "three"], tmp_path, OPTIONS, overwrite=True)
    assert [net.any_size for net in drawn[3:]] == [True, False]
    assert given[3] is given[4]
    assert given[4] is not given[5]


def test_where_a_file_can_not_be_run_it_is_written_without_a_proof(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = replace(TARGETS["quick"], runner=lambda path: None)
    monkeypatch.setitem(TARGETS, "quick", target)
    (written,) = export(tiny_style(), ["quick"], tmp_path, OPTIONS)
    assert written.checks == ()


def refused(words: str, style: Style, targets: list[str], options: ExportOptions) -> None:
    with pytest.raises(InputError, match=words):
        export(style, targets, Path("nowhere"), options)


def test_what_can_not_be_is_told_before_the_work(quick: None) -> None:
    style = tiny_style()
    photos = replace(OPTIONS, int8=True, calibrate=(Path("photo.jpg"),))
    refused("calibrate.*litert.*onnx", style, ["litert"], photos)
    refused("export to what", style, [], OPTIONS)
    refused("nosuch", style, ["nosuch"], OPTIONS)
    refused(r"--uint8.*of no use to quick.*onnx", style, ["quick"], ExportOptions("a", uint8=True))
    refused(r"--int8.*of no use to pt2.*onnx", style, ["pt2"], ExportOptions("a", int8=True))


def test_a_package_that_is_missing_is_told_with_its_pip_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = replace(TARGETS["onnx"], modules=("no_such_package",))
    monkeypatch.setitem(TARGETS, "onnx", target)
    refused("fst export --to onnx.*pip install onnxruntime onnx onnxscript", tiny_style(),
            ["onnx"], OPTIONS)  # fmt: skip


def test_a_net_that_says_no_stages_is_refused() -> None:
    class Other(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    style = replace(tiny_style(), trained=TrainedStyle(Other(), tiny_style().net().description))
    refused("Other, says no stages", style, ["pt2"], OPTIONS)


def test_a_style_without_a_net_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        export(replace(tiny_style(), trained=None), ["pt2"], tmp_path, OPTIONS)
