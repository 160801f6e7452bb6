"""The challenges in docs/results say what the published traces measured."""

import json
from pathlib import Path

import pytest

from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from reports.challenge.page import challenge_page
from reports.challenge.record import SOURCE
from reports.pages.markdown import markdown
from search.knowledge_of import COSTS

RECORDS = sorted((Path(__file__).parents[3] / "docs" / "results").glob("challenge-*.json"))


@pytest.fixture(scope="module")
def traces():
    return {
        (trace.asked.setting.task, trace.asked.configuration.identifier, trace.asked.seed): trace
        for trace in load_shelf(newest_shelf()).traces
        if trace.asked.source == SOURCE
    }


def test_there_is_a_challenge():
    assert RECORDS


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_figure_is_a_published_trace(path, traces):
    record = json.loads(path.read_text())
    rows = [
        row
        for duel in record["duels"]
        for row in (*duel["screened"], *duel["reference_runs"], *duel["challenger_runs"])
    ]
    assert len(rows) > 20
    for row in rows:
        measured = traces[record["task"], row["configuration"], row["seed"]].measured
        assert [row[name] for name in ("held_out_loss", "accuracy", *COSTS)] == [
            getattr(measured, name) for name in ("held_out_loss", "accuracy", *COSTS)
        ]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_page_is_drawn_from_the_record(path):
    assert markdown(challenge_page(json.loads(path.read_text()))) == path.with_suffix(".md").read_text()
