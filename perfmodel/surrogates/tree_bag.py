"""Many small regression trees at once: the same leaves as XGBoost's, without its cost of a call.

m   members of the bag
t   trees of a member
d   depth; a tree has 2^d - 1 nodes, in the order of a heap, and 2^d leaves
s   different splits (column, threshold) over all trees
n   rows
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.json_arrays import pack_all, unpack_all
from perfmodel.files.json_file import refusing_damage

if TYPE_CHECKING:
    import xgboost

CHUNK = 256
"""Rows worked on at once."""

FEW = 8
"""Below so many rows it is faster to ask every node than every different split."""


@dataclass(frozen=True)
class TreeBag:
    """Trees of one depth, completed with splits that always go left where a branch ended early.

    Values and thresholds are compared in float32, as XGBoost does.

    Args:
        columns: place of the column that each node asks, shape ``(m, t, 2^d - 1)``.
        thresholds: values below it go left, float32, shape ``(m, t, 2^d - 1)``.
        leaves: what each leaf adds, in the target's unit, shape ``(m, t, 2^d)``.
    """

    columns: NDArray[np.int64]
    thresholds: NDArray[np.float32]
    leaves: NDArray[np.float64]

    @classmethod
    def from_boosters(cls, members: Sequence["xgboost.Booster"], depth: int) -> "TreeBag":
        """Returns the trees of boosters of one objective and base score 0, each of the same number of trees.

        Args:
            members: m boosters, each of the same number of trees.
            depth: d, levels of the deepest tree that they may hold, 1 or more.
        """
        made = [[_completed(tree, depth) for tree in _trees(booster)] for booster in members]
        columns, thresholds, leaves = (
            np.array([[tree[part] for tree in trees] for trees in made]) for part in range(3)
        )
        return cls(columns.astype(np.int64), thresholds.astype(np.float32), leaves.astype(np.float64))

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns every member's sum of leaves, shape ``(m, n)``.

        Args:
            values: of the columns by their place, shape ``(n, columns)``.
        """
        members, trees, _ = self.leaves.shape
        sums = np.empty((members, len(values)))
        for start in range(0, len(values), CHUNK):
            found = self.found(values[start : start + CHUNK])
            sums[:, start : start + CHUNK] = found.reshape(members, trees, -1).sum(axis=1)
        return sums

    def found(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the leaf of every tree, shape ``(m t, n)``.

        Args:
            values: of the columns by their place, shape ``(n, columns)``, n some hundred at most so that answers stay
                in the cache.
        """
        leaves = self.leaves.shape[-1]
        if len(values) < FEW and leaves <= 1 << 3:
            return self._found_of_few(values)
        columns, thresholds, places = self._splits
        rows = values.astype(np.float32).T
        right = (rows.take(columns, axis=0) >= thresholds[:, None]).view(np.uint8).take(places, axis=0)
        leaf = _leaf_of(right).astype(np.intp)
        leaf += np.arange(0, self.leaves.size, leaves)[:, None]
        return self.leaves.take(leaf)

    def _found_of_few(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the same for few rows: every node's answer is one bit of a byte, and the byte tells the leaf."""
        columns, thresholds, leaf_of, first_leaf = self._bytes
        right = values.astype(np.float32).take(columns, axis=1) >= thresholds
        leaf = leaf_of.take(np.packbits(right)).reshape(len(values), first_leaf.size)
        leaf += first_leaf
        return self.leaves.take(leaf).T

    def to_dict(self) -> dict[str, Any]:
        """Returns the trees as plain values."""
        return pack_all({name: getattr(self, name) for name in ("columns", "thresholds", "leaves")})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TreeBag":
        """Returns the trees that ``to_dict`` wrote.

        Raises:
            CorruptFileError: when an array cannot be read, or the arrays are no full trees.
        """
        with refusing_damage("the trees of a model", "fit and save the model again"):
            bag = cls(**unpack_all(values))
            members, trees, leaves = bag.leaves.shape
            if leaves & (leaves - 1) or not bag.columns.shape == bag.thresholds.shape == (members, trees, leaves - 1):
                raise ValueError(f"nodes {bag.columns.shape} do not lead to leaves {bag.leaves.shape}")
            return bag

    @cached_property
    def _splits(self) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
        """Returns columns and thresholds of the different splits, ``(s,)``, and each node's, ``(2^d - 1, m t)``."""
        nodes = self.columns.shape[-1]
        pairs = np.column_stack((self.columns.reshape(-1), self.thresholds.reshape(-1).astype(np.float64)))
        unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
        places = inverse.reshape(-1, nodes).T
        return unique[:, 0].astype(np.intp), unique[:, 1].astype(np.float32), np.ascontiguousarray(places)

    @cached_property
    def _bytes(self) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
        """Returns columns and thresholds of the nodes, each tree's filled up to 8, and what makes leaves of them.

        That is the leaf for each byte of answers, shape ``(256,)``, and the place of each tree's first leaf.
        """
        members, trees, leaves = self.leaves.shape
        filled = (members * trees, 8)
        columns, thresholds = np.zeros(filled, dtype=np.intp), np.full(filled, np.inf, dtype=np.float32)
        columns[:, : leaves - 1] = self.columns.reshape(members * trees, -1)
        thresholds[:, : leaves - 1] = self.thresholds.reshape(members * trees, -1)
        answers = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, : leaves - 1]
        leaf_of = _leaf_of(answers.T[:, None])[0].astype(np.intp)
        return columns.reshape(-1), thresholds.reshape(1, -1), leaf_of, np.arange(0, self.leaves.size, leaves)[None]


def _leaf_of(right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the leaf that each row ends in, shape ``(trees, n)``.

    Args:
        right: 1 where a node sends the row to the right, shape ``(2^d - 1, trees, n)``.
    """
    # From the lowest nodes up: below[i] is the path from node i of this level down to its leaf, as binary digits.
    level = (len(right) + 1) // 2
    below = right[level - 1 : 2 * level - 1]
    digit = 2
    while level > 1:
        level //= 2
        here = right[level - 1 : 2 * level - 1]
        left_path, right_path = below[0::2], below[1::2]
        below = left_path ^ ((left_path ^ right_path) & -here)
        below |= here * np.uint8(digit)
        digit *= 2
    leaf: NDArray[np.uint8] = below[0]
    return leaf


def _trees(booster: "xgboost.Booster") -> list[dict[str, Any]]:
    model = json.loads(bytes(booster.save_raw("json")))
    trees: list[dict[str, Any]] = model["learner"]["gradient_booster"]["model"]["trees"]
    return trees


def _completed(tree: Mapping[str, Any], depth: int) -> tuple[list[int], list[float], list[float]]:
    """Returns the columns and thresholds of a full tree's nodes and its leaves."""
    left, right = tree["left_children"], tree["right_children"]
    columns, conditions = tree["split_indices"], tree["split_conditions"]
    level = [0]
    made: tuple[list[int], list[float], list[float]] = [], [], []
    for _ in range(depth):
        below = []
        for node in level:
            ended = left[node] < 0
            made[0].append(0 if ended else columns[node])
            made[1].append(float("inf") if ended else conditions[node])
            below += [node, node] if ended else [left[node], right[node]]
        level = below
    made[2].extend(conditions[node] for node in level)
    return made
