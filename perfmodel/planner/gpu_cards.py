"""GPU cards by name: the memory that a process really finds on them, who reported it, and what they compute in."""

from dataclasses import dataclass
from pathlib import Path

from perfmodel.errors import UnknownNameError, did_you_mean, unknown_name
from perfmodel.files.json_file import read_json

CARDS_FILE = Path(__file__).with_name("cards.json")

GIB = 2**30

BFLOAT16_FROM = 8.0
"""Compute capability from which a card multiplies in bfloat16. Source: CUDA C++ Programming Guide, features."""


@dataclass(frozen=True)
class Card:
    """One GPU.

    Args:
        name: name of the card, as in ``cards``.
        memory_bytes: total capacity as PyTorch reports it, less than the nominal one.
        capability: NVIDIA's compute capability, such as 8.9.
        source: public report that shows the memory.
        aliases: other names that stand for this very card.
    """

    name: str
    memory_bytes: int
    capability: float
    source: str
    aliases: tuple[str, ...] = ()

    @property
    def bfloat16(self) -> bool:
        """Whether it multiplies in bfloat16; a card that does not is trained in float16."""
        return self.capability >= BFLOAT16_FROM


def cards() -> dict[str, Card]:
    """Returns the known cards by name, smallest memory first."""
    listed = read_json(CARDS_FILE)["cards"]
    made = [
        Card(
            entry["name"],
            int(entry["memory_gib"] * GIB),
            entry["capability"],
            entry["source"],
            tuple(entry.get("aliases", ())),
        )
        for entry in listed
    ]
    return {card.name: card for card in sorted(made, key=lambda card: card.memory_bytes)}


def find_card(name: str) -> Card:
    """Returns the card of a whole name or an alias; case, spaces, hyphens and NVIDIA, GeForce and RTX do not matter.

    Raises:
        UnknownNameError: when no card is called so, also where the name is a part of several; it names those.
    """
    known = cards()
    by_plain = {_plain(each): card for card in known.values() for each in (card.name, *card.aliases)}
    without_rtx = {plain.removeprefix("rtx"): card for plain, card in by_plain.items()}
    found = by_plain.get(_plain(name)) or without_rtx.get(_plain(name))
    if found is not None:
        return found
    alike = [card.name for plain, card in by_plain.items() if _plain(name) and _plain(name) in plain]
    unknown = unknown_name("card", name, known)
    close = did_you_mean(name, dict.fromkeys(alike) or known, "use one of these names", most=3)
    raise UnknownNameError(unknown.given, unknown.allowed, f"{close}, or give its memory with --budget")


def _plain(name: str) -> str:
    words = name.lower().replace("-", " ").replace("_", " ").replace("nvidia", " ").replace("geforce", " ")
    return "".join(words.split())
