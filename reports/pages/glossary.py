"""The words of ``docs/concepts.md``, each with the sentence that explains it."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

_SOURCE = Path(__file__).parent / "templates" / "concepts.md"
"""The copy of ``docs/concepts.md`` that is shipped; ``make choices`` makes it."""


@cache
def glossary() -> dict[str, str]:
    """Returns each word in small letters with the first paragraph below its heading, as plain text."""
    found: dict[str, str] = {}
    for part in re.split(r"^## ", _SOURCE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        word, _, rest = part.partition("\n")
        paragraph = " ".join(rest.strip().split("\n\n")[0].split())
        found[word.strip().lower()] = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    return found


class Terms:
    """Marks technical words in the text of one page, each word once a section.

    Args:
        explanations: by word, in small letters.
    """

    def __init__(self, explanations: Mapping[str, str]) -> None:
        self._explanations = explanations
        words = "|".join(re.escape(word) for word in sorted(explanations, key=len, reverse=True))
        self._pattern = re.compile(rf"\b({words})(s?)\b" if words else r"(?!)", re.IGNORECASE)
        self._seen: set[tuple[str, str]] = set()

    def marked(self, text: str, place: str = "") -> Markup:
        """Returns text as HTML, in which words that are met first in their place carry their explanation.

        Args:
            text: plain.
            place: section of the page; a word is marked once in each.
        """
        parts, end = [], 0
        for match in self._pattern.finditer(text):
            word = match[1].lower()
            if (place, word) in self._seen:
                continue
            self._seen.add((place, word))
            explanation = self._explanations[word]
            parts += [
                escape(text[end : match.start()]),
                Markup('<span class="term" tabindex="0" data-tip="{}" aria-label="{}: {}">{}</span>').format(
                    explanation, match[0], explanation, match[0]
                ),
            ]
            end = match.end()
        return Markup("").join([*parts, escape(text[end:])])
