"""What every source of a task's questions gives."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Drawn:
    """One question as its source gives it.

    Args:
        index: place in the source, by which the example is found there again.
        question: text with no white space around it, not empty.
        answer: text with no white space around it, not empty.
    """

    index: int
    question: str
    answer: str


class AbstractTaskSource(ABC):
    """Gives the examples of a task, the same ones in the same order for the same seed."""

    @abstractmethod
    def draw(self, seed: int, wanted: int) -> Iterator[Drawn]:
        """Returns examples, of which the first ``wanted`` different ones are used.

        Args:
            seed: of the draw.
            wanted: number of different questions that the task needs, 1 or more.

        Raises:
            MissingExtraError: a package that the source is read with is not installed.
            DownloadError: the source's file is not on this machine.
            CorruptFileError: the source's file is not the recorded one.
            InvalidTaskError: the source holds a question without an answer.
        """

    @abstractmethod
    def origin(self, seed: int) -> dict[str, Any]:
        """Returns what the registry and the task's file say of the source: plain values, enough to draw it again.

        Args:
            seed: of the draw.
        """
