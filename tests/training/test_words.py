"""fst.training.words: names mean what was typed, paintings have names of their own."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from support import ROOT, make_photo

from fst.errors import FstWarning, InputError
from fst.interfaces.arguments.train import known_keys
from fst.styles.catalog import style_names
from fst.training.words import TEXTS, as_typed, hydras, key_of, own_name, value_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def composed(*words: str) -> dict[str, Any]:
    """What Hydra makes of the words."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", hydras(words, known_keys()))
        plain: Any = OmegaConf.to_container(config, resolve=True)
    return dict(plain)


def at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings[part]
    return settings


# --- names ---------------------------------------------------------------------------------------

NAMES = ["Gemälde.jpg", "my painting (1).jpg", "Mary's boat.jpg", "a&b.jpg", "IMG#1.jpg",
         "日本.jpg", "a=b,c.jpg", "[a].jpg", "{b}.jpg", 'say "hi".jpg', "2024", "true",
         "back\\slash.jpg", "~x", "[2024]", "1e5", "${x}", "a${x}b\\", "$HOME", "100%",
         "'tis.jpg", "@a", "!a", "a:b",
         "null.jpg", "-", "inf", "0x10", " a ", "a\\'b", "?", "*", "a;b|c<d>", "caf\udce9.jpg",
         "runs/monet/20260101-000000/resume/step=10.ckpt", "Fotos/Müller"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_mean_what_was_typed(name: str) -> None:
    keys = [key for key in TEXTS if key != "style.image"]
    found = composed("style=monet", *(f"{key}={name}" for key in keys))
    assert {key: at(found, key) for key in keys} == dict.fromkeys(keys, name)
    assert composed("style=monet", "style.name=x", f"style.image={name}")["style"]["image"] == name


@pytest.mark.parametrize("key", TEXTS)
def test_null_is_none_where_that_is_allowed_and_else_a_name(key: str) -> None:
    if key == "style.image":
        return
    words = ["style=monet", f"{key}=null"]
    optional = key.startswith(("data.", "style.", "paintings."))
    optional = optional and key not in ("style.name", "paintings.split")
    expected = None if optional or key in ("init", "resume") else "null"
    assert at(composed(*words), key) == expected


def test_what_is_meant_for_hydra_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in (
        "init=null",
        "data.path='a b'",
        "seed=[1]",
        "runs=${oc.env:HOME}",
        "-m",
        "resume=",
    ):
        assert as_typed(word) == word
    assert as_typed("style.name=x_${seed}", known=["seed"]) == "style.name=x_${seed}"
    monkeypatch.setenv("HOME", "/home/ada")
    assert as_typed("data.path=~/Pictures") == "data.path=/home/ada/Pictures"
    assert as_typed("init=monet=0.5,poppies=0.5") == 'init="monet=0.5,poppies=0.5"'


def test_a_sweep_goes_over_names_as_they_were_typed() -> None:
    assert as_typed("style.name=a,b", several=True) == "style.name=a,b"
    assert as_typed("data.path=Fotos/Müller", several=True) == 'data.path="Fotos/Müller"'
    assert as_typed("data.path=a b,[c]", several=True) == 'data.path="a b","[c]"'
    assert as_typed("init=a=0.5,b=0.5", several=True) == 'init="a=0.5,b=0.5"'
    for word in ("style.name=choice(a,b)", "init='a,b'", "style.name=m_${seed}"):
        assert as_typed(word, several=True, known=["seed"]) == word


def test_a_word_says_its_setting_and_its_value() -> None:
    words = ["++data.path='a b'", "seed=1", "-m", "seed=2", "style.name=x=y"]
    assert [key_of(word) for word in words] == ["data.path", "seed", "-m", "seed", "style.name"]
    assert [value_of(words, key) for key in ("data.path", "seed", "style.name", "init")] == [
        "a b", "2", "x=y", None,
    ]  # fmt: skip


# --- sets that replace the default's -------------------------------------------------------------


@pytest.mark.parametrize("plus", ["", "+", "++"])
@pytest.mark.parametrize("loss", [[], ["loss=slim"], ["experiment=cpu"]])
def test_layers_that_are_given_are_all_there_are(plus: str, loss: list[str]) -> None:
    words = [f"{plus}loss.style_layers={{relu1_1:1,relu2_1: 0.5}}",
             f"{plus}loss.content_layers={{relu3_1: 2}}"]  # fmt: skip
    found = composed("style=monet", *words, *loss)["loss"]
    assert found["style_layers"] == {"relu1_1": 1, "relu2_1": 0.5}
    assert found["content_layers"] == {"relu3_1": 2}


def test_layers_may_be_typed_as_for_a_photo() -> None:
    words = ["loss.style_layers=relu1_1,relu3_1=0.5", "loss.content_layers=relu2_2"]
    found = composed("style=monet", *words)["loss"]
    assert found["style_layers"] == {"relu1_1": 1, "relu3_1": 0.5}
    assert found["content_layers"] == {"relu2_2": 1}


def test_one_layer_changes_one() -> None:
    found = composed("style=monet", "loss.style_layers.relu1_1=0.25")["loss"]["style_layers"]
    usual = {f"relu{block}_1": 1.0 for block in range(1, 6)}
    assert found == usual | {"relu1_1": 0.25}
    both = ["loss.style_layers={relu2_1: 1}", "+loss.style_layers.relu3_1=2"]
    assert composed("style=monet", *both)["loss"]["style_layers"] == {"relu2_1": 1, "relu3_1": 2}


def test_arguments_of_another_net_replace_the_usual_nets() -> None:
    given = "net.arguments={depth: 3}"
    assert composed("style=monet", "net.name=mine", given)["net"]["arguments"] == {"depth": 3}
    usual = composed("style=monet", "net.arguments={width: 4}")["net"]["arguments"]
    assert usual == {"width": 4, "residual_blocks": 5, "upsampling": "bilinear"}


# --- several styles in one net -------------------------------------------------------------------


def test_a_list_of_styles_is_a_net_of_several() -> None:
    found = composed("style=[monet, poppies,'my boat.jpg', \"a,b.png\"]", "style.size=300")
    assert found["styles"] == ["monet", "poppies", "my boat.jpg", "a,b.png"]
    assert found["net"]["name"] == "many"
    assert found["style"] == composed("style=monet")["style"] | {
        "name": "monet-poppies-my boat-a-b", "image": None, "size": 300, "title": None,
        "painter": None, "year": None, "rights": None,
    }  # fmt: skip
    assert composed("style=[monet,poppies]", "style.name=both")["style"]["name"] == "both"
    wide = composed("style=[monet,poppies]", "net.arguments.width=8", "experiment=cpu")
    assert wide["net"]["arguments"]["width"] == 8
    assert wide["loss"]["slim_share"] == 0.5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["style=[monet]"], "style=monet"),
        (["style=[]"], "two styles"),
        (["style=[monet,,poppies]"], "two styles"),
        (["style=[monet,poppies]", "style.image=a.jpg"], "a.jpg"),
        (["style=[monet,base.jpg]"], "base"),
        ([f"style=[{','.join(f'a_long_name_{i}.jpg' for i in range(9))}]"], "style.name"),
    ],
)
def test_a_list_that_is_none_of_several_styles_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(InputError) as caught:
        hydras(words, known_keys())
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lists_are_not_swept_over_and_patterns_are_of_styles_alone() -> None:
    with pytest.raises(InputError, match="sweep"):
        hydras(["style=[monet,poppies]"], known_keys(), several=True)
    (word,) = hydras(["style=glob(*)"], known_keys(), several=True)
    (override,) = OverridesParser.create().parse_overrides([word])
    pattern: Any = override.value()
    files = [path.stem for path in (ROOT / "configs" / "style").glob("*.yaml")]
    assert sorted(pattern.filter(files)) == style_names()
    assert hydras(["style=glob(m*,exclude=x)"], known_keys(), several=True) == [
        "style=glob(m*,exclude=x)"
    ]


