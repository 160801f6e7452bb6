"""A fingerprint of every published row: a file's checksum says that it was edited, fingerprints say which row.

``<release>.rows.txt`` holds one line a trace in the order of the file: its key and the first sixteen hexadecimal
digits of the sha256 of the row as JSON, its keys sorted, with the columns that the file has.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfmodel.files.checksum import sha256_of_json

Row = Mapping[str, Any]


def rows_file(parquet: Path) -> Path:
    """Returns where the fingerprints of a Parquet file lie.

    Args:
        parquet: the Parquet file of a release.
    """
    return parquet.with_name(f"{parquet.stem}.rows.txt")


def fingerprint(row: Row) -> str:
    """Returns sixteen hexadecimal digits that any edit of a row changes.

    Args:
        row: the row as the file holds it: value by column.
    """
    return sha256_of_json(dict(row))[:16]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes the fingerprints of a file's rows.

    Args:
        rows: the rows in the order of the file.
        path: the text file to write.
    """
    path.write_text("".join(f"{row['key']} {fingerprint(row)}\n" for row in rows), encoding="utf-8")


def changed_rows(rows: Sequence[Row], text: str) -> list[str]:
    """Returns one sentence for each row that differs from the published one.

    Args:
        rows: as the file holds them.
        text: of the file of fingerprints.
    """
    published = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) > 1)
    found = []
    for index, row in enumerate(rows):
        key = row["key"]
        if key not in published:
            found.append(f"{row_name(index, key)}: no such trace was published")
        elif fingerprint(row) != published[key]:
            found.append(f"{row_name(index, key)}: it is not the row that was published")
    there = {row["key"] for row in rows}
    return found + [f"the published trace {key} is missing" for key in published if key not in there]


def row_name(index: int, key: object) -> str:
    """Returns the words that name a row in a message.

    Args:
        index: place of the row in the file, from 0.
        key: key of the trace, 12 hexadecimal digits.
    """
    return f"row {index} (key {key})"
