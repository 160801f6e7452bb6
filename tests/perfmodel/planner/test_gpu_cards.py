"""The table of cards: found by any spelling, refused with those that are called alike."""

import pytest

from perfmodel.errors import UnknownNameError
from perfmodel.planner.gpu_cards import GIB, cards, find_card


def test_every_card_has_less_than_its_box_says_and_a_source():
    nominal = {"RTX 3080 10GB": 10, "T4": 16, "RTX A4000": 16, "A10": 24, "RTX 4090": 24, "A30": 24, "RTX 3090": 24}
    nominal |= {"A100 40GB": 40, "L40": 48, "RTX 6000 Ada": 48, "H100 80GB": 80, "A100 80GB": 80}

    assert {name: -(-card.memory_bytes // GIB) <= nominal[name] for name, card in cards().items()} == dict.fromkeys(
        nominal, True
    )
    assert all(0.9 * nominal[name] * GIB < card.memory_bytes < nominal[name] * GIB for name, card in cards().items())
    assert all(card.source.startswith("github.com/") for card in cards().values())
    assert list(cards()) == sorted(cards(), key=lambda name: cards()[name].memory_bytes)


@pytest.mark.parametrize("name", ["RTX-4090", "rtx4090", "NVIDIA GeForce RTX 4090", "4090"])
def test_a_card_is_found_by_any_spelling(name):
    assert find_card(name).name == "RTX 4090"


@pytest.mark.parametrize(
    ("name", "close"),
    [("RTX 4080", "RTX 4090"), ("A100", "A100 80GB"), ("h10", "H100 80GB"), ("L4", "L40"), ("A40", "RTX A4000")],
)
def test_an_unknown_or_ambiguous_card_names_those_called_alike(name, close):
    with pytest.raises(UnknownNameError, match="did you mean") as caught:
        find_card(name)
    assert close in caught.value.action
    assert "--budget" in caught.value.action


def test_a_name_like_none_gets_no_guess():
    with pytest.raises(UnknownNameError) as caught:
        find_card("")
    assert "did you mean" not in caught.value.action
