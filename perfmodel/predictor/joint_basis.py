"""Products and bumps of several Gaussian processes at once: what depends on their training sets, for one call of each.

n   rows
g   processes
c   coordinates of all processes together
f   forms of the coordinates: min(max((x - origin) * factor, lowest), highest); the last is 1
m   centres of the process that has most; the others' are filled up with functions that are 0

A process's coordinates are used in four forms (``perfmodel.surrogates.rbf_features``), and 1 is a form too. Squares of
coordinates, coordinates times 1, and 1 itself are products as the others are: of these the bumps' exponents are sums.
"""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.surrogates.rbf_features import GaussianBasis

_FORMS = (
    (False, -np.inf, np.inf),
    (False, 0.0, np.inf),
    (False, 0.0, 1.0),
    (True, 0.0, 1.0),
)
"""The coordinate in its range, where it is positive, its share of the range, and 1 less that."""


@final
class JointBasis:
    """The functions of several bases that are neither summary columns nor hats.

    Args:
        bases: of the models, shape ``(g,)``; one without columns has neither products nor bumps.
        places: of the columns that are read, by name.
    """

    def __init__(self, bases: Sequence[GaussianBasis], places: Mapping[str, int]) -> None:
        coordinates = [places[name] for each in bases for name in each.names]
        low = np.concatenate([each.low for each in bases])
        span = np.concatenate([each.span for each in bases])
        count = len(coordinates)
        self._columns = np.array([*coordinates * len(_FORMS), places["one"]], dtype=np.intp)
        turned = [(low + span, -1 / span) if turn else (low, 1 / span) for turn, _, _ in _FORMS]
        origin, factor = (np.concatenate(each) for each in zip(*turned, strict=True))
        lowest, highest = (np.repeat([form[end] for form in _FORMS], count) for end in (1, 2))
        # Rows of their own: for one row NumPy then has nothing to broadcast, which costs more than the arithmetic.
        self._origin, self._factor = np.append(origin, 0.0)[None], np.append(factor, 1.0)[None]
        self._lowest, self._highest = np.append(lowest, -np.inf)[None], np.append(highest, np.inf)[None]
        self._set_products(bases, count)
        self._set_bumps(bases, count)

    def columns(self, process: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Returns where a process's products and bumps lie, counting all products before all bumps."""
        first = self._exponents.shape[0] + sum(self._products[:process])
        bumps = len(self._first) + process * self._whitening.shape[1]
        return (
            np.arange(first, first + self._products[process]),
            np.arange(bumps, bumps + self._bumps[process]),
        )

    def values(self, columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the products, shape ``(n, ...)``, and the bumps, shape ``(g, n, m)``.

        Args:
            columns: that are read, shape ``(n, ...)``.
        """
        forms = columns.take(self._columns, axis=1)
        forms -= self._origin
        forms *= self._factor
        np.maximum(forms, self._lowest, out=forms)
        np.minimum(forms, self._highest, out=forms)
        products = forms.take(self._first, axis=1)
        products *= forms.take(self._second, axis=1)
        bumps = products[:, : len(self._exponents)] @ self._exponents
        np.exp(bumps, out=bumps)
        stacked = bumps.reshape(len(columns), *self._whitening.shape[:2]).transpose(1, 0, 2)
        return products, np.matmul(stacked, self._whitening)

    def _set_products(self, bases: Sequence[GaussianBasis], count: int) -> None:
        """Sets the factors of the products: those that the exponents are made of, then each process's own."""
        own, one = np.arange(count), np.array([len(self._columns) - 1])
        first, second = [own, own, one], [own, np.repeat(one, count), one]
        start = 0
        for each in bases:
            for side, factors in ((first, each.factor_places[0]), (second, each.factor_places[1])):
                form, coordinate = np.divmod(factors, max(1, len(each.names)))
                side.append(form * count + start + coordinate)
            start += len(each.names)
        self._first, self._second = (np.concatenate(side).astype(np.intp) for side in (first, second))
        self._products = [len(each.factor_places[0]) for each in bases]

    def _set_bumps(self, bases: Sequence[GaussianBasis], count: int) -> None:
        """Sets what makes -d^2 / 2 length^2 of squares, coordinates and 1, and what makes the bumps independent."""
        self._bumps = [len(each.centres) for each in bases]
        most = max(self._bumps)
        self._exponents = np.zeros((2 * count + 1, len(bases) * most))
        self._whitening = np.zeros((len(bases), most, most))
        start = 0
        for index, each in enumerate(bases):
            bumps = slice(index * most, index * most + len(each.centres))
            free = start + each.free[: each.centres.shape[1]]
            self._exponents[free, bumps] = -0.5 / each.length**2
            self._exponents[count + free, bumps] = each.centres.T / each.length**2
            self._exponents[-1, bumps] = -0.5 * (each.centres**2).sum(axis=1) / each.length**2
            self._whitening[index, : len(each.centres), : len(each.centres)] = each.whitening
            start += len(each.names)
