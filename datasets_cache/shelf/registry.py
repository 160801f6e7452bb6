"""The sha256 of every published file, in the form that pooch reads: one line a file, its name and its checksum.

    shelf_data/registry.txt     files of the releases in the order in which they were published
    shelf_data/<release>.*      parquet, its sha256 for sha256sum, card, notes, Croissant, picture, rows

Only pooch's form is used: fetching through it would bring requests and four more packages into the light install.
"""

from collections.abc import Mapping
from pathlib import Path

from perfmodel.errors import CorruptFileError
from perfmodel.files.checksum import sha256_of

REGISTRY_FILE = "registry.txt"


def read_registry(folder: Path) -> dict[str, str]:
    """Returns the sha256 of each published file by its name, in the order of publication.

    Args:
        folder: that holds ``registry.txt``.

    Raises:
        CorruptFileError: when the file is missing, or a line is not a name and 64 hexadecimal digits.
    """
    path = folder / REGISTRY_FILE
    try:
        return parse_registry(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptFileError(
            f"{path} cannot be read ({error})", "the registry of a shelf", "fetch it again"
        ) from error


def parse_registry(text: str, source: str) -> dict[str, str]:
    """Returns the sha256 of each file of a registry's text.

    Args:
        text: of the registry.
        source: where it came from, for the error.

    Raises:
        CorruptFileError: when a line is not a file's name and 64 hexadecimal digits.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        whole = len(words) == 2 and len(words[1]) == 64 and set(words[1]) <= set("0123456789abcdef")
        # A name with a folder in it could lead out of the place that files are fetched to.
        if not whole or "/" in words[0] or "\\" in words[0] or words[0].startswith("."):
            raise CorruptFileError(
                f"line {number} of {source} is {line[:100]!r}", "a file's name and its sha256", "fetch it again"
            )
        entries[words[0]] = words[1]
    return entries


def of_release(registry: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns the entries of one release."""
    return {file: digest for file, digest in registry.items() if file.startswith(f"{name}.")}


def register(folder: Path, name: str) -> None:
    """Writes the checksums of a release's files into the registry, a known release at its old place.

    Args:
        folder: that holds the files and the registry.
        name: of the release.
    """
    registry = read_registry(folder) if (folder / REGISTRY_FILE).is_file() else {}
    new = {path.name: sha256_of(path) for path in sorted(folder.glob(f"{name}.*"))}
    old = of_release(registry, name)
    lines: list[str] = []
    for file, digest in registry.items():
        if file not in old:
            lines.append(f"{file} {digest}")
        elif file == next(iter(old)):
            lines += [f"{each} {found}" for each, found in new.items()]
    if not old:
        lines += [f"{each} {found}" for each, found in new.items()]
    (folder / REGISTRY_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
