"""The live store: one writer, every trial once, and no damaged or foreign file is touched."""

import shutil
import sqlite3
import subprocess
import sys
from collections import deque
from dataclasses import replace

import pytest

from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError, StoreBusyError, StoreFullError
from perfmodel.traces import store as store_module
from perfmodel.traces.columns import TRACE_VERSION
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Measured


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "traces.sqlite"


@pytest.fixture
def filled(path, fake_traces):
    """A closed store of twenty traces."""
    with TraceStore.writer(path) as store:
        for trace in fake_traces(20):
            store.add(trace)
    return path


def test_what_was_written_is_read_in_order(path, fake_traces):
    traces = fake_traces(3, seeds=2)
    traces[1] = replace(traces[1], measured=Measured("oom", "out of memory"))
    with TraceStore.writer(path) as store:
        assert [store.add(trace) for trace in traces] == [True] * 6

    with TraceStore(path) as store:
        assert list(store) == traces
        assert len(store) == 6
        assert store.keys() == {trace.asked.key for trace in traces}


def test_a_repeated_trial_is_not_stored_again_and_the_first_stays(path, fake_traces):
    first = fake_traces(1)[0]
    second = replace(first, measured=replace(first.measured, held_out_loss=99.0))
    with TraceStore.writer(path) as store:
        assert store.add(first)
        assert not store.add(second)
        assert list(store) == [first]


def test_a_trace_is_replaced_and_the_others_stay(path, fake_traces):
    first, second = fake_traces(2)
    again = replace(first, measured=Measured("failed", "the second time"))
    with TraceStore.writer(path) as store:
        store.add(first)
        store.add(second)
        store.replace(again)
        assert list(store) == [second, again]
        assert store.statuses() == {first.asked.key: "failed", second.asked.key: "ok"}


def test_a_full_disk_has_its_own_error_and_takes_nothing_that_was_stored(path, fake_traces):
    traces = fake_traces(200)
    with TraceStore.writer(path) as store:
        store.add(traces[0])
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(StoreFullError, match=r"cannot take another trace \(.*full\); space on its disk; free some"):
            deque(map(store.add, traces[1:]), maxlen=0)
        stored = len(store)
        assert 1 <= stored < 199
        assert list(store) == traces[:stored]
        with pytest.raises(StoreFullError):
            store.replace(replace(traces[0], measured=Measured("failed", "x" * 100_000)))
        assert list(store) == traces[:stored]
        store._connection.execute("PRAGMA max_page_count=1000000")
        assert store.add(traces[stored])
        assert list(store) == traces[: stored + 1]


def test_only_a_repeated_key_is_passed_over(path, fake_traces):
    trace = fake_traces(1)[0]
    nameless = replace(trace, asked=replace(trace.asked, setting=replace(trace.asked.setting, model=None)))

    with TraceStore.writer(path) as store, pytest.raises(sqlite3.IntegrityError):
        store.add(nameless)


def test_a_second_writer_is_refused_by_the_stores_name(path):
    with TraceStore.writer(path), pytest.raises(StoreBusyError, match=f"{path} is being written by another driver"):
        TraceStore.writer(path)


def test_a_writer_of_another_process_is_refused(path):
    program = (
        "import sys; from pathlib import Path; from perfmodel.traces.store import TraceStore\n"
        "from perfmodel.errors import StoreBusyError\n"
        "try: TraceStore.writer(Path(sys.argv[1]))\n"
        "except StoreBusyError: print('busy')"
    )
    command = [sys.executable, "-c", program, str(path)]
    with TraceStore.writer(path):
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "busy\n"
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_the_next_writer_may_come_when_the_first_is_done(path, fake_traces):
    with TraceStore.writer(path) as store:
        store.add(fake_traces(1)[0])
    with TraceStore.writer(path) as store:
        assert len(store) == 1


def test_a_refused_store_lets_go_of_its_lock(path):
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 500)
    with pytest.raises(CorruptFileError) as caught:
        TraceStore.writer(path)
    path.unlink()

    TraceStore.writer(path).close()
    assert caught.value  # its traceback kept the lock alive, so it was not the collector that released it


