"""The sha256 of every data file that comes with the package: tasks, sensitivities, predictors, tables, traces.

    shipped_files.sha256    one line a file: its sha256 and its folder's name with its path in there

After a change that is meant: ``python -m datasets_cache.shelf.shipped_files`` writes it anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasets_cache.shelf.sensitivities import SENSITIVITY_DATA
from datasets_cache.shelf.shelf import SHELF_DATA
from datasets_cache.tasks.shipped import TASK_DATA
from perfmodel.files.checksum import sha256_of
from perfmodel.predictor.shipped import PREDICTOR_DATA

RECORD = Path(__file__).parent / "shipped_files.sha256"

FOLDERS: Final[Mapping[str, Path]] = {
    "predictors": PREDICTOR_DATA,
    "sensitivities": SENSITIVITY_DATA,
    "shelf": SHELF_DATA,
    "tables": Path(__file__).parents[1] / "table_data",
    "tasks": TASK_DATA,
}


@dataclass(frozen=True)
class ShippedFiles:
    """What was found of the files.

    Args:
        files: that are there or should be.
        problems: what does not hold, each in words that name the file.
    """

    files: int
    problems: tuple[str, ...]


def shipped_files(folders: Mapping[str, Path] = FOLDERS) -> dict[str, Path]:
    """Returns every data file by its folder's name and its path in there, sorted.

    Args:
        folders: by name.
    """
    found = {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return dict(sorted(found.items()))


def check_shipped_files(
    folders: Mapping[str, Path] = FOLDERS, record: Path = RECORD, advance: Callable[[str], None] = lambda _: None
) -> ShippedFiles:
    """Returns which files are changed, missing or not recorded.

    Args:
        folders: by name.
        record: holds the recorded checksums.
        advance: called with the name of each file that is there, after it was read.
    """
    text = record.read_text(encoding="utf-8", errors="replace") if record.is_file() else ""
    lines = [line for line in text.split("\n") if line]  # splitlines would take other characters for line ends
    recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    here = shipped_files(folders)
    problems = [] if lines else [f"{record.name} is missing or empty"]
    for name in sorted({*recorded, *here}):
        if name not in here:
            problems.append(f"{name} is missing")
        elif name not in recorded:
            problems.append(f"{name} is not in {record.name}")
        elif (found := sha256_of(here[name])) != recorded[name]:
            problems.append(f"{name} has sha256 {found}, the recorded one is {recorded[name]}")
        if name in here:
            advance(name)
    return ShippedFiles(len({*recorded, *here}), tuple(problems))


def write_record(folders: Mapping[str, Path] = FOLDERS, record: Path = RECORD) -> None:
    """Writes the checksums of the files that are there.

    Args:
        folders: by name.
        record: the file to write.
    """
    lines = [f"{sha256_of(path)}  {name}\n" for name, path in shipped_files(folders).items()]
    record.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write_record()
