"""The rows of a user's data: a file of JSON lines, JSON, CSV or Parquet, or a folder of such files, one a split."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from perfmodel.errors import CorruptFileError, InvalidTaskError
from perfmodel.files.json_file import parse_json

SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "calibration": ("calibration",),
    "validation": ("validation", "valid", "val", "dev"),
    "held_out": ("held_out", "test", "eval"),
}
"""Names under which data sets keep their splits."""


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        path: file that it stands in.
        place: where in the file, as in ``line 3``; lines and rows count from 1.
        content: values by column; what a CSV file leaves empty is left out.
        split: split that the file stands for in a folder, of ``SPLIT_NAMES``; None for a file by itself.
    """

    path: Path
    place: str
    content: Mapping[str, Any]
    split: str | None = None

    def refuse(self, given: str, allowed: str, action: str = "mend it") -> NoReturn:
        """Raises ``InvalidTaskError`` about this row.

        Args:
            given: what is wrong, which follows file and place, as in ``has no answer``.
            allowed: what a row may be.
            action: what to do.

        Raises:
            InvalidTaskError: always.
        """
        raise InvalidTaskError(f"{self.path}, {self.place} {given}", allowed, action)


def read_rows(path: Path) -> list[Row]:
    """Returns the rows of a file, or of all files of a folder that are named after a split.

    Args:
        path: a file that ends in ``.jsonl``, ``.json``, ``.csv`` or ``.parquet``, or a folder that holds such files,
            itself or in its folder ``data``. A file of a folder is named as its split, alone or before a hyphen, as in
            ``test.csv`` and ``train-00000-of-00001.parquet``; other files of the folder are not read.

    Raises:
        InvalidTaskError: nothing can be read, or a row is no object; file and place are named.
    """
    if not path.is_dir():
        return list(_READERS[path.suffix](path))
    files = [
        (split, file)
        for folder in (path, path / "data")
        for file in sorted(folder.glob("*"))
        for split, names in SPLIT_NAMES.items()
        if file.suffix in _READERS and file.stem.partition("-")[0] in names
    ]
    if not files:
        raise InvalidTaskError(
            f"{path} holds no data",
            f"a folder holds train and test (or validation) as {', '.join(_READERS)}",
            "name the files so, or give one file",
        )
    return [
        Row(row.path, row.place, row.content, split) for split, file in files for row in _READERS[file.suffix](file)
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidTaskError(
            f"{path} cannot be read ({error.strerror})", "a task file is an existing file", "check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidTaskError(
            f"{path} is not UTF-8 text (byte {error.start})", "a task file is UTF-8", "save it as UTF-8"
        ) from error


def _of_lines(path: Path) -> Iterator[Row]:
    # Only the newline ends a line: str.splitlines would also cut at the separators U+2028 and U+0085 inside a text.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        row = Row(path, f"line {number}", {})
        try:
            content = parse_json(line, "it")
        except CorruptFileError as error:
            row.refuse(f"is not JSON ({error.given})", "each line is one JSON object")
        yield _object(row, content)


def _of_json(path: Path) -> Iterator[Row]:
    try:
        content = parse_json(_text(path), "it")
    except CorruptFileError as error:
        raise InvalidTaskError(f"{path} is not JSON ({error.given})", "a list of objects", "mend the file") from error
    if not isinstance(content, list):
        raise InvalidTaskError(
            f"{path} holds a {type(content).__name__}", "a .json file is a list of objects", "write it as a list"
        )
    for number, each in enumerate(content, start=1):
        yield _object(Row(path, f"row {number}", {}), each)


def _object(row: Row, content: Any) -> Row:
    if not isinstance(content, dict):
        row.refuse(f"holds a {type(content).__name__}", "each example is one JSON object")
    return Row(row.path, row.place, content)


def _of_csv(path: Path) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        for number, content in enumerate(reader, start=1):
            row = Row(path, f"row {number}", {key: text for key, text in content.items() if key and text})
            if None in content:
                row.refuse(
                    f"has more values than the {len(reader.fieldnames or ())} columns of the first line", "one each"
                )
            yield row
    except csv.Error as error:
        raise InvalidTaskError(
            f"{path}, line {reader.line_num} is not CSV ({error})", "columns are named in the first line", "mend it"
        ) from error


def _of_parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        contents = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InvalidTaskError(
            f"{path} cannot be read ({error})", "a whole Parquet file", "write it again, or check the path"
        ) from error
    for number, content in enumerate(contents, start=1):
        yield Row(path, f"row {number}", {key: value for key, value in content.items() if value is not None})


_READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _of_lines,
    ".json": _of_json,
    ".csv": _of_csv,
    ".parquet": _of_parquet,
}

SUFFIXES = tuple(_READERS)
"""How a file of own data may end."""
