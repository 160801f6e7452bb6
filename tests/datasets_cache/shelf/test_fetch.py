"""Releases from elsewhere: whole and checked, or not there at all."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from datasets_cache.shelf.fetch import fetch_release
from datasets_cache.shelf.registry import register
from datasets_cache.shelf.shelf import fetched_folder, load_shelf, shelf_file, shelf_names
from datasets_cache.shelf.verify import verify
from perfmodel.errors import CorruptFileError, DownloadError, UnknownNameError

NAME = "smollm2-pilot-v1"


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that holds the release ``other-v3``: a shipped release under another name."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for ending in (".parquet", ".md"):
        shutil.copy(shelf_file(NAME).with_suffix(ending), folder / f"other-v3{ending}")
    register(folder, "other-v3")
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def address(elsewhere):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(elsewhere)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_release_comes_from_an_address(address):
    told = []
    path = fetch_release("other-v3", address, told.append)

    assert path == fetched_folder() / "other-v3" / "other-v3.parquet" == shelf_file("other-v3")
    assert told == ["fetching other-v3.md", "fetching other-v3.parquet"]
    assert load_shelf("other-v3").traces == load_shelf(NAME).traces
    assert verify("other-v3").problems == ()
    assert "other-v3" not in shelf_names()  # which are those that come with this version


def test_what_is_here_is_not_fetched_again(elsewhere):
    first = fetch_release("other-v3", str(elsewhere), lambda _: None)
    shutil.rmtree(elsewhere)

    assert fetch_release("other-v3", str(elsewhere), lambda _: None) == first
    assert fetch_release(NAME, None, lambda _: None) == shelf_file(NAME)


def test_a_file_with_another_checksum_leaves_nothing_behind(elsewhere):
    (elsewhere / "other-v3.md").write_text("another card")

    with pytest.raises(CorruptFileError, match=r"other-v3\.md from .* the registry there says"):
        fetch_release("other-v3", str(elsewhere), lambda _: None)
    assert [path.name for path in fetched_folder().iterdir()] == [".lock"]


def test_what_cannot_be_had_is_told(elsewhere, address):
    with pytest.raises(UnknownNameError, match="has no shelf 'more-v1'; it has other-v3"):
        fetch_release("more-v1", str(elsewhere), lambda _: None)
    with pytest.raises(UnknownNameError, match="bench data fetch other-v3 --from"):
        fetch_release("other-v3", None, lambda _: None)
    with pytest.raises(DownloadError, match=r"registry\.txt could not be fetched"):
        fetch_release("other-v3", f"{address}deeper", lambda _: None)
    with pytest.raises(DownloadError, match=r"registry\.txt could not be fetched"):
        fetch_release("other-v3", "/nowhere", lambda _: None)
