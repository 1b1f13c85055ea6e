"""What is compared: the variants, their arithmetic, their steps and their memory. Never a time."""

import copy
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from support import make_photo
from torch import Tensor
from torch.utils.data import DataLoader

from fst.errors import AssetError, FstWarning, InputError
from fst.image.io import load_image
from fst.image.picture import resize
from fst.research.benchmarks import training_step
from fst.research.benchmarks.textbook import TextbookNet
from fst.research.benchmarks.training_step import (
    BenchmarkSettings,
    TrainingBench,
    Variant,
    peak_memory,
    pick_kinds,
    training_cases,
)
from fst.styles.portraits import PORTRAITS
from fst.styles.style import Style
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe

CPU = torch.device("cpu")


@pytest.fixture
def settings(tmp_path: Path, photo_folder: Path) -> BenchmarkSettings:
    make_photo(40, 32, seed=50).save(tmp_path / "painting.png")
    painting, photos = str(tmp_path / "painting.png"), str(photo_folder)
    return BenchmarkSettings(painting, 2, 32, 4, photos, device="cpu", weights="slim")


def test_the_cases_and_their_yardsticks() -> None:
    cases = training_cases(["bf16", "fp32"], compiled=False)
    assert [case.name for case in cases] == ["bf16", "fp32", "bf16 + data", "fp32 + data"]
    assert [case.yardstick.name for case in cases] == ["textbook"] * 2 + ["textbook + data"] * 2
    cases = training_cases(["bf16", "fp32"], compiled=False, slim=True)
    assert [case.name for case in cases[4:]] == ["bf16 slim", "fp32 slim"]
    assert {case.yardstick.name for case in cases[4:]} == {"textbook"}
    (*_, compiled) = training_cases(["bf16"], compiled=True)
    assert compiled.name == "compile bf16"
    assert compiled.yardstick == Variant("textbook")


