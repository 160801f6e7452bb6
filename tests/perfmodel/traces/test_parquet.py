"""Traces as Parquet: nothing is lost, and no damaged or newer file is read as if it were whole."""

import hashlib
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError, UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.traces.columns import ADDED, COLUMNS, TRACE_VERSION
from perfmodel.traces.parquet import read_table, read_traces, write_traces
from perfmodel.traces.trace import Measured


@pytest.fixture
def path(tmp_path):
    return tmp_path / "published" / "traces.parquet"


@pytest.fixture
def traces(fake_traces):
    """Ten traces; one failed, one has a learning curve."""
    made = fake_traces(10)
    made[3] = replace(made[3], measured=Measured("oom", "out of memory"))
    curve = {"curve_steps": (0, 15, 30), "curve_losses": (4.0, 0.1 + 0.2, 0.7)}
    made[4] = replace(made[4], measured=replace(made[4].measured, **curve))
    return made


@pytest.fixture
def written(path, traces):
    write_traces(traces, path)
    return path


def without_checksum(path):
    path.with_name(path.name + ".sha256").unlink()


def test_what_was_written_is_read(written, traces):
    assert read_traces(written) == sorted(traces, key=lambda trace: trace.asked.key)


def test_no_traces_are_a_file_too(path):
    write_traces([], path)

    assert read_traces(path) == []


def test_the_checksum_lies_beside_the_file_as_sha256sum_writes_it(path, traces):
    digest = write_traces(traces, path)

    assert digest == sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_name("traces.parquet.sha256").read_text() == f"{digest}  traces.parquet\n"
    assert sorted(each.name for each in path.parent.iterdir()) == ["traces.parquet", "traces.parquet.sha256"]


def test_the_same_traces_in_any_order_give_the_same_bytes(tmp_path, traces):
    digests = {
        write_traces(traces, tmp_path / "a.parquet"),
        write_traces(traces[::-1], tmp_path / "b.parquet"),
    }

    assert len(digests) == 1
    assert write_traces(traces[:-1], tmp_path / "c.parquet") not in digests


def test_a_flipped_byte_is_found_by_the_checksum(written):
    content = bytearray(written.read_bytes())
    content[len(content) // 2] ^= 1
    written.write_bytes(bytes(content))

    with pytest.raises(CorruptFileError, match="the recorded one is"):
        read_traces(written)


def test_a_flipped_byte_in_the_data_is_found_even_without_a_checksum_beside(written):
    without_checksum(written)
    content = written.read_bytes()
    row_group = pq.ParquetFile(written).metadata.row_group(0)
    column = next(
        row_group.column(index)
        for index in range(row_group.num_columns)
        if row_group.column(index).path_in_schema == "held_out_loss"
    )
    page_end = column.dictionary_page_offset + column.total_compressed_size
    for place in range(page_end - 8, page_end):
        written.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(CorruptFileError, match="cannot be read"):
            read_traces(written)


def test_a_checksum_that_was_asked_for_wins_over_the_one_beside(written):
    assert read_traces(written, sha256=sha256_of(written))
    with pytest.raises(CorruptFileError, match=f"the recorded one is {'0' * 64}"):
        read_traces(written, sha256="0" * 64)


@pytest.mark.parametrize("beside", ["", f"{'0' * 64}  traces.parquet\n"])
def test_a_checksum_file_that_does_not_agree_is_refused(written, beside):
    written.with_name(written.name + ".sha256").write_text(beside)

    with pytest.raises(CorruptFileError, match="sha256"):
        read_traces(written)


@pytest.mark.parametrize("content", [b"", b"no parquet" * 100])
def test_what_is_no_parquet_is_refused(tmp_path, content):
    (tmp_path / "traces.parquet").write_bytes(content)

    with pytest.raises(CorruptFileError, match="cannot be read"):
        read_traces(tmp_path / "traces.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorruptFileError, match=f"there is no file {tmp_path / 'absent.parquet'}"):
        read_traces(tmp_path / "absent.parquet")


def rewritten(path, metadata, drop=()):
    table = pq.read_table(path).drop_columns(list(drop)).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    without_checksum(path)


def test_a_newer_schema_is_refused(written):
    rewritten(written, {"perfmodel.trace_version": str(TRACE_VERSION + 1)})

    with pytest.raises(SchemaVersionError, match=f"version {TRACE_VERSION + 1}.*upgrade"):
        read_traces(written)


@pytest.mark.parametrize("metadata", [{}, {"perfmodel.trace_version": "one"}])
def test_a_file_without_our_version_is_refused(written, metadata):
    rewritten(written, metadata)

    with pytest.raises(CorruptFileError, match="carries no trace version"):
        read_traces(written)


def test_a_missing_column_is_named(written):
    rewritten(written, {"perfmodel.trace_version": str(TRACE_VERSION)}, drop=["seed"])

    with pytest.raises(CorruptFileError, match="lacks seed"):
        read_traces(written)


def test_a_folder_called_like_a_column_changes_nothing(tmp_path, traces):
    path = tmp_path / "task=other" / "seed=9" / "traces.parquet"
    write_traces(traces, path)

    assert {trace.asked.setting.task for trace in read_traces(path)} == {traces[0].asked.setting.task}


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, traces):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputFolderError, match="cannot be written"):
        write_traces(traces, tmp_path / "file" / "traces.parquet")


def test_a_table_holds_the_asked_columns_of_the_rows_that_meet_all_conditions(written, traces):
    asked = sorted((t for t in traces if t.ok and t.asked.configuration.pruning_rate <= 0.2), key=lambda t: t.asked.key)
    table = read_table(
        written, columns=["held_out_loss", "key"], where=[("status", "==", "ok"), ("pruning_rate", "<=", 0.2)]
    )

    assert table.column_names == ["held_out_loss", "key"]
    assert 0 < len(asked) < len(traces)
    assert table.column("key").to_pylist() == [trace.asked.key for trace in asked]
    assert table.column("held_out_loss").to_pylist() == [trace.measured.held_out_loss for trace in asked]


def test_a_table_of_an_older_file_has_what_older_rows_say_in_new_columns(written, traces):
    older = pq.read_table(written).drop_columns(list(ADDED[2]))
    pq.write_table(older.replace_schema_metadata({"perfmodel.trace_version": "1"}), written)
    without_checksum(written)

    table = read_table(
        written, columns=["pruning_scope", "kv_groups", "seed"], where=[("pruning_scope", "==", "global")]
    )
    assert len(table) == 0 and table.column_names == ["pruning_scope", "kv_groups", "seed"]
    table = read_table(written, where=[("pruning_scope", "==", "per_layer")])
    assert table.column_names == list(COLUMNS) and table.column("kv_groups").to_pylist() == [[]] * len(traces)


def test_an_unknown_column_is_refused_by_name(written):
    with pytest.raises(UnknownNameError, match="column 'loss' is unknown"):
        read_table(written, columns=["loss"])
    with pytest.raises(UnknownNameError, match="column 'rate' is unknown"):
        read_table(written, where=[("rate", "<", 1)])
