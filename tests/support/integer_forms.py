"""Test problems of the literature with exact fronts, in integer form over any space; pymoo's own say the objectives.

Notation:
    n: vectors.
    m: objectives.
    p: points of a front.

The first ``m - 1`` variables run along the front: each is the mean level of the bits of an equal part of the leading
units. The others lead away from it: the level of one remaining dimension each. Levels are spread evenly over [0, 1].
"""

from typing import TYPE_CHECKING, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.files.optional import needs_extra
from perfmodel.space.metrics import LOSS, PEAK, STEP_TIME
from perfmodel.space.space import Space
from search.contract.pareto import non_dominated
from search.contract.problem import AbstractProblem

if TYPE_CHECKING:
    from pymoo.core.problem import Problem

Floats = NDArray[np.float64]
Form = Literal["zdt1", "dtlz2", "dtlz7"]

OBJECTIVES: Final = (LOSS, PEAK, STEP_TIME)

# The level that every variable which leads away from the front has on it.
_ON_FRONT: Final[dict[Form, float]] = {"zdt1": 0.0, "dtlz2": 0.5, "dtlz7": 0.0}


_DECIMALS: Final = 12


@final
class IntegerForm(AbstractProblem):
    """A convex front (ZDT1), a concave one (DTLZ2) or one in pieces (DTLZ7), in made-up units.

    Args:
        form: the problem of the literature: ``zdt1``, ``dtlz2`` or ``dtlz7``.
        space: without rank 0, with more than one width.
        objectives: 2, or 3 where the form is of DTLZ.
        along: leading units whose bits run along the front, all when left out; the bits of the rest lead away from it.

    Raises:
        UserError: when the space, the number of objectives or that of the units does not fit.
        MissingExtraError: when pymoo is not installed.

    Source: Zitzler, Deb, Thiele 2000; Deb, Thiele, Laumanns, Zitzler 2005; pymoo, Blank and Deb 2020.
    """

    def __init__(self, form: Form, space: Space, objectives: int = 2, along: int | None = None) -> None:
        leading = space.units if along is None else along
        if (
            space.ranks[0] == 0
            or len(space.bits) < 2
            or objectives not in ((2,) if form == "zdt1" else (2, 3))
            or not objectives - 1 <= leading <= space.units
        ):
            raise UserError(
                f"{form} of {objectives} objectives along {leading} of {space.units} units",
                "2 objectives, or 3 of DTLZ; a unit or more for all but one of them; no rank 0, two widths or more",
                "change the space or the numbers",
            )
        super().__init__(space, OBJECTIVES[:objectives])
        self._parts = [1 + part for part in np.array_split(np.arange(leading), objectives - 1)]
        chosen = space.cardinalities > 1
        chosen[: 1 + leading] &= np.arange(1 + leading) == 0
        self._away = np.flatnonzero(chosen)
        self._form = form
        self._reference = _of_pymoo(form, objectives - 1 + len(self._away), objectives)

    def measure(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns all objectives, shape ``(n, m)``."""
        levels = self.space.levels(vectors)
        along = [levels[:, part].mean(axis=1) for part in self._parts]
        return self._values(np.column_stack([*along, levels[:, self._away]]))

    def front(self) -> Floats:
        """Returns the exact front, shape ``(p, m)``: every place along it, at the best level of all others."""
        steps = len(self.space.bits) - 1
        places = [np.arange(len(part) * steps + 1) / (len(part) * steps) for part in self._parts]
        along = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, len(places))
        best = []
        for choices in self.space.cardinalities[self._away]:
            levels = np.arange(choices) / (choices - 1)
            best.append(levels[np.abs(levels - _ON_FRONT[self._form]).argmin()])
        values = self._values(np.column_stack([along, np.tile(best, (len(along), 1))]))
        return values[non_dominated(values)]

    def _values(self, variables: Floats) -> Floats:
        values = np.asarray(self._reference.evaluate(variables), dtype=np.float64).reshape(len(variables), -1)
        # The cosine of a right angle is 0, not 6e-17: whoever takes logarithms would see nothing else.
        return values.round(_DECIMALS)


def _of_pymoo(form: Form, variables: int, objectives: int) -> "Problem":
    """Returns pymoo's problem of that many real variables in [0, 1]."""
    with needs_extra("search"):
        from pymoo.problems.many.dtlz import DTLZ2, DTLZ7
        from pymoo.problems.multi.zdt import ZDT1

    if form == "zdt1":
        return ZDT1(n_var=variables)
    return (DTLZ2 if form == "dtlz2" else DTLZ7)(n_var=variables, n_obj=objectives)
