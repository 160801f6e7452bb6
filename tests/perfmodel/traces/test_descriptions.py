"""Every column's meaning comes from the docstring of the class that holds it."""

from inspect import cleandoc

from perfmodel.traces.columns import COLUMNS
from perfmodel.traces.descriptions import column_descriptions, documented_arguments


def test_every_column_is_described_in_order():
    descriptions = column_descriptions()

    assert list(descriptions) == list(COLUMNS)
    assert descriptions["held_out_loss"] == (
        "Held out loss: mean over held-out answer tokens after the last step, nats."
    )
    assert descriptions["ranks"].startswith("Ranks: LoRA rank of each unit, 0 for no adapter there")
    assert all(text.endswith(".") and "``" not in text and "\n" not in text for text in descriptions.values())


def test_an_argument_may_take_several_lines_and_other_sections_are_left_out():
    docstring = """Returns something.

    A line: that is no argument.

    Args:
        one: first
            and second line.
        two: another.

    Raises:
        three: no argument.
    """
    assert documented_arguments(cleandoc(docstring)) == {
        "one": "first and second line.",
        "two": "another.",
    }
    assert documented_arguments("No section.") == {}