# --- paintings of the user's own -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("my.jpg", "my"),
        ("photos/Große Welle (2).jpeg", "Große Welle (2)"),
        ("../up/.hidden.png", "hidden"),
        ("a=b,c.jpg", "a-b-c"),
        ("my.jpg.png", "my-jpg"),
        ("v1.2.webp", "v1.2"),
        ("2024.tif", "2024"),
        ("back\\slash.jpg", "back-slash"),
        ("x" * 150 + ".jpg", "x" * 100),
        ("caf\udce9.jpg", "caf"),
    ],
)
@pytest.mark.parametrize("word", ["style", "style.image"])
def test_a_painting_alone_is_a_style_of_its_files_name(path: str, name: str, word: str) -> None:
    style = composed(f"{word}={path}")["style"]
    assert (style["name"], style["image"], style["size"]) == (name, path, 512)
    assert own_name(path) == name


def test_a_name_may_be_given_to_a_painting() -> None:
    style = composed("style=a b.jpg", "style.name=Müller", "style.size=300")["style"]
    assert (style["name"], style["image"], style["size"]) == ("Müller", "a b.jpg", 300)


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["style=a.jpg", "style.image=b.jpg"], ["a.jpg", "b.jpg"]),
        (["style=mine/monet.jpg"], ["monet", "style.name="]),
        (["style=base.jpg"], ["base", "style.name="]),
        (["style.image=the_scream.png"], ["the_scream", "style.name="]),
        (["style=../ .png"], ["style.name="]),
    ],
)
def test_a_painting_without_a_name_of_its_own_is_refused(
    words: list[str], facts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        hydras(words, known_keys())
    assert all(fact in str(caught.value) for fact in facts)
    assert "\n" not in str(caught.value)


def test_a_resumed_run_has_its_name() -> None:
    words = hydras(["resume=auto", "style.image=moved/my.jpg"], known_keys())
    assert [key_of(word) for word in words] == ["resume", "style.image"]
    words = hydras(["resume=auto", "style=my.jpg"], known_keys())
    assert "style.name=my" in words


def test_paintings_are_not_swept_over() -> None:
    with pytest.raises(InputError, match="sweep"):
        hydras(["-m", "style=a.jpg,b.jpg"], known_keys(), several=True)


def test_a_file_called_as_a_shipped_painting_is_taken_where_it_is_typed() -> None:
    make_photo().save("monet_woman_with_a_parasol.jpg")
    with pytest.warns(FstWarning, match=r"parasol\.jpg.*this folder"):
        style = composed("style=monet_woman_with_a_parasol.jpg", "style.name=mine")["style"]
    assert style["image"] == "./monet_woman_with_a_parasol.jpg"
    assert composed("style=monet")["style"]["image"] == "monet_woman_with_a_parasol.jpg"  # a name
    # what the command that reproduces a shipped style says
    assert (
        composed("style=monet", "style.image=monet_woman_with_a_parasol.jpg")["style"]["image"]
        == "monet_woman_with_a_parasol.jpg"
    )


@pytest.mark.parametrize(
    ("more", "weights"),
    [
        ([], (None, 6)),
        (["style.strength_target=0.7"], (None, None)),  # so a pilot finds it
        (["style.strength_target=0.7", "style.style_weight=9"], (None, 9)),
        (["style.strength_target=0.7", "style.content_weight=2"], (2, 6)),
        (["style.strength_target=null"], (None, 6)),
    ],
)
def test_a_strength_that_is_typed_is_heeded_in_an_experiment_with_a_weight_of_its_own(
    more: list[str], weights: tuple[float | None, float | None]
) -> None:
    style = composed("style=monet", "experiment=minute", *more)["style"]
    assert (style["content_weight"], style["style_weight"]) == weights
