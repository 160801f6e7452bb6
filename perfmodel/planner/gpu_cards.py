"""GPU cards by name, with the memory that a process really finds on them and where that figure was reported."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

from perfmodel.errors import UnknownNameError

CARDS_FILE = Path(__file__).with_name("cards.json")

GIB = 2**30


@dataclass(frozen=True)
class Card:
    """One GPU.

    Args:
        name: as in ``cards``.
        memory_bytes: total capacity as PyTorch reports it, less than the nominal one.
        source: public report that shows the figure.
    """

    name: str
    memory_bytes: int
    source: str


def cards() -> dict[str, Card]:
    """Returns the known cards by name, smallest memory first."""
    listed = json.loads(CARDS_FILE.read_text(encoding="utf-8"))["cards"]
    made = [Card(entry["name"], int(entry["memory_gib"] * GIB), entry["source"]) for entry in listed]
    return {card.name: card for card in sorted(made, key=lambda card: card.memory_bytes)}


def find_card(name: str) -> Card:
    """Returns the card of a name; case, spaces, hyphens and the words NVIDIA and GeForce do not matter.

    Raises:
        UnknownNameError: when no card is called so; it names those that are called alike.
    """
    known = cards()
    by_plain = {_plain(card): card for card in known}
    if _plain(name) in by_plain:
        return known[by_plain[_plain(name)]]
    alike = {plain: card for plain, card in by_plain.items() if _plain(name) and _plain(name) in plain}
    if len(alike) == 1:
        return known[next(iter(alike.values()))]
    close = list(alike) or difflib.get_close_matches(_plain(name), by_plain, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(by_plain[plain] for plain in close)}? " if close else ""
    raise UnknownNameError(
        f"there is no card {name!r} in the table",
        f"cards are {', '.join(known)}",
        f"{hint}or give its memory with --budget",
    )


def _plain(name: str) -> str:
    words = name.lower().replace("-", " ").replace("_", " ").replace("nvidia", " ").replace("geforce", " ")
    return "".join(words.split())
