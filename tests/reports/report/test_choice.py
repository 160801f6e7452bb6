"""Which measured configuration is recommended, and which stand on the cards."""

import math

import pytest

from reports.report.choice import Choices, Noise, choices

NOISE = Noise(0.02, True, 9)


def row(name, loss, memory, n=1, role="front"):
    return {
        "name": name,
        "role": role,
        "measured": {
            "held_out_loss": {"value": loss, "n": n},
            "peak_memory_bytes": {"value": memory, "n": n},
        },
    }


ROWS = [
    row("A", 1.20, 200e6, 3),
    row("B", 0.61, 300e6, 3),
    row("C", 0.60, 400e6, 3),
    row("16-bit LoRA", 0.60, 600e6, role="reference"),
    row("QLoRA", 0.80, 350e6, role="reference"),
    row("failed", None, None, 0),
]


def chosen(rows=ROWS, noise=NOISE, blind=1.25, **budget):
    return choices(rows, noise, budget, blind)


def test_the_smallest_within_noise_of_the_best_is_recommended():
    assert chosen() == Choices("B", "B", "B", "A")


def test_without_noise_only_the_best_itself_counts():
    assert chosen(noise=Noise()).recommended == "C"


def test_a_budget_is_held_by_what_was_measured():
    assert chosen(peak_memory_bytes=250e6).recommended == "A"
    assert chosen(peak_memory_bytes=100e6) == Choices(None, "B", None, "A")


def test_more_runs_tell_smaller_differences_apart():
    rows = [row("small", 0.62, 100e6), row("large", 0.60, 200e6)]
    many = [row("small", 0.62, 100e6, 90), row("large", 0.60, 200e6, 90)]

    assert (chosen(rows).recommended, chosen(many).recommended) == ("small", "large")


def test_what_still_works_is_clearly_below_a_question_blind_answer():
    assert chosen(blind=1.21).least == "B"  # 1.20 of three runs is not clearly below
    assert chosen(blind=0.5).least is None
    assert chosen(blind=None).least is None


def test_without_the_reference_nothing_is_as_good_as_it():
    assert chosen([each for each in ROWS if each["name"] != "16-bit LoRA"]).as_good is None


def test_nothing_measured_recommends_nothing():
    assert chosen(ROWS[-1:]) == Choices(None, None, None, None)


@pytest.mark.parametrize(("log", "expected"), [(True, 2.0 * math.exp(0.02)), (False, 2.02)])
def test_noise_is_of_the_loss_or_of_its_logarithm(log, expected):
    assert Noise(0.04, log, 3).added(2.0, 4, 1.0) == pytest.approx(expected)


def test_noise_of_another_metric_says_nothing_of_the_loss():
    effects = {"metric": "accuracy", "log": False, "noise": {"std": {"value": 0.1}, "repeats": 4}}

    assert Noise.of_effects(effects) == Noise.of_effects(None) == Noise()
    assert Noise.of_effects(effects | {"metric": "held_out_loss"}) == Noise(0.1, False, 4)


def test_where_a_fit_knows_no_noise_the_validated_runs_tell_it():
    """Two configurations with three and two runs: three runs beyond the first, log losses 0.1 and 0.2 apart."""
    rows = [row("A", 1.0, 200e6, 3), row("B", 2.0, 300e6, 2), row("failed", None, None, 0)]
    rows[0]["measured"]["held_out_loss"]["values"] = [math.exp(each) for each in (-0.1, 0.0, 0.1)]
    rows[1]["measured"]["held_out_loss"]["values"] = [math.exp(each) for each in (0.6, 0.8)]

    found = Noise.of(None, rows)
    assert (found.std, found.log, found.repeats) == (pytest.approx(math.sqrt(0.04 / 3)), True, 3)
    assert Noise.of(None, rows[:1]) == Noise.of(None, rows[2:]) == Noise()
    effects = {"metric": "held_out_loss", "log": False, "noise": {"std": {"value": 0.1}, "repeats": 4}}
    assert Noise.of(effects, rows) == Noise(0.1, False, 4)
