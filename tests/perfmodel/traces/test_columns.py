"""Files of older versions become traces of this one, and lose nothing."""

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from perfmodel.space.methods import Methods
from perfmodel.traces.columns import ADDED, COLUMNS, TRACE_VERSION, columns_of, upgraded
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.store import TraceStore

OLD_STORE = Path(__file__).parents[1] / "assets" / "traces-v1.sql"
OLD_FILE = OLD_STORE.with_suffix(".parquet")
OLD_KEYS = ["0be887337bba", "13266ad0e049", "1356555660e0"]


def test_columns_are_those_of_a_row(fake_traces):
    assert tuple(fake_traces(1)[0].to_row()) != ()
    assert set(fake_traces(1)[0].to_row()) == set(COLUMNS)
    assert {field.name for field in fields(Methods)} <= set(COLUMNS)


def test_every_version_since_the_first_says_what_it_added():
    assert set(ADDED) == set(range(2, TRACE_VERSION + 1))
    assert columns_of(TRACE_VERSION) == tuple(COLUMNS)
    assert set(columns_of(1)) == set(COLUMNS) - {name for added in ADDED.values() for name in added}


def test_a_row_of_this_version_stays_as_it_is(fake_traces):
    row = fake_traces(1)[0].to_row()
    assert upgraded(row, TRACE_VERSION) == row


def test_a_published_file_of_version_1_is_read():
    traces = read_traces(OLD_FILE)
    assert sorted(trace.asked.key for trace in traces) == OLD_KEYS
    assert {trace.asked.configuration.methods for trace in traces} == {Methods()}
    assert {trace.measured.curve_accuracies for trace in traces} == {()}


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "traces.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_STORE.read_text())
    return path


def test_a_store_of_version_1_is_read_without_being_changed(old):
    before = old.read_bytes()
    with TraceStore(old) as store:
        assert sorted(trace.asked.key for trace in store) == OLD_KEYS
    assert old.read_bytes() == before


def test_a_writer_brings_an_old_store_to_this_version_once(old, fake_traces):
    with TraceStore(old) as store:
        before = list(store)
    with TraceStore.writer(old) as store:
        assert list(store) == before
        assert store.add(fake_traces(1)[0])
        assert not store.add(before[0])
    with TraceStore(old) as store:
        assert list(store)[:3] == before
        assert len(store) == 4
