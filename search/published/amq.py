"""AMQ: sensitive units frozen at the highest width, then a predictor and NSGA-II in rounds."""

from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import predicted_objectives
from search.models.sklearn_gp import rbf_means
from search.moves.fixed_choices import FixedChoices
from search.published.predicted_front import predicted_front

_FROZEN: Final = 2.0


@final
class AMQ(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank.

    Widths are those up to ``highest``, which the paper's 2, 3 and 4 bits are. Units whose sensitivity exceeds twice the
    median are kept at the highest, which prunes the space. ``initial`` configurations train a predictor: the lowest and
    the highest widths everywhere, then draws, each with probabilities of the widths of its own, so that mean widths
    spread. Each round, NSGA-II on the predictor proposes ``fresh`` configurations, which are evaluated and join the
    training set.

    Departs from the paper in its numbers, a fifth of the paper's 250 first and 50 a round, so that rounds begin within
    50 fine-tunes; in its predictor, a Gaussian process, fitted to the front and the latest 400 results; and in that
    rate and rank are named, since AMQ knows neither.

    Args:
        setup: its knowledge holds ``sensitivities``; ``memory`` is not modelled where it is there.
        initial: results awaited before the first round, 2 or more.
        fresh: proposals of one round, 1 or more.
        highest: most bits of a unit, 2 or more; where the space has only wider ones, its lowest width is taken.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_freezing: 1, or 0 to search the sensitive units as well.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: AMQ, arXiv 2509.12019.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)
    uses: ClassVar[tuple[str, ...]] = ("memory",)

    def __init__(
        self,
        setup: Setup,
        *,
        initial: int = 50,
        fresh: int = 10,
        highest: int = 4,
        rank: int = 8,
        percent: int = 0,
        with_freezing: int = 1,
    ) -> None:
        super().__init__(setup)
        require_at_least(initial=(initial, 2), fresh=(fresh, 1), highest=(highest, 2))
        self._initial, self._fresh = initial, fresh
        self._fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        divergence = self.knowledge.damage(self.space)[:, 0]
        self._widths = max(1, sum(bits <= highest for bits in self.space.bits))
        self._frozen = (divergence > _FROZEN * np.median(divergence)) & bool(with_freezing)
        self._round = np.empty((0, 1 + 2 * self.space.units), dtype=np.int64)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            corners = np.repeat([[0], [self._widths - 1]], self.space.units, axis=1)
            return self._held(self._fixed.with_bits(np.concatenate([corners, self._drawn(2 * n)])))
        if len(self._visited.new(self._round)) == 0:
            self._round = predicted_front(
                self.space,
                predicted_objectives(self._archive, self.knowledge, rbf_means(self.space)),
                self._archive.vectors[self._archive.front()],
                self._visited,
                self._fresh,
                int(self._rng.integers(1 << 31)),
                self._held,
            )
            self._round = self._rng.permutation(self._round)
        return self._round

    def _drawn(self, n: int) -> NDArray[np.int64]:
        """Returns random widths, each configuration's drawn by probabilities of its own, shape ``(n, U)``."""
        edges = self._rng.dirichlet(np.ones(self._widths), size=n).cumsum(axis=1)[:, :-1]
        drawn = self._rng.random((n, self.space.units))
        return np.asarray((drawn[:, :, None] > edges[:, None, :]).sum(axis=2))

    def _held(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors with the frozen units, the rate and the ranks set, shape ``(n, d)``."""
        bits = np.minimum(vectors[:, 1 : 1 + self.space.units], self._widths - 1)
        return self._fixed.with_bits(np.where(self._frozen, self._widths - 1, bits))