@pytest.mark.parametrize(
    ("precision", "gains", "kinds"),
    [
        ("both", True, ["bf16", "fp32"]),
        ("both", False, ["fp32"]),
        ("auto", True, ["bf16"]),
        ("auto", False, ["fp32"]),
        ("bf16", False, ["bf16"]),
        ("fp32", True, ["fp32"]),
    ],
)
def test_the_precisions_that_are_measured(
    monkeypatch: pytest.MonkeyPatch, precision: str, gains: bool, kinds: list[str]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": gains})
    assert pick_kinds(precision, CPU) == kinds


class Witness:
    """Watches what a bench builds and what its steps are given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.modules: list[StyleTransferModule] = []
        self.photos: list[Tensor] = []
        self.nets: list[TextbookNet] = []
        self.compiled: list[StyleTransferModule] = []
        witness, step = self, training_step.textbook_step

        class Watched(StyleTransferModule):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                witness.modules.append(self)

            def gradients(self, photos: Tensor, *rest: Any) -> Any:
                witness.photos.append(photos)
                return super().gradients(photos, *rest)

            def compile(self, *args: Any, **kwargs: Any) -> None:
                witness.compiled.append(self)

        def watched_step(net: TextbookNet, *rest: Any) -> Tensor:
            witness.nets.append(net)
            witness.photos.append(rest[-1])
            return step(net, *rest)

        monkeypatch.setattr(training_step, "StyleTransferModule", Watched)
        monkeypatch.setattr(training_step, "textbook_step", watched_step)


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    return Witness(monkeypatch)


def weights_of(net: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


@pytest.mark.parametrize("kind", ["fp32", "bf16"])
def test_ours_is_the_step_of_a_training_with_its_defaults(
    settings: BenchmarkSettings, witness: Witness, kind: str
) -> None:
    bench = TrainingBench(settings)
    run = bench.run(Variant(kind))
    (module,) = witness.modules
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[kind]
    assert module.compute_dtype == module.loss.vgg.features_0_weight.dtype == dtype
    assert module.recipe == Recipe()
    trained = StyleTransferModule(copy.deepcopy(module.net), module.loss, dtype=dtype)
    trainer = lightning.Trainer(
        accelerator="cpu", max_steps=40_000, limit_train_batches=3, max_epochs=1, logger=False,
        limit_val_batches=0,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        plugins=[LightningEnvironment()],
    )  # fmt: skip
    photos = DataLoader(torch.cat([bench.batch] * 3), batch_size=len(bench.batch))
    trainer.fit(trained, photos, photos)
    assert trainer.global_step == 3
    start = weights_of(module.net)
    for _ in range(3):
        run()
    for before, mine, theirs in zip(
        start, module.net.parameters(), trained.net.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
        assert not torch.equal(mine, before)


def test_the_guard_takes_part(
    settings: BenchmarkSettings, witness: Witness, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = TrainingBench(settings)
    bench.batch = bench.batch * float("nan")
    run = bench.run(Variant("fp32"))
    (module,) = witness.modules
    before = weights_of(module.net)
    run()
    assert all(map(torch.equal, before, module.net.parameters()))
    assert module.guard.skipped == 1


def test_a_blank_photo_takes_no_part_as_in_a_training(
    settings: BenchmarkSettings, witness: Witness
) -> None:
    """Its gradient is no number, and the other photo's counts."""
    bench = TrainingBench(settings)
    bench.batch = bench.batch * 0 + 0.5
    run = bench.run(Variant("fp32"))
    (module,) = witness.modules
    before = weights_of(module.net)
    run()
    assert all(map(torch.equal, before, module.net.parameters()))
    assert module.guard.skipped == 0  # nothing was wrong with the step: there was nothing to see


def test_the_slim_network_judges_where_it_is_asked_for(
    settings: BenchmarkSettings, witness: Witness
) -> None:
    bench = TrainingBench(replace(settings, weights="random"))
    for variant in (Variant("fp32"), Variant("fp32", slim=True)):
        bench.run(variant)()
    usual, slim = witness.modules
    assert usual.loss.vgg.source == "random"
    assert slim.loss.vgg.source == "slim"
    assert slim.loss.style_weight == usual.loss.style_weight
    assert usual.net is not slim.net  # each is trained by its own judge


def test_what_is_timed_is_told(settings: BenchmarkSettings) -> None:
    settings = replace(settings, weights="random")
    ours, theirs = TrainingBench(settings, Recipe(pattern_weight=70, learning_rate=0.02)).told()
    for fact in ("width 4", "bilinear", "muon", "cosine", "0.02", "pattern weight 70", "random",
                 "painting at 512 px"):  # fmt: skip
        assert fact in ours
    assert "Adam" in theirs


def test_gradients_do_not_pile_up(settings: BenchmarkSettings, witness: Witness) -> None:
    run = TrainingBench(settings).run(Variant("fp32"))
    (module,) = witness.modules
    start, gradients = weights_of(module.net), []
    for _ in range(2):
        with torch.no_grad():  # back to the start: both steps have the same gradient
            for parameter, value in zip(module.net.parameters(), start, strict=True):
                parameter.copy_(value)
        run()
        gradient = module.net.get_parameter("out.weight").grad
        assert gradient is not None
        gradients.append(gradient.clone())
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-7)


def test_the_textbook_starts_from_the_same_weights_and_batch(
    settings: BenchmarkSettings, witness: Witness
) -> None:
    # the pattern term is no part of the textbook's gradient, and its network is VGG-19
    bench = TrainingBench(replace(settings, weights="random"), Recipe(pattern_weight=0.0))
    ours, theirs = bench.run(Variant("fp32")), bench.run(Variant("textbook"))
    (module,) = witness.modules
    ours()
    theirs()
    assert torch.equal(*witness.photos)
    assert witness.photos[0].shape == (2, 3, 32, 32)
    pairs = zip(module.net.parameters(), witness.nets[0].parameters(), strict=True)
    for mine, other in [(a.grad, b.grad) for a, b in pairs]:
        assert mine is not None
        assert other is not None
        # instance norms over a few pixels blow rounding errors up
        assert (mine - other).abs().max() <= 0.02 * other.abs().max() + 1e-5


def test_with_data_every_step_draws_its_own_photos_for_the_same_net(
    settings: BenchmarkSettings, witness: Witness
) -> None:
    bench = TrainingBench(settings)
    ready, drawn = bench.run(Variant("fp32")), bench.run(Variant("fp32", data=True))
    theirs = bench.run(Variant("textbook", data=True))
    for run in (ready, ready, drawn, drawn, theirs, theirs):
        run()
    assert len(witness.modules) == 1
    a, b, first, second, third, fourth = witness.photos
    assert torch.equal(a, b)
    assert not torch.equal(first, second)
    assert torch.equal(first, third)  # both draw the same, each on its own
    assert torch.equal(second, fourth)


