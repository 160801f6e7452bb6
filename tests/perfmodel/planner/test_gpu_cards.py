"""The table of cards: found by any spelling, refused with those that are called alike."""

import json

import pytest

from perfmodel.errors import UnknownNameError
from perfmodel.planner.gpu_cards import CARDS_FILE, GIB, cards, find_card


def test_every_card_has_less_than_its_box_says_a_source_and_names_of_its_own():
    nominal = {entry["name"]: entry["nominal_gb"] for entry in json.loads(CARDS_FILE.read_text())["cards"]}
    known = cards()

    assert len(known) >= 40 and set(known) == set(nominal)
    assert all(0.9 * nominal[name] * GIB < card.memory_bytes < nominal[name] * GIB for name, card in known.items())
    assert all(card.source.startswith("github.com/") and 6 <= card.capability <= 12 for card in known.values())
    assert list(known) == sorted(known, key=lambda name: known[name].memory_bytes)
    assert all(find_card(each) == card for card in known.values() for each in (card.name, *card.aliases))


def test_bfloat16_comes_with_ampere():
    assert {name: find_card(name).bfloat16 for name in ("T4", "V100 32GB", "RTX 2080 Ti", "A100 80GB", "L4")} == {
        "T4": False,
        "V100 32GB": False,
        "RTX 2080 Ti": False,
        "A100 80GB": True,
        "L4": True,
    }


@pytest.mark.parametrize("name", ["RTX-4090", "rtx4090", "NVIDIA GeForce RTX 4090", "4090"])
def test_a_card_is_found_by_any_spelling(name):
    assert find_card(name).name == "RTX 4090"


@pytest.mark.parametrize(
    ("name", "close"),
    [("RTX 4099", "RTX 4090"), ("A100", "A100 80GB"), ("h10", "H100 80GB"), ("RTX 3080", "RTX 3080 10GB")],
)
def test_an_unknown_or_ambiguous_card_names_those_called_alike(name, close):
    with pytest.raises(UnknownNameError, match="did you mean") as caught:
        find_card(name)
    assert close in caught.value.action
    assert "--budget" in caught.value.action


def test_a_card_whose_name_begins_another_s_is_itself():
    assert (find_card("L4").name, find_card("A40").name, find_card("a10").name) == ("L4", "A40", "A10")


def test_a_name_like_none_gets_no_guess():
    with pytest.raises(UnknownNameError) as caught:
        find_card("")
    assert "did you mean" not in caught.value.action
