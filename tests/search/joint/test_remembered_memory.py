"""A closed form is asked once for each configuration, and what is remembered stays bounded."""

import numpy as np
import pytest

from search.joint import remembered_memory
from search.joint.remembered_memory import RememberedMemory


def test_each_configuration_is_worked_out_once_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_memory, "_MOST", 3)
    asked: list[list[int]] = []

    def closed_form(vectors: np.ndarray) -> np.ndarray:
        asked.append(vectors[:, 0].tolist())
        return 10.0 * vectors[:, 0] + vectors[:, 1]

    memory = RememberedMemory(closed_form)
    first = np.asarray([[1, 1], [2, 0], [1, 1]])
    assert memory(first).tolist() == [11.0, 20.0, 11.0]
    assert memory(first[::-1]).tolist() == [11.0, 20.0, 11.0]
    assert asked == [[1, 2]] or asked == [[2, 1]]
    memory(np.asarray([[3, 0], [4, 0]]))
    # Four are more than three: all are forgotten at the next call, and asked again.
    assert memory(first).tolist() == [11.0, 20.0, 11.0]
    assert [sorted(each) for each in asked] == [[1, 2], [3, 4], [1, 2]]
    assert len(memory._known) == 2
