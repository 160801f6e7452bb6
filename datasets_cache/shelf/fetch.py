"""Fetches a release into the cache, from a web server or a folder that holds it with its registry."""

import urllib.request
from pathlib import Path
from urllib.error import URLError

from datasets_cache.files.cache import Progress, locked, make_folder
from datasets_cache.shelf.registry import REGISTRY_FILE, of_release, parse_registry
from datasets_cache.shelf.shelf import fetched_folder, shelf_file, shelf_files
from perfmodel.errors import CorruptFileError, DownloadError, UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.whole_file import arriving

TIMEOUT_S = 60.0


def fetch_release(name: str, source: str | None, progress: Progress) -> Path:
    """Returns the Parquet file of a release after fetching and checking its files.

    A release that is here already is left as it is: published files never change.

    Args:
        name: name of a release, such as ``smollm2-v1b``.
        source: http(s) address or folder that holds ``registry.txt`` and the files; None finds only what is here.
        progress: called with one line of text for every file that is fetched.

    Raises:
        UnknownNameError: when the release is not here and there is no source, or the source has none of that name.
        DownloadError: when a file cannot be fetched.
        CorruptFileError: when a file's sha256 is not the registry's.
        OutputFolderError: when the cache cannot be written.
    """
    if source is None or name in shelf_files():
        return shelf_file(name)
    registry = parse_registry(_read(source, REGISTRY_FILE).decode("utf-8", errors="replace"), source)
    wanted = of_release(registry, name)
    if f"{name}.parquet" not in wanted:
        names = [file.removesuffix(".parquet") for file in registry if file.endswith(".parquet")]
        raise UnknownNameError(
            f"{source} has no shelf {name!r}", f"it has {', '.join(names) or 'none'}", "use one of these names"
        )
    home = make_folder(fetched_folder())
    with locked(home, progress):
        final = home / name
        if not final.exists():
            with arriving(final) as partial:
                partial.mkdir()
                _fill(partial, source, wanted, progress)
    return final / f"{name}.parquet"


def _fill(folder: Path, source: str, wanted: dict[str, str], progress: Progress) -> None:
    for file, digest in wanted.items():
        progress(f"fetching {file}")
        path = folder / file
        path.write_bytes(_read(source, file))
        if (found := sha256_of(path)) != digest:
            raise CorruptFileError(
                f"{file} from {source} has sha256 {found}", f"the registry there says {digest}", "fetch it again later"
            )
    lines = [f"{file} {digest}" for file, digest in wanted.items()]
    (folder / REGISTRY_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read(source: str, file: str) -> bytes:
    try:
        if source.startswith(("http://", "https://")):
            address = f"{source.rstrip('/')}/{file}"
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme was checked
                return bytes(answer.read())
        return (Path(source).expanduser() / file).read_bytes()
    except (URLError, OSError, ValueError) as error:
        raise DownloadError(
            f"{file} could not be fetched from {source} ({error})",
            f"an http(s) address or a folder that holds {REGISTRY_FILE} and the release's files",
            "check the address",
        ) from error
