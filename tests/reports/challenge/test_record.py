"""A challenge keeps to its limits, pairs its seeds, and tells what came of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collectors.executors import InlineExecutor
from perfmodel.errors import InvalidSuiteError, UnknownNameError
from perfmodel.space.space import Configuration
from reports.challenge.command import challenge_command
from reports.challenge.page import challenge_page
from reports.challenge.record import AT_LOSS, AT_PEAK, AT_PEAK_AND_WEIGHTS, Reference, chosen_of, references_named
from reports.challenge.record import REFERENCES as PUBLISHED
from reports.challenge.tables import outcome, paired, share_of_memory
from reports.pages.markdown import markdown
from reports.run.run import Run
from reports.run.suite import parse_suite
from search.comparison.optima import bits_with_ranks

REFERENCES = (Reference("uniform 4 bits", 4, 8, 0.0, AT_PEAK), Reference("16 bits", 16, 8, 0.0, AT_LOSS))


def runs(losses, peak=100, weights=50, adapters=10):
    return [
        {
            "seed": seed,
            "status": "ok",
            "held_out_loss": loss,
            "peak_memory_bytes": peak,
            "weight_bytes": weights,
            "adapter_bytes": adapters,
        }
        for seed, loss in enumerate(losses)
    ]


def duel(reference, challenger, held=AT_PEAK_AND_WEIGHTS):
    found = Configuration.uniform(2, bits=4, rank=8).to_dict()
    return {
        "reference": "uniform",
        "held": list(held),
        "uniform": found,
        "challenger": found,
        "reference_runs": reference,
        "challenger_runs": challenger,
    }


def test_differences_are_paired_by_seed():
    record = duel(runs([1.0, 2.0, 3.0]), runs([0.9, 1.9, 2.9]))
    found = paired(record, "held_out_loss")
    # The seeds differ by 1 and the challenger from each by exactly 0.1: unpaired, nothing would show.
    assert found.value == pytest.approx(-0.1) and found.high < -0.0999
    assert outcome(record) == "better, at no more peak and weights"


def test_the_interval_is_students():
    found = paired(duel(runs([1.0, 1.0, 1.0]), runs([0.9, 1.0, 1.1])), "held_out_loss")
    assert found.value == pytest.approx(0.0)
    assert found.high == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("reference", "challenger", "held", "said"),
    [
        (runs([1.0, 1.1, 1.2]), runs([1.1, 1.0, 1.2]), AT_PEAK_AND_WEIGHTS, "no difference beyond noise"),
        (runs([1.0, 1.1, 1.2]), runs([1.1, 1.0, 1.2], peak=60), AT_LOSS, "no difference beyond noise, with less peak"),
        (runs([1.0, 1.1, 1.2]), runs([2.0, 2.1, 2.2]), AT_PEAK_AND_WEIGHTS, "worse"),
        (runs([1.0, 1.1, 1.2]), runs([0.5, 0.6, 0.7], peak=101), AT_PEAK_AND_WEIGHTS, "needs more peak memory bytes than the uniform choice"),
        (runs([1.0, 1.1, 1.2]), runs([0.5, 0.6, 0.7], adapters=20), AT_LOSS, "better, with less peak"),
        (runs([1.0]), runs([0.5]), AT_PEAK_AND_WEIGHTS, "too few runs ended well"),
    ],
)  # fmt: skip
def test_outcomes_in_words(reference, challenger, held, said):
    assert outcome(duel(reference, challenger, held)) == said


def test_a_failed_run_leaves_its_pair_out():
    failed = [{**runs([0.0])[0], "status": "oom", "held_out_loss": None, "peak_memory_bytes": None}]
    record = duel(runs([1.0, 2.0, 3.0]), [*failed, *runs([0.0, 1.5, 2.5])[1:]])
    assert paired(record, "held_out_loss").value == pytest.approx(-0.5)
    assert share_of_memory(record, "peak_memory_bytes") == 1.0


def test_bits_that_follow_ranks():
    assert bits_with_ranks([2, 4, 8], [0, 8, 64]) == pytest.approx(1.0)
    assert bits_with_ranks([2, 4, 8], [8, 8, 8]) is None


@pytest.fixture
def challenged(suite_values: dict[str, Any], tmp_path: Path, fake_runner: Callable[..., Any]) -> tuple[Run, Any]:
    made = fake_runner()
    run = Run(parse_suite(suite_values), tmp_path, "bench", lambda _: None, lambda _: InlineExecutor(made))
    return run, made


def challenge(run, **changes):
    options = {"seeds": (201, 202, 203), "screen_seed": 200, "rounds": 2, "tries": 1000, "references": REFERENCES}
    return challenge_command(run, **{**options, **changes})


def test_a_whole_challenge(challenged):
    run, made = challenged
    page = challenge(run)
    record = json.loads(page.with_suffix(".json").read_text())
    kept = json.loads((run.folder / "challenge" / "rounds.json").read_text())
    at_memory, at_loss = record["duels"]
    trials = len(made.asked)

    assert markdown(challenge_page(record)) == page.with_suffix(".md").read_text()
    assert [run["seed"] for run in at_memory["challenger_runs"]] == [201, 202, 203]
    assert {run["seed"] for each in record["duels"] for run in each["screened"]} == {200}
    assert at_memory["challenger"] in [of_round[0] for of_round in kept["rounds"]]
    assert all(len({*each["bits"]}) == len({*each["ranks"]}) == 1 for each in kept["rounds"][0])  # a uniform one first
    assert kept["rounds"][0][0] != kept["rounds"][1][0]  # what was met is not proposed again
    pairs = zip(at_loss["challenger_runs"], at_loss["reference_runs"], strict=True)
    assert all(own["peak_memory_bytes"] < uniform["peak_memory_bytes"] for own, uniform in pairs)
    assert {asked.source for asked in made.asked if asked.seed >= 200} == {"challenge"}
    challenge(run)
    assert len(made.asked) == trials  # what was measured is not run again


def test_seeds_that_training_saw_are_refused(challenged):
    with pytest.raises(InvalidSuiteError, match="seeds 1, 2"):
        challenge(challenged[0], seeds=(1, 2))
    with pytest.raises(InvalidSuiteError, match="200 to choose by"):
        challenge(challenged[0], seeds=(200, 201))


def test_a_space_without_the_uniform_choices_is_refused(challenged):
    with pytest.raises(InvalidSuiteError, match="uniform choices"):
        challenge(challenged[0], references=(Reference("uniform 3 bits", 3, 8, 0.0, AT_PEAK),))


def test_uniform_choices_are_taken_by_name():
    assert references_named(()) == PUBLISHED
    assert references_named(["uniform 2 bits", "uniform 4 bits, pruned by 0.3"]) == PUBLISHED[2:6]
    with pytest.raises(UnknownNameError, match=r"'uniform 5 bits' is unknown; they are uniform 3 bits; uniform 2"):
        references_named(["uniform 5 bits"])


def test_least_peak_goes_on_among_those_as_good_as_the_limit(fake_runner):
    from perfmodel.space.recipe import Recipe
    from perfmodel.traces.trace import Asked, Setting

    made = fake_runner()
    setting = Setting("model", "m" * 64, "task", "t" * 64, Recipe(steps=4, curve_points=1), "cpu")

    def trace(loss, peak, bits):
        found = made(Asked(setting, Configuration.uniform(8, bits=bits, rank=8), 0, "challenge"))
        return replace(found, measured=replace(found.measured, held_out_loss=loss, peak_memory_bytes=peak))

    screened = [trace(1.0, 90, 2), trace(0.9, 100, 4), trace(1.5, 10, 8)]
    assert set(chosen_of(screened, trace(1.1, 200, 16)).bits) == {2}
    assert set(chosen_of(screened, None).bits) == {4}
    assert set(chosen_of(screened, trace(0.5, 200, 16)).bits) == {4}
    assert chosen_of([], None) is None
