"""The words of ``fst train`` as Hydra is to read them: names and paths mean what was typed."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from fst.assets import IMAGE_SUFFIXES
from fst.errors import InputError
from fst.styles.catalog import BASE, read_style, style_names
from fst.styles.names import LONGEST_NAME, UNSEEN, is_path, listed
from fst.styles.paintings import as_path
from fst.styles.predicted import ANY
from fst.styles.reproduce import quoted

NULLABLE = ("data.path", "data.val_path", "data.cache", "init", "resume",
            "paintings.path", "paintings.column", "paintings.cache",
            "style.title", "style.painter", "style.rights")  # fmt: skip

TEXTS = (
    *NULLABLE,
    "paintings.split",
    "style.name",
    "style.image",
    "loss.weights",
    "runs",
    "checkpoints",
)
"""Settings that name something: 2024 is a name, too, though Hydra reads it as a number. Of those in
``NULLABLE`` null is none; of the others it is a name as well."""

SETS = ("loss.style_layers", "loss.content_layers")
"""Settings whose value, given as a whole, is all there is: Hydra would add it to the default."""

SEVERAL = "_several"
"""The style file behind ``style=[…]``."""

_LAYERS = r"\w+(=[\d.]+)?(,\w+(=[\d.]+)?)*"

_SWEEPS = r"(choice|range|interval|glob|shuffle|sort|tag)\(.*\)"


def one_line(error: Exception) -> str:
    """What Hydra, or the reader of a file of settings, says in several lines."""
    if isinstance(error, UnicodeDecodeError):
        return "a configuration file is not UTF-8"
    text = str(error)
    for aside in ("Config search path", "See https://", "full_key:", "To append to your config"):
        text = text.partition(aside)[0]
    return " ".join(text.replace(":\n", ": ").split())


def key_of(word: str) -> str:
    """The setting, or the group, that a word gives."""
    return word.partition("=")[0].lstrip("+~")


def value_of(words: Iterable[str], key: str) -> str | None:
    """What the last word of that setting says, as it was typed; None where there is no such word.

    Quotes around it are Hydra's.
    """
    value = None
    for word in words:
        name, equals, said = word.partition("=")
        if equals and name.lstrip("+") == key:
            value = said[1:-1] if _in_quotes(said) else said
    return value


def hydras(words: Sequence[str], known: Collection[str], several: bool = False) -> list[str]:
    """All words, as Hydra reads them.

    Args:
        words: as they were typed.
        known: the settings there are; a reference to another one is a plain text.
        several: whether commas separate values (``-m``).

    Raises:
        InputError: a painting without a name of its own, or two paintings.
    """
    words = with_styles(words, several) or with_painting(words, several)
    words = [_styles_alone(word) if several else with_layers(word) for word in words]
    found = [part for word in words for part in replacing(word, words)]
    return [as_typed(word, several, known) for word in found]


def as_typed(word: str, several: bool = False, known: Collection[str] = ()) -> str:
    """A word of the command line as Hydra reads it.

    Args:
        word: ``SETTING=VALUE``, or a flag.
        several: whether a comma separates values (``-m``).
        known: the settings there are.
    """
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") not in TEXTS or value == "":
        return word
    if value == "null" and key.lstrip("+") in NULLABLE:
        return word
    if _in_quotes(value) or _refers(value, known) or (several and re.fullmatch(_SWEEPS, value)):
        return word
    values = value.split(",") if several and not _is_blend(value) else [value]
    return f"{key}={','.join(_text(part) for part in values)}"


def _styles_alone(word: str) -> str:
    """A pattern for the styles of a sweep, without what is no style among their files."""
    return re.sub(r"^style=glob\(([^(),]*)\)$", rf"style=glob(\1,exclude=[{ANY},_*])", word)


def _in_quotes(value: str) -> bool:
    return len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]


def _refers(value: str, known: Collection[str]) -> bool:
    """Whether a text names another setting, or one of Hydra's resolvers."""
    found = re.findall(r"\$\{([\w.]+)(:?)", value)
    return any(colon or name in known for name, colon in found)


def _is_blend(value: str) -> bool:
    return all("=" in part for part in value.split(","))


def _text(value: str) -> str:
    at_home = value == "~" or value.startswith("~/")  # a shell expands it after a space alone
    written = quoted(str(Path(value).expanduser()) if at_home else value)
    return written.replace("${", r"\${")