def test_only_the_compiled_variant_is_compiled(
    settings: BenchmarkSettings, witness: Witness
) -> None:
    bench = TrainingBench(settings)
    with torch.compiler.config.patch(force_disable_caches=False):
        for variant in (Variant("fp32"), Variant("fp32", compiled=True)):
            bench.run(variant)
        assert torch.compiler.config.force_disable_caches  # else it would not be cold
    eager, compiled = witness.modules
    assert witness.compiled == [compiled]
    assert eager.loss.vgg is not compiled.loss.vgg
    assert eager.net is not compiled.net


def test_without_a_folder_the_assets_photos_serve_or_the_samples(
    settings: BenchmarkSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    settings = replace(settings, photos=None)
    assert TrainingBench(settings).photos.source == "sample"
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "assets/photos/train").mkdir(parents=True)
    for number in range(4):
        make_photo(seed=number).save(tmp_path / f"assets/photos/train/{number}.png")
    photos = TrainingBench(settings).photos
    assert (photos.source, Path(str(photos.path))) == ("folder", tmp_path / "assets/photos/train")


def test_the_style_s_own_weights_and_the_threads_count(
    settings: BenchmarkSettings, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = Style("sea", "sea", {"style_weight": 7.0, "size": 32}, settings.style)
    monkeypatch.setattr(training_step, "find_style", lambda name: style)
    bench = TrainingBench(replace(settings, workers=3))
    bench.run(Variant("fp32"))
    assert witness.modules[0].loss.style_weight == 7
    assert bench.photos.settings.num_workers == 3
    assert max(bench.painting.shape[2:]) == 32


def test_a_missing_painting_is_measured_with_its_portrait(
    settings: BenchmarkSettings, offline: None
) -> None:
    """As it is trained: a step takes as long."""
    with pytest.warns(FstWarning, match=r"parasol\.jpg.*portrait"):
        bench = TrainingBench(replace(settings, style="monet"))
    assert torch.equal(bench.painting, resize(load_image(PORTRAITS / "monet.jpg"), 512).rgb)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"style": "vermeer"}, InputError, "vermeer"),
        ({"style": "monet=0.5,poppies=0.5"}, InputError, "no painting"),
        ({"photos": "nowhere"}, AssetError, "nowhere"),
        ({"device": "abacus"}, InputError, "abacus"),
        ({"size": 8}, InputError, "size"),
    ],
)
def test_mistakes_are_named(
    settings: BenchmarkSettings, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        TrainingBench(replace(settings, **change))


@pytest.mark.slow
def test_the_peak_memory_is_of_a_process_of_its_own(settings: BenchmarkSettings) -> None:
    held = torch.ones(500, 1024, 1024)  # 2 GB, which must not count
    megabytes = peak_memory(settings, Variant("fp32", data=True))
    assert 100 < megabytes < held.nbytes / 1e6


@pytest.mark.slow
def test_a_mistake_in_the_other_process_comes_back(settings: BenchmarkSettings) -> None:
    with pytest.raises(InputError, match=r"vgg\.bin"):
        peak_memory(replace(settings, weights="vgg.bin"), Variant("fp32"))


def raises(error: Exception) -> Callable[..., Any]:
    def submit(*_: object) -> None:
        raise error

    return submit


@pytest.mark.parametrize(
    "error", [BrokenProcessPool("killed"), RuntimeError("x: can't allocate memory: y")]
)
def test_too_little_memory_is_said(
    settings: BenchmarkSettings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(training_step.ProcessPoolExecutor, "submit", raises(error))
    with pytest.raises(InputError, match="not enough memory for textbook: lower"):
        peak_memory(settings, Variant("textbook"))


def test_another_error_stays_what_it_is(
    settings: BenchmarkSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_step.ProcessPoolExecutor, "submit", raises(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        peak_memory(settings, Variant("textbook"))


def test_only_our_process_is_tuned(
    settings: BenchmarkSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = []
    monkeypatch.setattr(training_step, "tune_process", tuned.append)
    training_step._peak_of_this_process(settings, Variant("textbook"))
    assert tuned == []
    training_step._peak_of_this_process(settings, Variant("fp32"))
    assert tuned == [CPU]
