"""One Gaussian process of one value and the expected improvement of candidates, by scikit-learn.

Notation:
    n: results fitted to.
    c: candidates.
    d: dimensions of the space.
    q: columns that the process is told of a vector.

Source: expected improvement, Mockus 1975; Jones, Schonlau, Welch 1998, equation 15.
"""

import warnings
from collections.abc import Callable
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.models.predicted_objectives import Fit

Floats = NDArray[np.float64]
Vectors = NDArray[np.int64]
Kernel = Literal["rbf", "matern52"]

_NOISE: Final = (1e-6, 1.0)
_LENGTHS: Final = (1e-1, 1e3)


@final
class GaussianProcess:
    """A Gaussian process with one length scale and noise, both by maximum likelihood.

    Args:
        kernel: ``rbf``, squared exponential, or ``matern52``, Matérn with smoothness 5/2.
        columns: from index vectors ``(any, d)`` to columns ``(any, q)``, each in [0, 1].
        vectors: index vectors of the results, shape ``(n, d)``.
        values: finite, to be minimised, in any unit, shape ``(n,)``.
    """

    def __init__(self, kernel: Kernel, columns: Callable[[Vectors], Floats], vectors: Vectors, values: Floats) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

        self._columns = columns
        inputs = columns(vectors)
        length = float(np.sqrt(inputs.shape[1]))
        shape: Any = RBF(length, _LENGTHS) if kernel == "rbf" else Matern(length, _LENGTHS, nu=2.5)
        self._centre, deviation = float(values.mean()), float(values.std())
        self._scale = deviation if deviation > 1e-12 * max(1.0, abs(self._centre)) else 1.0
        targets = (values - self._centre) / self._scale
        with warnings.catch_warnings():
            # A bound that is reached, or a search cut short, leaves a usable process.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model = GaussianProcessRegressor(
                ConstantKernel(1.0, (1e-2, 1e2)) * shape + WhiteKernel(1e-2, _NOISE), alpha=1e-8
            ).fit(inputs, targets)

    def predict(self, vectors: Vectors) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation of the value without noise, each of shape ``(c,)``.

        Args:
            vectors: index vectors of the candidates, shape ``(c, d)``.
        """
        mean, deviation = self._model.predict(self._columns(vectors), return_std=True)
        noise = float(self._model.kernel_.k2.noise_level)
        latent = np.sqrt(np.maximum(deviation**2 - noise, 1e-12))
        return self._centre + self._scale * mean, self._scale * latent

    def mean(self, vectors: Vectors) -> Floats:
        """Returns the mean of the value, shape ``(c,)``, of candidates ``(c, d)``."""
        return self.predict(vectors)[0]

    def improvement(self, vectors: Vectors, best: float) -> Floats:
        """Returns the expected improvement on a value, shape ``(c,)``.

        Args:
            vectors: index vectors of the candidates, shape ``(c, d)``.
            best: the least value so far, in the unit of the values.
        """
        from scipy.stats import norm

        mean, deviation = self.predict(vectors)
        z = (best - mean) / deviation
        return np.asarray(deviation * (z * norm.cdf(z) + norm.pdf(z)))


def rbf_means(space: Space) -> Fit:
    """Returns the fit of a squared-exponential process to index vectors, which answers its mean.

    Args:
        space: that the index vectors are of.
    """
    return lambda vectors, values: GaussianProcess("rbf", space.levels, vectors, values).mean