def replacing(word: str, words: Sequence[str]) -> list[str]:
    """A word, or two of them where its value takes the place of all that was there before.

    Args:
        word: ``SETTING=VALUE``.
        words: all words: the arguments of another net replace those of the usual one.
    """
    key, equals, value = word.partition("=")
    if key == "style.strength_target" and value != "null" and value_of(words, "experiment"):
        if not any(key_of(w).endswith(("content_weight", "style_weight")) for w in words):
            return [word, "style.style_weight=null"]  # a pilot finds it, not the experiment
    another = value_of(words, "net.name") not in (None, "johnson")
    sets = (*SETS, "net.arguments") if another else SETS
    if equals and key.lstrip("+") in sets and value[:1] == "{":
        return [f"~{key.lstrip('+')}", f"+{key.lstrip('+')}={value}"]
    return [word]


def with_layers(word: str) -> str:
    """``loss.style_layers=relu1_1,relu3_1=2`` as a mapping, which Hydra takes; others as they are.

    In a sweep, commas are its own.
    """
    key, equals, value = word.partition("=")
    known = equals and key.lstrip("+") in SETS and value != "null"
    if not known or not re.fullmatch(_LAYERS, value):
        return word
    pairs = [part.partition("=") for part in value.split(",")]
    return f"{key}={{{','.join(f'{layer}:{weight or 1}' for layer, _, weight in pairs)}}}"


def with_styles(words: Sequence[str], several: bool = False) -> list[str] | None:
    """The words, with ``style=[…]`` as a net of several styles; None where there is none.

    Raises:
        InputError: fewer than two styles, a painting besides, or a sweep (``several``) over lists.
    """
    entries = listed(value_of(words, "style") or "")
    if entries is None:
        return None
    if several:
        raise InputError("a sweep (-m) trains style after style: several in one net go without -m")
    if len(entries) < 2 or not all(entries):
        raise InputError("style=[…] names two styles or more, as style=[monet,my.jpg]; of one: "
                         f"style={next(filter(None, entries), 'NAME')}")  # fmt: skip
    if (image := value_of(words, "style.image")) is not None:
        raise InputError(f"style.image={image} is of one style: name the painting in style=[…]")
    rest = [word for word in words if key_of(word) != "style"]
    if value_of(words, "style.name") is None:
        name = "-".join(entry if entry in style_names() else own_name(entry) for entry in entries)
        if len(name) > LONGEST_NAME:
            raise InputError(f"a net of {len(entries)} styles needs a name: add style.name=…")
        rest.append(f"style.name={name}")
    return [*rest, f"style={SEVERAL}", f"styles=[{','.join(quoted(entry) for entry in entries)}]"]


def with_painting(words: Sequence[str], several: bool = False) -> list[str]:
    """The words, with ``style=PATH`` as a name and an image, and no style file.

    Args:
        words: as they were typed.
        several: whether commas separate values.

    Raises:
        InputError: two paintings, or one whose file's name can't be its own.
    """
    style, image = value_of(words, "style"), value_of(words, "style.image")
    given = value_of(words, "style.name")
    alone = style is None and image is not None and not several and not resumes(words)
    rest = [word for word in words if key_of(word) != "style.image" or word[0] == "~"]
    if style is not None and is_path(style):
        if several and "," in style:
            raise InputError("a sweep takes styles by name, not paintings: train one at a time")
        if image is not None:
            raise InputError(f"style={style} and style.image={image} name two paintings: give one")
        rest = [word for word in rest if key_of(word) != "style"]
        image, style, alone = style, None, True
    if image is None:
        return rest
    if alone:
        rest += ["~style", *([] if given else [f"style.name={own_name(image)}"])]
    if (several and "," in image) or "${" in image:
        return [*rest, f"style.image={image}"]
    usual = style in style_names() and image == read_style(str(style)).get("image") and not given
    return [*rest, f"style.image={image if usual else as_path(image)}"]


def resumes(words: Sequence[str]) -> bool:
    """Whether a run is to be resumed, which has a style of its own."""
    return value_of(words, "resume") not in (None, "", "null")


def own_name(painting: str) -> str:
    """The name of a style of the user's own: its painting's file name, as far as it can be one.

    Raises:
        InputError: nothing is left of it, or a style that comes with fst has it.
    """
    stem = "".join(c for c in Path(painting).stem if unicodedata.category(c) not in UNSEEN)
    name = re.sub(r"[\\=,]", "-", stem).strip().lstrip(".")[:LONGEST_NAME]
    if Path(name).suffix.lower() in (*IMAGE_SUFFIXES, ".safetensors", ".ckpt", ".pth", ".pt"):
        name = name.replace(".", "-")
    if not name:
        raise InputError(f"{painting} gives no name to a style: rename it, or add style.name=…")
    if name in (*style_names(), BASE, ANY):
        raise InputError(
            f"{painting} would be called {name}, as a style that comes with fst: rename the file, "
            f"or of a single style add style.name=my_{name}"
        )
    return name
