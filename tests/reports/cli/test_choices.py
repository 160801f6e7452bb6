"""The page of choices says what the code can do, and the package ships the concepts as the documents have them."""

from pathlib import Path

from perfmodel.model.families import FAMILIES
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import ADAPTERS, INITIALIZERS, PRUNING_METHODS, PRUNING_SCOPES
from reports.cli.choices import CONCEPTS, choices_page
from reports.cli.suite_keys import suite_page

DOCS = Path(__file__).parents[3] / "docs"


def test_every_choice_stands_in_the_table_with_its_source():
    rows = [line.split(" | ") for line in choices_page().splitlines() if line.startswith("| ")]
    assert {len(row) for row in rows} == {4}
    for choices in (PRUNING_METHODS, PRUNING_SCOPES, ADAPTERS, INITIALIZERS, FORMATS):
        for name, choice in choices.items():
            (row,) = [row for row in rows if row[1].strip("*") == name]
            assert row[3] == f"{choice.source} |"
    assert all(family in rows[-1][1] for family in FAMILIES)


def test_the_committed_files_are_those_of_this_code():
    assert (DOCS / "choices.md").read_text() == choices_page(), "run `make choices`"
    assert (DOCS / "suite.md").read_text() == suite_page(), "run `make choices`"
    assert (DOCS / "concepts.md").read_text() == CONCEPTS.read_text(), "run `make choices`"
