"""Questions that reasoning-gym draws."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

from datasets_cache.tasks.sources.task_source import AbstractTaskSource, Drawn
from perfmodel.errors import InvalidTaskError
from perfmodel.files.optional import needs_extra

DRAWS_PER_EXAMPLE = 20
"""Draws that a generator may take for each example wanted, before it counts as exhausted."""


@final
@dataclass(frozen=True)
class ReasoningGym(AbstractTaskSource):
    """A data set of reasoning-gym, which draws example ``index`` from ``seed + index``.

    Args:
        generator: reasoning-gym's name of the data set.
        parameters: its parameters where they differ from reasoning-gym's own.
    """

    generator: str
    parameters: Mapping[str, Any]

    def draw(self, seed: int, wanted: int) -> Iterator[Drawn]:
        """Returns examples one draw after the other; see ``AbstractTaskSource``."""
        with needs_extra("tasks"):
            import reasoning_gym  # type: ignore[import-untyped, unused-ignore]
        draws = wanted * DRAWS_PER_EXAMPLE
        dataset = reasoning_gym.create_dataset(self.generator, seed=seed, size=draws, **dict(self.parameters))
        for index in range(draws):
            yield self._drawn(index, dataset[index])

    def origin(self, seed: int) -> dict[str, Any]:
        """Returns the generator, its parameters, the seed and the release of reasoning-gym."""
        return {
            "generator": self.generator,
            "parameters": dict(self.parameters),
            "seed": seed,
            "reasoning_gym": importlib.metadata.version("reasoning-gym"),
        }

    def _drawn(self, index: int, entry: Mapping[str, Any]) -> Drawn:
        question, answer = (str(entry[key] or "").strip() for key in ("question", "answer"))
        if not question or not answer:
            raise InvalidTaskError(
                f"{self.generator} gives {entry['question']!r} the answer {entry['answer']!r} at index {index}",
                "a task's questions have one answer each",
                "choose another generator or other parameters",
            )
        return Drawn(index, question, answer)
