"""Sentences that people say to a smart home, written as templates, and the intent of each."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, final

from datasets_cache.tasks.examples import hash_rank
from datasets_cache.tasks.sources.package_text import AbstractPackageText, Package
from datasets_cache.tasks.sources.task_source import Drawn
from perfmodel.errors import CorruptFileError
from perfmodel.files.optional import needs_extra

PACKAGE: Final = Package(
    name="PyPI home-assistant-intents",
    version="2026.11.25",
    file_name="home_assistant_intents-2026.11.25-py3-none-any.whl",
    sha256="1eaf08165e1adfb1ca8a836081a46fd97433ed620ba32cba71972e35575140a5",
    command="pip download --no-deps home-assistant-intents==2026.11.25",
    licence="Apache-2.0",
    licence_file="LICENCE-home-assistant-intents.txt",
    attribution="Intents for Home Assistant, copyright the Home Assistant authors",
)

MEMBER = "home_assistant_intents/data/en.json"

FILLED: Final[Mapping[str, Sequence[str]]] = {
    "area": ("kitchen", "bedroom", "living room", "garage", "office", "bathroom", "hallway", "attic"),
    "floor": ("ground", "first", "second", "top"),
    "name": ("ceiling lamp", "desk fan", "front door", "heater", "radio", "shopping", "robot", "garden gate"),
}
"""What a home names itself: the package leaves these lists empty."""

EXPANSIONS = 40
"""Of each template."""

INTENTS = 12
"""Those with most different sentences: with all 28 of 60 or more, 192 examples teach little but the intents' names."""

_ENDS_A_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")

Choose = Callable[[int], int]


@final
@dataclass(frozen=True)
class HomeIntents(AbstractPackageText):
    """A sentence as the question, the name of its intent in plain words as the answer.

    Args:
        expansions: of each template, 1 or more.
    """

    package: Package = PACKAGE
    balanced: bool = True
    expansions: int = EXPANSIONS
    rule: str = (
        f"en.json, {EXPANSIONS} expansions of each template, every choice by its hash; without templates that take free"
        " text; area, floor and name are filled from"
        f" {', '.join(each for words in FILLED.values() for each in words)}; the {INTENTS} intents of most different"
        " sentences, every intent equally often"
    )

    def rows(self, file: Path) -> Iterator[Drawn]:
        """Returns every sentence that the rule admits; its index counts the expansions of all templates."""
        try:
            with zipfile.ZipFile(file) as archive:
                content = json.loads(archive.read(MEMBER))
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise CorruptFileError(
                f"{file} cannot be read ({error})", f"a wheel that holds {MEMBER}", "fetch it again"
            ) from error
        found: dict[str, list[Drawn]] = {}
        templates, index = _Templates(content), count()
        for intent, sentences in templates.by_intent().items():
            answer = _ENDS_A_WORD.sub(" ", intent.removeprefix("Hass")).lower()
            texts = (templates.expanded(each, number) for each in sentences for number in range(self.expansions))
            found[answer] = [Drawn(next(index), f"Intent of the sentence: {text}", answer) for text in texts]
        sizes = {answer: len({row.question for row in rows}) for answer, rows in found.items()}
        for answer in sorted(sizes, key=lambda each: (-sizes[each], each))[:INTENTS]:
            yield from found[answer]


class _Templates:
    """The templates of one language.

    Args:
        content: of its file.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._parsed: dict[str, Any] = {}

    def by_intent(self) -> dict[str, list[str]]:
        """Returns the templates without free text of each intent."""
        return {
            intent: [text for block in entry["data"] for text in block["sentences"] if not self._is_free(text)]
            for intent, entry in self._content["intents"].items()
        }

    def expanded(self, template: str, number: int) -> str:
        """Returns one expansion of a template.

        Args:
            template: as the package holds it.
            number: of the expansion, 0 or more: which choices are taken.
        """
        taken = 0

        def choose(count: int) -> int:
            nonlocal taken
            taken += 1
            return int(hash_rank(f"{template} {taken}", seed=number), 16) % count

        return " ".join(self._text(self._parse(template), choose).split())

    def _is_free(self, template: str) -> bool:
        names = re.findall(r"\{([a-z_]+)", template)
        rules = re.findall(r"<([a-z_]+)>", template)
        return any("wildcard" in self._content["lists"].get(name, ()) for name in names) or any(
            self._is_free(self._content["expansion_rules"][rule]) for rule in rules
        )

    def _parse(self, template: str) -> Any:
        with needs_extra("tasks"):
            from hassil.parse_expression import parse_sentence
        if template not in self._parsed:
            self._parsed[template] = parse_sentence(template).expression
        return self._parsed[template]

    def _text(self, part: Any, choose: Choose) -> str:
        """Returns the text of a part of a template; kinds of parts go by hassil's names of their classes."""
        kind = type(part).__name__
        if kind == "TextChunk":
            return str(part.original_text)
        if kind == "ListReference":
            return self._of_list(part.list_name, choose)
        if kind == "RuleReference":
            return self._text(self._parse(self._content["expansion_rules"][part.rule_name]), choose)
        if kind == "Alternative":
            return self._text(part.items[choose(len(part.items))], choose)
        items = list(part.items)
        if kind == "Permutation":
            items = [items.pop(choose(len(items))) for _ in part.items]
        return "".join(self._text(item, choose) for item in items)

    def _of_list(self, name: str, choose: Choose) -> str:
        if name in FILLED:
            return FILLED[name][choose(len(FILLED[name]))]
        entry = self._content["lists"][name]
        if "range" in entry:
            spread = range(entry["range"]["from"], entry["range"]["to"] + 1, entry["range"].get("step", 1))
            return str(spread[choose(len(spread))])
        value = entry["values"][choose(len(entry["values"]))]
        return self._text(self._parse(value if isinstance(value, str) else value["in"]), choose)
