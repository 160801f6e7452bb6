"""The expected gain of hypervolume where one of two objectives is known: in closed form, and for whole batches.

Notation:
    c: candidates.
    p: points of the front.
    l: losses, b: known bytes.

Below the staircase of a front, a candidate of b bytes and loss l gains, over every stretch of bytes to its right, the
height by which l lies under the stair. With b known only l is random, so the expectation is a sum of one-dimensional
expected improvements, one a stretch: no sampling, and exact. A batch is chosen one by one: the process is conditioned
on each choice (its variance falls at once, whatever the trial will say), and the choice joins the front at its mean.

Source: the decomposition is that of expected hypervolume improvement, Emmerich, Deutz, Klinkenberg 2011, for one
deterministic objective; the believer, Ginsbourger, Le Riche, Carraro 2010.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Belief:
    """A process at the candidates.

    Args:
        mean: of the loss, or of its logarithm, shape ``(c,)``.
        covariance: of the process itself, shape ``(c, c)``.
        noise: variance of one result around it.
        log: whether the process is of the loss's logarithm.
    """

    mean: Floats
    covariance: Floats
    noise: float
    log: bool

    @property
    def losses(self) -> Floats:
        """The loss at the mean, the median of its distribution, shape ``(c,)``."""
        return np.exp(self.mean) if self.log else self.mean


@final
class Staircase:
    """The lower left boundary of what a front dominates.

    Args:
        losses: of the points of the front, shape ``(p,)``.
        bytes_: of the points of the front, shape ``(p,)``.
        reference: loss and bytes beyond which nothing counts.
    """

    def __init__(self, losses: Floats, bytes_: Floats, reference: tuple[float, float]) -> None:
        self._reference = reference
        inside = (losses < reference[0]) & (bytes_ < reference[1])
        order = np.lexsort((losses[inside], bytes_[inside]))
        heights, starts = losses[inside][order], bytes_[inside][order]
        lowest = np.minimum.accumulate(heights)
        steps = np.flatnonzero(np.diff(lowest, prepend=np.inf) < 0)
        self._heights = np.concatenate([[reference[0]], lowest[steps]])
        self._edges = np.concatenate([[-np.inf], starts[steps], [reference[1]]])

    def gain(self, belief: Belief, bytes_: Floats) -> Floats:
        """Returns the expected gain of each candidate, shape ``(c,)``.

        Args:
            belief: mean and covariance at the ``c`` candidates.
            bytes_: of the candidates, shape ``(c,)``.
        """
        left, right = np.maximum(self._edges[:-1], bytes_[:, None]), self._edges[1:]
        widths = np.maximum(right - left, 0.0)
        deviation = np.sqrt(np.maximum(np.diagonal(belief.covariance), 1e-18))
        return np.asarray((widths * _improvement(belief, deviation, self._heights)).sum(axis=1))


def choose_batch(
    belief: Belief,
    bytes_: Floats,
    weights: Floats,
    front: tuple[Floats, Floats],
    reference: tuple[float, float],
    n: int,
) -> NDArray[np.int64]:
    """Returns the candidates of a batch, best first, shape ``(<= n,)``.

    Args:
        belief: mean and covariance at the ``c`` candidates.
        bytes_: of the candidates, shape ``(c,)``.
        weights: that multiply each gain, such as the probability to meet a budget, shape ``(c,)``.
        front: losses and bytes of its ``p`` points.
        reference: loss and bytes beyond which nothing counts.
        n: number wanted, 1 or more.
    """
    losses, sizes = front
    covariance, chosen = belief.covariance.copy(), np.empty(0, dtype=np.int64)
    for _ in range(min(n, len(bytes_))):
        now = Belief(belief.mean, covariance, belief.noise, belief.log)
        gains = Staircase(losses, sizes, reference).gain(now, bytes_) * weights
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        chosen = np.append(chosen, best)
        row = covariance[best].copy()
        covariance -= np.outer(row, row) / (row[best] + belief.noise)
        losses, sizes = np.append(losses, belief.losses[best]), np.append(sizes, bytes_[best])
    return chosen


def _improvement(belief: Belief, deviation: Floats, heights: Floats) -> Floats:
    """Returns how far a candidate is expected to lie under each height, shape ``(c, p + 1)``."""
    from scipy.special import ndtr

    mean, deviation = belief.mean[:, None], deviation[:, None]
    if belief.log:
        # E[max(h - exp(X), 0)] of a normal X.
        z = (np.log(heights) - mean) / deviation
        return np.asarray(heights * ndtr(z) - np.exp(mean + deviation**2 / 2) * ndtr(z - deviation))
    z = (heights - mean) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(deviation * (z * ndtr(z) + density))
