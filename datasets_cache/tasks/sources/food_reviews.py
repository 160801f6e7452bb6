"""Amazon's fine-food reviews, and whether each gives the highest score."""

import io
import lzma
import tarfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from datasets_cache.tasks.sources.package_text import AbstractPackageText, Package
from datasets_cache.tasks.sources.task_source import Drawn
from perfmodel.errors import CorruptFileError
from perfmodel.files.optional import needs_extra

PACKAGE: Final = Package(
    name="Debian r-cran-modeldata",
    version="1.1.0-1",
    file_name="r-cran-modeldata_1.1.0-1_all.deb",
    sha256="66c2e08bb4bf695d972b1e72ea44d5af9ada3c42841793d3871017f7b896bf95",
    command="apt-get download r-cran-modeldata=1.1.0-1",
    licence="MIT",
    licence_file="LICENCE-modeldata.txt",
    attribution="modeldata by Max Kuhn, RStudio, copyright 2019; reviews collected by McAuley and Leskovec, 2013",
)

DATABASE = "usr/lib/R/site-library/modeldata/data/Rdata"
TABLES = ("training_data", "testing_data")
"""What the data set small_fine_foods consists of."""

LONGEST = 270
"""Characters of a review."""

_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60


@final
@dataclass(frozen=True)
class FoodReviews(AbstractPackageText):
    """A review as the question, ``great`` or ``other`` as the answer."""

    package: Package = PACKAGE
    balanced: bool = True
    rule: str = (
        f"small_fine_foods, whole reviews of at most {LONGEST} characters without markup, white space made single; the"
        " score great is five stars, other is fewer; both equally often"
    )

    def rows(self, file: Path) -> Iterator[Drawn]:
        """Returns every review that the rule admits; its index counts through both tables, the training one first."""
        try:
            found = _tables(_members(file))
        except (tarfile.TarError, lzma.LZMAError, KeyError, ValueError, OSError) as error:
            raise CorruptFileError(
                f"{file} cannot be read ({error})", f"a Debian package that holds {DATABASE}.rdb", "fetch it again"
            ) from error
        for index, (review, score) in enumerate(found):
            text = " ".join(review.split())
            if len(text) <= LONGEST and "<" not in text:
                yield Drawn(index, f"Is this review great or other? {text}", score)


def _members(file: Path) -> tuple[bytes, bytes]:
    """Returns R's database and its index out of a Debian package: an ``ar`` archive with a tar archive in it."""
    content = file.read_bytes()
    if not content.startswith(_AR_MAGIC):
        raise ValueError("no ar archive")
    place = len(_AR_MAGIC)
    while place < len(content):
        name, size = content[place : place + 16].strip(), int(content[place + 48 : place + 58])
        place += _AR_HEADER
        if name.startswith(b"data.tar"):
            with tarfile.open(fileobj=io.BytesIO(content[place : place + size])) as archive:
                database, index = (archive.extractfile(f"./{DATABASE}.{ending}") for ending in ("rdb", "rdx"))
                if database is None or index is None:
                    raise ValueError(f"{DATABASE} is no file")
                return database.read(), index.read()
        place += size + size % 2
    raise ValueError("no data.tar in it")


def _tables(members: tuple[bytes, bytes]) -> Iterator[tuple[str, str]]:
    """Returns review and score of every row.

    An entry of R's database is the length of its content in 4 bytes, ``Z``, and the content as a raw LZMA2 stream.
    """
    database, index = members
    places = _from_r(index)["variables"]
    for name in TABLES:
        start, length = (int(each) for each in places[name])
        entry = database[start : start + length]
        if entry[4:5] != b"Z":
            raise ValueError(f"{name} is not compressed by xz")
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        table = _from_r(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(entry[5:]))
        yield from zip(map(str, table["review"]), map(str, table["score"]), strict=True)


def _from_r(serialized: bytes) -> Any:
    """Returns R's object as Python's."""
    with needs_extra("tasks"):
        import rdata
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of a tibble, which it reads as a data frame
        return rdata.conversion.convert(rdata.parser.parse_data(serialized))