def test_a_store_is_read_while_it_is_written(path, fake_traces):
    first, second = fake_traces(2)
    with TraceStore.writer(path) as writer:
        writer.add(first)
        with TraceStore(path) as reader:
            assert list(reader) == [first]
            writer.add(second)
            assert list(reader) == [first, second]


def test_an_intact_store_passes_sqlites_own_check(filled):
    assert sqlite3.connect(filled).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def garbage(path):
    path.write_bytes(b"this is no database\n" * 400)


def truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_inside_a_page(path):
    path.write_bytes(path.read_bytes()[:-1000])


def scribbled(path):
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 2000] = b"\xff" * 2000
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [garbage, truncated, cut_inside_a_page, scribbled])
@pytest.mark.parametrize("open_store", [TraceStore, TraceStore.writer])
def test_a_damaged_store_is_refused_and_left_untouched(filled, damage, open_store):
    damage(filled)
    before = filled.read_bytes()

    with pytest.raises(CorruptFileError, match=f"{filled} is damaged or no trace store.*left untouched"):
        open_store(filled)
    assert filled.read_bytes() == before


@pytest.mark.parametrize("version", [0, TRACE_VERSION])
def test_somebody_elses_database_is_refused_and_left_untouched(tmp_path, version):
    path = tmp_path / "notes.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (text)")
        database.execute(f"PRAGMA user_version={version}")
    database.close()
    before = path.read_bytes()

    for open_store in (TraceStore, TraceStore.writer):
        with pytest.raises(CorruptFileError, match="holds no traces"):
            open_store(path)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused(filled):
    with sqlite3.connect(filled) as database:
        database.execute(f"PRAGMA user_version={TRACE_VERSION + 1}")
    database.close()

    with pytest.raises(SchemaVersionError, match=f"version {TRACE_VERSION + 1}.*upgrade"):
        TraceStore(filled)


def test_a_store_that_is_not_there_is_not_made_by_reading(path):
    with pytest.raises(CorruptFileError, match="there is no trace store at"):
        TraceStore(path)
    assert not path.parent.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")  # root may write anywhere, but nobody can make a folder inside a file

    with pytest.raises(OutputFolderError, match=f"{tmp_path / 'file'} cannot be written"):
        TraceStore.writer(tmp_path / "file" / "traces.sqlite")


def test_a_folder_in_the_files_place_is_refused(path):
    path.mkdir(parents=True)

    with pytest.raises(OutputFolderError, match="cannot be opened"):
        TraceStore.writer(path)


def mounts(tmp_path, monkeypatch, *lines):
    file = tmp_path / "mounts"
    file.write_text("".join(f"{line} rw 0 0\n" for line in lines))
    monkeypatch.setattr(store_module, "MOUNTS", file)


def test_a_network_file_system_is_refused(path, tmp_path, monkeypatch):
    mounts(tmp_path, monkeypatch, "/dev/sda / ext4", f"server:/home {tmp_path} nfs4")

    with pytest.raises(OutputFolderError, match=r"network file system \(nfs4\).*local disk"):
        TraceStore.writer(path)
    assert not path.exists()


def test_a_local_disk_below_a_network_file_system_will_do(path, tmp_path, monkeypatch):
    mounts(tmp_path, monkeypatch, f"server:/home {tmp_path} nfs4", f"/dev/sdb {path.parent} ext4")

    TraceStore.writer(path).close()


def test_a_system_without_a_list_of_mounts_will_do(path, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "MOUNTS", tmp_path / "absent")

    TraceStore.writer(path).close()


def test_a_store_that_a_killed_driver_left_is_whole(filled, tmp_path, fake_traces):
    """Copying file and log while the writer is open is what a power cut leaves."""
    copy = tmp_path / "copy"
    with TraceStore.writer(filled) as store:
        store.add(fake_traces(1, seed=5)[0])
        shutil.copytree(filled.parent, copy)

    with TraceStore.writer(copy / filled.name) as store:
        assert len(store) == 21
