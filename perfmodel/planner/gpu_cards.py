"""GPU cards by name, with the memory that a process really finds on them and where that figure was reported."""

import json
from dataclasses import dataclass
from pathlib import Path

from perfmodel.errors import UnknownNameError, did_you_mean, unknown_name

CARDS_FILE = Path(__file__).with_name("cards.json")

GIB = 2**30


@dataclass(frozen=True)
class Card:
    """One GPU.

    Args:
        name: name of the card, as in ``cards``.
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
    """Returns the card of a whole name; case, spaces, hyphens and the words NVIDIA, GeForce and RTX do not matter.

    Raises:
        UnknownNameError: when no card is called so; it names those that are called alike.
    """
    known = cards()
    by_plain = {_plain(card): card for card in known}
    without_rtx = {plain.removeprefix("rtx"): plain for plain in by_plain if plain.removeprefix("rtx")[0].isdigit()}
    if _plain(name) in without_rtx:  # "4090"; "A4000" is another card's beginning
        return known[by_plain[without_rtx[_plain(name)]]]
    if _plain(name) in by_plain:
        return known[by_plain[_plain(name)]]
    alike = {plain: card for plain, card in by_plain.items() if _plain(name) and _plain(name) in plain}
    found = unknown_name("card", name, known)
    close = did_you_mean(_plain(name), alike.values() or known, "use one of these names", most=3)
    raise UnknownNameError(found.given, found.allowed, f"{close}, or give its memory with --budget")


def _plain(name: str) -> str:
    words = name.lower().replace("-", " ").replace("_", " ").replace("nvidia", " ").replace("geforce", " ")
    return "".join(words.split())
