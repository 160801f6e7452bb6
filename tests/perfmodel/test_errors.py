"""The tree of errors: what each carries, its exit code, and the picture of it in words."""

import pickle
import re

import pytest

from perfmodel import errors
from perfmodel.errors import InterruptedRunError, PerfModelError, UserError


def leaves():
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, PerfModelError) and kind not in (PerfModelError, UserError)
    ]


@pytest.mark.parametrize("kind", leaves())
def test_an_error_says_what_was_given_what_is_allowed_and_what_to_do(kind):
    error = kind("five bits", "2 or 4", "choose one")

    assert (error.given, error.allowed, error.action) == ("five bits", "2 or 4", "choose one")
    assert str(error) == "five bits; 2 or 4; choose one"


@pytest.mark.parametrize("kind", leaves())
def test_an_error_survives_the_pipe_from_a_worker(kind):
    sent = pickle.loads(pickle.dumps(kind("a", "b", "c")))

    assert type(sent) is kind
    assert str(sent) == "a; b; c"


@pytest.mark.parametrize("kind", leaves())
def test_exit_codes_tell_a_users_mistake_and_an_interrupt_from_the_rest(kind):
    assert kind.exit_code == (2 if issubclass(kind, UserError) else 130 if kind is InterruptedRunError else 1)


def test_an_error_needs_all_three_parts():
    with pytest.raises(TypeError):
        UserError("five bits", "2 or 4")


def test_the_tree_in_words_is_the_tree_in_code():
    below = re.split(r"── UserError.*\n", errors.__doc__)[1]
    drawn_under_user = set(re.findall(r"│   .── (\w+)", below))
    drawn_under_root = set(re.findall(r"^    .── (\w+)", below, flags=re.MULTILINE))

    assert drawn_under_user == {kind.__name__ for kind in leaves() if issubclass(kind, UserError)}
    assert drawn_under_root == {kind.__name__ for kind in leaves() if not issubclass(kind, UserError)}
