"""The sha256 of the files of a release: ``registry.txt`` in its folder, one line a file, its name and its checksum.

pooch reads the same form. pooch itself is not used: it would bring requests and four more packages into the core.
"""

from collections.abc import Mapping
from pathlib import Path

from perfmodel.errors import CorruptFileError
from perfmodel.files.checksum import sha256_of

REGISTRY_FILE = "registry.txt"


def read_registry(folder: Path) -> dict[str, str]:
    """Returns the sha256 of each published file by its name, in the order of the lines.

    Args:
        folder: the folder that holds ``registry.txt``.

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
        text: the content of a ``registry.txt``.
        source: the path or address it came from, for the error's text.

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
    """Returns the entries of one release, of a folder that may hold several.

    Args:
        registry: sha256 by file name.
        name: name of a release, such as ``smollm2-v1b``.
    """
    return {file: digest for file, digest in registry.items() if file.startswith(f"{name}.")}


def register(folder: Path, name: str) -> None:
    """Writes the checksums of a release's files into the registry; entries of other releases stay.

    Args:
        folder: the folder that holds the files, and the registry where there is one already.
        name: name of a release, such as ``smollm2-v1b``.
    """
    registry = read_registry(folder) if (folder / REGISTRY_FILE).is_file() else {}
    kept = {file: digest for file, digest in registry.items() if not file.startswith(f"{name}.")}
    entries = kept | {path.name: sha256_of(path) for path in sorted(folder.glob(f"{name}.*"))}
    text = "".join(f"{file} {digest}\n" for file, digest in entries.items())
    (folder / REGISTRY_FILE).write_text(text, encoding="utf-8")
