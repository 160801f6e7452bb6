"""The planner: what fits really does, what is best comes first, and how far it grows is the very last that fits."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import peak_interval, training_memory
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.planner.largest import largest_within
from perfmodel.planner.planner import LARGEST_BATCH, make_plan
from perfmodel.planner.question import LEVEL, Question, with_batch, with_length
from perfmodel.space.recipe import Recipe
from perfmodel.timing.device_profiles import shipped_profiles

SMALL = Architecture.from_config(
    {
        "model_type": "llama",
        "hidden_size": 512,
        "vocab_size": 32000,
        "num_hidden_layers": 16,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "intermediate_size": 2048,
    }
)
GIB = 2**30


def question(budget=2 * GIB, **changes):
    return Question(SMALL, Recipe(), BatchLoad(4, 128, 64), int(budget), longest=4096, **changes)


def high(asked, configuration, load):
    memory = training_memory(asked.architecture, configuration, asked.recipe, load, device_class=asked.device_class)
    beside = memory.reserved - memory.allocated
    return peak_interval(memory, level=LEVEL, device_class=asked.device_class)[1] + beside


def test_every_choice_fits_and_none_takes_as_much_as_a_better_one():
    asked = question(1.2 * GIB)
    plan = make_plan(asked)

    assert plan.fits and len(plan.choices) > 2
    assert all(choice.low <= choice.peak_bytes <= choice.high <= asked.budget_bytes for choice in plan.choices)
    assert all(choice.high == int(high(asked, choice.configuration, asked.load)) for choice in plan.choices)
    assert [choice.changed for choice in plan.choices] == sorted(choice.changed for choice in plan.choices)
    assert [choice.high for choice in plan.choices] == sorted((choice.high for choice in plan.choices), reverse=True)
    assert plan.ranked_by == "changed weights" and plan.predicted_for == ""
    assert plan.candidates == 5 * 6 * 6
    assert {choice.coverage for choice in plan.choices} == {"outside"}


def test_with_room_enough_the_best_is_whole_at_sixteen_bits_and_the_highest_rank():
    best = make_plan(question(80 * GIB)).choices[0].configuration

    assert (best.bits[0], best.ranks[0], best.pruning_rate) == (16, 64, 0.0)


def test_the_best_choice_is_the_first_of_its_order_that_fits():
    """Just below what 16 bits need, 8 bits come first; below what rank 64 needs, rank 32."""
    asked = question()
    whole = make_plan(asked).choices[0]
    rank_64 = whole.high
    below = make_plan(replace(asked, budget_bytes=rank_64 - 1)).choices[0].configuration
    lowest = make_plan(replace(asked, ranks=(2,))).choices[0].high
    narrower = make_plan(replace(asked, budget_bytes=lowest - 1)).choices[0].configuration

    assert (below.bits[0], below.ranks[0]) == (16, 32)
    assert (narrower.bits[0], narrower.pruning_rate) == (8, 0.0)


@pytest.mark.parametrize("budget", [1.2, 1.5, 3.0])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_largest_batch_and_length_are_the_last_that_fit(budget, checkpointing):
    asked = replace(question(budget * GIB, rates=(0.0,)), recipe=Recipe(gradient_checkpointing=checkpointing))
    plan = make_plan(asked)
    configuration, batch, length = plan.described.configuration, plan.largest_batch, plan.largest_length

    assert batch >= asked.load.batch_size and length >= asked.load.length
    assert high(asked, configuration, with_batch(asked.load, batch)) <= asked.budget_bytes
    assert high(asked, configuration, with_length(asked.load, length)) <= asked.budget_bytes
    assert batch == LARGEST_BATCH or high(asked, configuration, with_batch(asked.load, batch + 1)) > asked.budget_bytes
    assert length == 4096 or high(asked, configuration, with_length(asked.load, length + 1)) > asked.budget_bytes


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 500),
    st.floats(0.001, 50),
    st.floats(0, 1e4),
    st.floats(0.5, 2),
    st.integers(1, 600),
    st.floats(0, 5e4),
)
def test_the_search_finds_what_looking_at_all_numbers_finds(limit, slope, start, bend, guess, budget):
    def peak(number):
        return start + slope * number**bend

    fitting = [number for number in range(1, limit + 1) if peak(number) <= budget]

    assert largest_within(peak, budget, (guess, peak(guess)), limit) == (max(fitting) if fitting else None)


def test_the_search_needs_few_looks_at_a_straight_line():
    looks = []

    def peak(number):
        looks.append(number)
        return 10**9 + 123_457 * number

    assert largest_within(peak, 10**9 + 123_457 * 70_000, (1024, 10**9 + 123_457 * 1024), 131_072) == 70_000
    assert len(looks) <= 4


def test_a_larger_budget_never_gives_a_worse_or_smaller_plan():
    budgets = [0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 3.0]
    plans = [make_plan(question(budget * GIB, rates=(0.0, 0.3))) for budget in budgets]
    best = [plan.choices[0].changed if plan.fits else float("inf") for plan in plans]

    assert best == sorted(best, reverse=True)
    assert best[0] > best[-1]


def test_where_nothing_fits_the_plan_says_what_is_least():
    asked = question(0.6 * GIB, bits=(16,), rates=(0.0,))
    empty = state_bytes(SMALL, make_plan(question(9 * GIB, bits=(16,), rates=(0.0,))).described.configuration).weights
    asked = replace(asked, budget_bytes=empty + 2**20)
    plan = make_plan(asked)

    assert not plan.fits
    assert plan.described is plan.smallest
    assert plan.smallest.high > asked.budget_bytes
    assert plan.smallest.configuration.ranks[0] == min(asked.ranks)
    assert make_plan(replace(asked, budget_bytes=plan.smallest.high)).fits


def test_a_budget_below_the_empty_model_is_refused_with_the_least_that_is_needed():
    with pytest.raises(InfeasibleBudgetError, match=r"below the empty model.*GiB or more") as caught:
        make_plan(question(0.01 * GIB))
    assert "2 bits and pruning 0.5" in caught.value.allowed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"load": BatchLoad(0, 8, 0)}, "batch is 0"),
        ({"load": BatchLoad(1, 0, 0)}, "length is 0"),
        ({"load": BatchLoad(2, 8, 17)}, "17 scored tokens"),
        ({"load": BatchLoad(2, 8, -1)}, "scored tokens"),
        ({"ranks": (0, 8)}, "ranks are"),
        ({"ranks": (1024,)}, "smallest side"),
        ({"bits": (5,)}, "space.bits"),
        ({"rates": (1.0,)}, "space.pruning_rates"),
        ({"bits": ()}, "space.bits"),
    ],
)
def test_questions_without_an_answer_are_refused(changes, message):
    with pytest.raises(InvalidConfigurationError, match=message):
        replace(question(), **changes)


def test_seconds_come_with_a_profile_only():
    with_profile = make_plan(question(), profile=shipped_profiles()["RTX 4090"])

    assert make_plan(question()).described.step is None
    assert all(choice.step.seconds > 0 and choice.step.lower_bound for choice in with_profile.choices)


def test_scaled_loads_keep_the_share_of_scored_tokens():
    load = BatchLoad(4, 128, 64)

    assert with_batch(load, 8) == BatchLoad(8, 128, 128)
    assert with_length(load, 64) == BatchLoad(4, 64, 32)
    assert with_batch(BatchLoad(3, 10, 1), 1) == BatchLoad(1, 10, 1)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 8), st.integers(1, 256), st.booleans(), st.sampled_from(("cpu", "cuda")))
def test_no_answer_is_negative_and_the_asked_batch_is_within_the_largest(batch, length, checkpointing, device_class):
    asked = Question(
        SMALL,
        Recipe(gradient_checkpointing=checkpointing),
        BatchLoad(batch, length, batch * length // 2),
        2 * GIB,
        device_class,
        rates=(0.0, 0.5),
    )
    plan = make_plan(asked, profile=None)
    for choice in plan.choices:
        assert min(choice.memory.terms().values()) >= 0
        assert 0 <= choice.low <= choice.high
    if plan.fits:
        assert plan.largest_batch >= batch
        assert plan.largest_length >= length
