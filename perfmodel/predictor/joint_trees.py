"""Bags of trees of several metrics at once: all their trees are asked at once, and their leaves give the moments.

n   rows
b   bags, each of m members
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.table_columns import PLACES
from perfmodel.surrogates.boosted import Bag
from perfmodel.surrogates.tree_bag import TreeBag


@final
class JointTrees:
    """Locations and scales of several bags of trees.

    Args:
        bags: of one shape, that read no columns but those of ``SUM_COLUMNS``, shape ``(b,)``.
    """

    def __init__(self, bags: Sequence[Bag]) -> None:
        members, trees, _ = bags[0].trees.leaves.shape
        mean = np.full((1, members), 1 / members)
        deviations = (np.eye(members) - mean) / np.sqrt(members)
        of_leaves = np.repeat(np.concatenate((mean, deviations, 0 * mean)), trees, axis=1)
        self._moments = np.zeros((len(bags), len(of_leaves), members * trees + 1))
        for index, bag in enumerate(bags):
            self._moments[index, :, :-1] = bag.scale * of_leaves
            self._moments[index, [0, -1], -1] = bag.centre, bag.noise
        made = [_with_one(bag) for bag in bags]
        self._trees = TreeBag(*(np.array(each) for each in zip(*made, strict=True)))

    def posterior(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns locations and scales in link space, shape ``(2, b, n)``.

        Args:
            sums: columns ``SUM_COLUMNS``, shape ``(n, q)``.
        """
        bags, _, trees = self._moments.shape
        moments = np.matmul(self._moments, self._trees.found(sums).reshape(bags, trees, len(sums)))
        made = np.empty((2, bags, len(sums)))
        made[0] = moments[:, 0]
        spread = moments[:, 1:]
        np.sqrt(np.vecdot(spread, spread, axis=1), out=made[1])  # type: ignore[call-overload]  # not in NumPy's stubs
        return made


def _with_one(bag: Bag) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
    """Returns columns, thresholds and leaves of a bag's trees, and of one more whose every leaf is 1.

    The centre and the noise are then weights of a tree as the others are.
    """
    columns = np.array([PLACES[name] for name in bag.columns])[bag.trees.columns]
    nodes, leaves = columns.shape[-1], bag.trees.leaves.shape[-1]
    return (
        np.concatenate((columns.reshape(-1, nodes), np.zeros((1, nodes), dtype=np.int64))),
        np.concatenate((bag.trees.thresholds.reshape(-1, nodes), np.zeros((1, nodes), dtype=np.float32))),
        np.concatenate((bag.trees.leaves.reshape(-1, leaves), np.ones((1, leaves)))),
    )
