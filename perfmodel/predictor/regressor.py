"""A surrogate as scikit-learn knows regressors: for pipelines, searches over settings and scikit-learn's own scores."""

from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.registry import surrogate_class


@final
class SurrogateRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A regressor around one surrogate.

    Give it a feature table (``perfmodel.features.columns``), or any table of numbers: the surrogates then see columns
    that mean nothing in particular. Rows with the same ``groups`` are runs of one configuration.

    Args:
        surrogate: name of the surrogate, one of ``perfmodel.surrogates.registry.SURROGATES``.
        log_target: whether log(y) is modelled; targets must then be positive.
        seed: of every random choice, 0 or more.

    Attributes:
        surrogate_: the fitted surrogate.
        n_features_in_: number of columns that it was fitted to.
        feature_names_in_: their names, where they are known.
    """

    def __init__(self, surrogate: str = "additive", *, log_target: bool = False, seed: int = 0) -> None:
        self.surrogate = surrogate
        self.log_target = log_target
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:  # noqa: N803
        """Returns the regressor itself, fitted.

        Args:
            X: table of numbers, shape ``(n, q)``.
            y: values to learn, in any unit, shape ``(n,)``.
            groups: configuration of each row, shape ``(n,)``; each row is one of its own where left out.

        Raises:
            UnknownNameError: when the surrogate does not exist.
            UserError: when a value is not positive under ``log_target``.
            ValueError: when the shapes or types are none that scikit-learn takes.
        """
        values, target = validate_data(self, X, y, y_numeric=True, dtype=np.float64, ensure_min_samples=2)
        names = np.arange(len(target)) if groups is None else np.asarray(groups)
        model = surrogate_class(self.surrogate)(log_target=self.log_target, seed=self.seed)
        self.surrogate_: AbstractSurrogate = model.fit(
            self._matrix(values), np.asarray(target, dtype=np.float64), names
        )
        return self

    def predict(
        self,
        X: Any,  # noqa: N803
        *,
        return_std: bool = False,
    ) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns predicted means, shape ``(n,)``; with ``return_std`` also the standard deviations of one new run.

        Args:
            X: table of numbers, shape ``(n, q)``.
            return_std: as scikit-learn's Gaussian process has it.

        Raises:
            NotFittedError: scikit-learn's, before ``fit``.
            ValueError: when the columns are not those of ``fit``.
        """
        check_is_fitted(self)
        values = validate_data(self, X, reset=False, dtype=np.float64)
        posterior = self.surrogate_.posterior(self._matrix(values))
        return (posterior.mean, posterior.std) if return_std else posterior.mean

    def __sklearn_tags__(self) -> Any:
        """Returns what scikit-learn should expect: a constant scores nothing."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = self.surrogate == "constant"
        return tags

    def _matrix(self, values: NDArray[np.float64]) -> FeatureMatrix:
        names = getattr(self, "feature_names_in_", [f"x{index}" for index in range(values.shape[1])])
        return FeatureMatrix(tuple(map(str, names)), values)
