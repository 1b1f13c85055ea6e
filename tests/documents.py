"""What is in the documents: fences of code, commands, links; for ``test_documents.py``."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from support import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SHELLS = ("bash", "console", "sh", "shell")
PROGRAMS = ("fst ", "python ", "make ", "pip ", "torchrun ")

SHORT_TRAINING = [
    "loss.weights=slim", "loss.slim_share=null", "init=null", "precision=fp32", "logger=csv",
    "data.size=32", "weave_weight=0", "frame_weight=0", "stability_weight=0", "data.batch_size=1",
    "data.val_photos=1", "trainer.max_steps=2",
    "trainer.device=cpu", "net.arguments={width: 4, residual_blocks: 1}",
]  # fmt: skip
"""The slim network judges, since VGG-19 is not there."""


@dataclass(frozen=True)
class Fence:
    """A block of code in a document, and the line before it."""

    document: Path
    line: int
    language: str
    text: str
    before: str

    @property
    def name(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def shows_commands(self) -> bool:
        return self.language in SHELLS or (not self.language and self.text.startswith(PROGRAMS))

    @property
    def marker(self) -> tuple[str, list[str]] | None:
        """How the commands are tested, and further arguments of the short form."""
        found = re.fullmatch(r"<!-- test: (run|short|parse)(?:: (.*))? -->", self.before)
        return (found[1], shlex.split(found[2] or "")) if found else None

    @property
    def needs(self) -> str | None:
        """The package without which an example is not run: no extra of fst brings it."""
        found = re.fullmatch(r"<!-- test: needs (\w+) -->", self.before)
        return found[1] if found else None

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def fences(document: Path) -> Iterator[Fence]:
    """All of a document's."""
    lines = document.read_text(encoding="utf-8").splitlines()
    marks = [i for i, line in enumerate(lines) if line.startswith("```")]
    for first, last in zip(marks[::2], marks[1::2], strict=True):
        text = "\n".join(lines[first + 1 : last])
        yield Fence(document, first + 1, lines[first][3:].strip(), text, lines[first - 1].strip())


FENCES = [fence for document in DOCUMENTS for fence in fences(document)]


def prose(document: Path) -> str:
    """A document without its fences."""
    text = document.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def links(document: Path) -> list[str]:
    """Where a document's links and pictures lead, but for those to other hosts."""
    text = re.sub(r"`[^`]*`", "", prose(document))
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in to]


def anchors(document: Path) -> set[str]:
    """What ``#…`` can lead to in a document: its headings, as GitHub writes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def shortened(words: list[str]) -> list[str]:
    """A command of fst that takes a second; where a value is given twice, the last one counts."""
    command, rest = words[0], words[1:]
    if command == "train":
        photos = [] if "data=sample" in rest else ["data.path=photos"]
        if not any(word.startswith("data=") for word in rest):
            photos.append("data=folder")
        return [*words, *SHORT_TRAINING, *photos]
    if command in ("compare", "judge"):
        iterations = ["--iterations", "2"] if command == "compare" else []
        return [*words, "--size", "32", "--limit", "1", "--weights", "slim", *iterations]
    if command == "sheet":
        return [*words, "--size", "48"]
    if command == "study":
        iterations = [] if rest[0] in ("units", "features") else ["--iterations", "1"]
        return [*words, "--size", "32", "--weights", "slim", *iterations]
    if command == "stylize" and "--refine" in rest:
        return [*words, "--refine", "1", "--weights", "slim"]
    if command == "stylize" and ("optimize" in rest or "painting.jpg" in rest):
        return [*words, "--iterations", "2", "--weights", "slim"]
    if command == "stylize" and "1024" in rest:
        return [*words, "--size", "64"]
    return words


def first_of_sweep(words: list[str]) -> list[str]:
    """The settings of the first training of a sweep, without those of an extra's launcher."""
    settings = [word for word in words if word != "-m" and "submitit" not in word]
    return [
        f"{one.get_key_element()}={next(one.sweep_string_iterator())}"
        if one.is_sweep_override()
        else str(one.input_line)
        for one in OverridesParser.create().parse_overrides(settings)
    ]
