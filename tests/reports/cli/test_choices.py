"""The README's overview says what the code can do."""

from pathlib import Path

import pytest

from perfmodel.errors import UserError
from perfmodel.model.families import FAMILIES
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import ADAPTERS, INITIALIZERS, PRUNING_METHODS, PRUNING_SCOPES
from reports.cli.choices import BEGIN, END, choices_table, with_table

README = Path(__file__).parents[3] / "README.md"


def test_every_choice_stands_in_the_table_with_its_source():
    table = choices_table()
    for choices in (PRUNING_METHODS, PRUNING_SCOPES, ADAPTERS, INITIALIZERS, FORMATS):
        for name, choice in choices.items():
            rows = [line.split(" | ") for line in table.splitlines()[2:]]
            (row,) = [row for row in rows if row[1].strip("*") == name]
            assert row[3] == f"{choice.source} |"
    assert all(family in table for family in FAMILIES)


def test_every_row_has_four_cells():
    assert {line.replace("\\|", "").count("|") for line in choices_table().splitlines()} == {5}


def test_the_readme_has_the_table_of_this_code():
    assert with_table(README.read_text()) == README.read_text(), "run `make readme`"


def test_only_what_stands_between_the_comments_is_replaced():
    assert with_table(f"a\n{BEGIN}\nold\n{END}\nb") == f"a\n{BEGIN}\n{choices_table()}\n{END}\nb"
    with pytest.raises(UserError, match="no place for the table"):
        with_table("a")
