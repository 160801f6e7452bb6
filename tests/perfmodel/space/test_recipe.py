"""What a recipe refuses, and what it derives."""

import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.recipe import Recipe


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("steps", 0, "1 or more"),
        ("batch_size", 0, "1 or more"),
        ("max_length", -1, "1 or more"),
        ("eval_examples", 0, "1 or more"),
        ("curve_points", 0, "1 or more"),
        ("curve_points", 31, "at most steps=30"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate", float("nan"), "above 0"),
        ("alpha", 0.0, "above 0"),
        ("weight_decay", -0.1, "0 or more"),
        ("warmup_share", 1.0, r"in \[0, 1\)"),
        ("dropout", -0.1, r"in \[0, 1\)"),
        ("schedule", "step", "constant, linear, cosine"),
        ("alpha_rule", "thrice", "fixed, twice_rank"),
        ("schedule_steps", 29, "steps=30 or more"),
        ("train_examples", 0, "1 or more, or null"),
        ("optimizer", "sgd", "adamw, adamw_8bit"),
    ],
)
def test_an_illegal_value_is_named_with_what_is_allowed(name, value, allowed):
    with pytest.raises(InvalidConfigurationError, match=f"recipe.{name} is .*allowed is {allowed}"):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    ("steps", "points", "expected"),
    [(30, 3, (0, 7, 15, 30)), (24, 2, (0, 12, 24)), (1, 1, (0, 1)), (4, 4, (0, 1, 2, 4))],
)
def test_the_curve_is_measured_at_zero_at_halves_and_at_the_end(steps, points, expected):
    assert Recipe(steps=steps, curve_points=points).curve_steps() == expected


def test_alpha_is_fixed_by_default_and_follows_the_rank_on_request():
    assert [Recipe().scaling_alpha(rank) for rank in (2, 64)] == [16.0, 16.0]
    assert [Recipe(alpha_rule="twice_rank").scaling_alpha(rank) for rank in (2, 64)] == [4.0, 128.0]


def test_plain_values_make_the_same_recipe_again():
    recipe = Recipe(steps=7, curve_points=2, schedule="linear")

    assert Recipe(**recipe.to_dict()) == recipe


def test_a_whole_number_and_the_same_float_are_one_recipe():
    assert repr(Recipe(alpha=16, learning_rate=1)) == repr(Recipe(alpha=16.0, learning_rate=1.0))


def test_a_horizon_makes_stages_of_one_training():
    short, long = (Recipe(steps=steps, curve_points=1, schedule_steps=32) for steps in (8, 32))
    assert short.horizon == long.horizon == 32
    assert long == Recipe(steps=32, curve_points=1)
    assert short.identity() != Recipe(steps=8, curve_points=1).identity()


def test_a_later_field_at_its_default_does_not_enter_the_identity():
    assert not {"schedule_steps", "train_examples"} & set(Recipe().identity())
    assert Recipe(steps=8, curve_points=1, schedule_steps=32).identity()["schedule_steps"] == 32
    assert Recipe(train_examples=100).identity()["train_examples"] == 100
