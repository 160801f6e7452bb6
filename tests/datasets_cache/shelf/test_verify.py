"""Verification of published traces: it passes on what was published, and names what was changed."""

import json
import shutil
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datasets_cache.shelf.invariants import broken_invariants
from datasets_cache.shelf.registry import REGISTRY_FILE, of_release, parse_registry, read_registry, register
from datasets_cache.shelf.row_fingerprints import fingerprint, rows_file
from datasets_cache.shelf.shelf import SHELF_DATA, shelf_file, shelf_names
from datasets_cache.shelf.verify import known_architectures, verify
from perfmodel.errors import CorruptFileError, UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.model.architecture import Architecture
from perfmodel.traces.parquet import read_table

NAME = "smollm2-pilot-v1"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of a release with its registry, in the place of the shelf."""
    shutil.copytree(SHELF_DATA / NAME, tmp_path / NAME)
    monkeypatch.setattr("datasets_cache.shelf.shelf.SHELF_DATA", tmp_path)
    return tmp_path / NAME / f"{NAME}.parquet"


@pytest.fixture
def rewrite(copied):
    """Writes changed rows in the place of the published ones and brings every checksum up to date."""

    def write(change, *, fingerprints=False):
        table = pq.read_table(copied)
        rows = table.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), copied, compression="zstd")
        copied.with_name(copied.name + ".sha256").write_text(f"{sha256_of(copied)}  {copied.name}\n")
        if not fingerprints:
            rows_file(copied).unlink()
        register(copied.parent, NAME)
        return verify(NAME).problems

    return write


@pytest.mark.parametrize("name", shelf_names())
def test_what_is_published_holds(name):
    told = []
    found = verify(name, told.append)

    assert found.problems == () and found.unchecked == ()
    assert found.traces == len(told) >= 73
    assert found.checksums == len(list((SHELF_DATA / name).glob(f"{name}.*"))) >= 7


def test_every_published_file_is_in_the_registry():
    for name in shelf_names():
        files = {path.name for path in (SHELF_DATA / name).iterdir()} - {REGISTRY_FILE}

        assert set(read_registry(SHELF_DATA / name)) == files


def test_pooch_reads_the_registry():
    pooch = pytest.importorskip("pooch")
    fetcher = pooch.create(path=SHELF_DATA / NAME, base_url="")
    fetcher.load_registry(SHELF_DATA / NAME / REGISTRY_FILE)

    assert fetcher.registry == read_registry(SHELF_DATA / NAME)


@pytest.mark.parametrize("column", ["held_out_loss", "key"])
def test_one_flipped_byte_names_the_file_the_column_and_the_rows(copied, column):
    group = pq.ParquetFile(copied).metadata.row_group(0)
    chunk = next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(copied.read_bytes())
    content[start + chunk.total_compressed_size - 3] ^= 1
    copied.write_bytes(content)

    problems = verify(NAME).problems

    assert problems[0].startswith(f"{NAME}.parquet has sha256 ")
    assert any(f"column {column} of the rows 0 to 121 is damaged" in problem for problem in problems)


def test_a_flipped_byte_that_leaves_the_file_readable_names_the_row(copied):
    table = pq.read_table(copied)
    pq.write_table(table, copied, compression="none", use_dictionary=False, write_statistics=False)
    loss = struct.pack("<d", table.column("held_out_loss")[5].as_py())
    content = copied.read_bytes()
    copied.write_bytes(content.replace(loss, bytes([loss[0] ^ 1]) + loss[1:]))  # as final loss and as end of the curve

    key = table.column("key")[5].as_py()
    assert f"row 5 (key {key}): it is not the row that was published" in verify(NAME).problems


def test_every_file_of_a_release_is_compared(copied):
    file = f"{NAME}.md"
    path = copied.parent / file
    path.write_bytes(path.read_bytes() + b" ")
    assert any(f"{file} has sha256" in problem for problem in verify(NAME).problems)

    path.unlink()
    assert f"{file} is missing" in verify(NAME).problems


def test_a_duplicated_row_is_named(rewrite):
    problems = rewrite(lambda rows: rows.append(dict(rows[4])))

    assert len(problems) == 1
    assert problems[0].startswith("row 122 (key ") and problems[0].endswith("it has the key of row 4")


@pytest.fixture(scope="module")
def row():
    """Row 30 as this version reads it."""
    return read_table(shelf_file(NAME)).to_pylist()[30]


EDITS = {
    "adapter_bytes": (lambda row: row["adapter_bytes"] + 4, "adapter_bytes is"),
    "adapter_parameters": (lambda row: row["adapter_parameters"] - 1, "adapter_parameters is"),
    "weight_bytes": (lambda row: int(row["weight_bytes"] * 1.001), "weight_bytes is"),
    "optimizer_bytes": (lambda row: int(row["optimizer_bytes"] * 1.02), "optimizer_bytes is"),
    "peak_memory_bytes": (lambda row: row["weight_bytes"], "peak_memory_bytes is"),
    "held_out_loss": (lambda row: row["held_out_loss"] * 0.99, "curve_losses ends at"),
    "curve_losses": (
        lambda row: [row["curve_losses"][0], float("inf"), row["held_out_loss"]],
        "curve_losses holds inf",
    ),
    "curve_steps": (lambda row: [0, 6, 24], "the recipe's steps are (0, 12, 24)"),
    "accuracy": (lambda row: row["accuracy"] + 0.001, "of 128 examples"),
    "accuracy_examples": (lambda row: None, "accuracy_examples is missing"),
    "step_time_s": (lambda row: -1.0, "step_time_s holds -1.0"),
    "bits": (lambda row: [5, *row["bits"][1:]], "bits[0] is 5"),
    "ranks": (lambda row: [*row["ranks"][:-1], 12], "ranks[29] is 12"),
    "pruning_rate": (lambda row: 0.15, "pruning_rate is 0.15"),
    "seed": (lambda row: 7, "what was asked hashes to"),
    "recipe": (lambda row: json.dumps({**json.loads(row["recipe"]), "steps": 25}), "setting is"),
    "status": (lambda row: "diverged", "held_out_loss, accuracy, accuracy_examples has a value"),
    "reason": (lambda row: "out of memory", "the reason of a failure"),
    "initializer": (lambda row: "magic", "it cannot be read as a trace"),
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_value_breaks_what_must_hold(row, column):
    value, said = EDITS[column]
    smollm2 = known_architectures()["smollm2-135m"]

    assert broken_invariants(row, smollm2) == []
    assert any(said in problem for problem in broken_invariants({**row, column: value(row)}, smollm2))


def test_one_edited_value_is_named_with_its_row_although_every_checksum_is_right(rewrite, row):
    def edit(rows):
        rows[30]["adapter_bytes"] += 4

    (problem,) = rewrite(edit)

    assert problem.startswith(f"row 30 (key {row['key']}): adapter_bytes is {row['adapter_bytes'] + 4}, the closed")


def test_an_edit_that_breaks_nothing_is_named_by_the_fingerprints(rewrite):
    def edit(rows):
        rows[30]["prepare_time_s"] += 1.0

    problems = rewrite(edit, fingerprints=True)

    assert len(problems) == 1
    assert problems[0].startswith("row 30 (key ") and problems[0].endswith("it is not the row that was published")


def test_rows_that_were_taken_away_or_put_in_are_named(rewrite):
    def swap(rows):
        taken = rows.pop(10)
        rows[11] = {**rows[11], "key": "0" * 12}
        swap.taken = taken["key"]

    problems = rewrite(swap, fingerprints=True)

    assert f"the published trace {swap.taken} is missing" in problems
    assert any("(key 000000000000): no such trace was published" in problem for problem in problems)


def test_fingerprints_do_not_depend_on_the_order_of_columns():
    assert fingerprint({"a": 1, "b": [2.5]}) == fingerprint({"b": [2.5], "a": 1}) != fingerprint({"a": 1, "b": [2.6]})


def test_a_file_without_records_is_checked_for_what_must_hold(copied, tmp_path):
    alone = tmp_path / "mine" / "alone.parquet"
    alone.parent.mkdir()
    shutil.copy(copied, alone)

    found = verify(str(alone))

    assert (found.traces, found.checksums, found.problems) == (122, 0, ())
    assert found.unchecked == ("its checksum: neither a registry nor a .sha256 file lies beside it",)


def test_a_model_without_recorded_shapes_is_told(rewrite, copied):
    def rename(rows):
        for row in rows:
            row["model"] = "my-llama"  # the name does not enter the key

    assert rewrite(rename) == ()
    assert verify(NAME).unchecked == ("bytes of my-llama: its shapes are not recorded",)


def test_what_is_no_file_of_traces_is_refused(tmp_path):
    with pytest.raises(CorruptFileError, match="there is no file"):
        verify(str(tmp_path / "absent.parquet"))
    with pytest.raises(UnknownNameError, match="smollm2-v9"):
        verify("smollm2-v9")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"no parquet" * 50)
    assert "damaged.parquet cannot be read" in verify(str(damaged)).problems[0]


def test_recorded_shapes_are_those_of_the_embedded_model(smollm2_config):
    assert known_architectures()["smollm2-135m"] == Architecture.from_config(smollm2_config)


@pytest.mark.parametrize("line", ["a.parquet", "a.parquet 12", f"../a.parquet {'0' * 64}", f"a b {'0' * 64}"])
def test_a_registry_line_that_is_no_entry_is_refused(line):
    with pytest.raises(CorruptFileError, match="line 2 of there"):
        parse_registry(f"# a comment\n{line}\n", "there")


def test_a_release_leaves_the_others_in_the_registry(tmp_path):
    for name in ("a", "ab", "c"):
        (tmp_path / f"{name}.parquet").write_text(name)
        register(tmp_path, name)
    (tmp_path / "a.md").write_text("card")
    register(tmp_path, "a")

    assert set(read_registry(tmp_path)) == {"a.md", "a.parquet", "ab.parquet", "c.parquet"}
    assert list(of_release(read_registry(tmp_path), "a")) == ["a.md", "a.parquet"]
