"""What a searcher is judged on: configurations in, losses and budget violations out.

Notation:
    n: configurations.
    d: dimensions of the space, ``1 + 2 * units``.
    m: objectives, all minimised.
    k: measured metrics, ``k >= m``; a budget may name one that is no objective.

A back end says only what each configuration measures. Directions are flipped and budgets are charged here, once,
so a table, a surrogate and live fine-tunes are judged alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InfeasibleBudgetError, UnknownNameError, UserError
from perfmodel.space.metrics import metric
from perfmodel.space.space import Configuration, Space

Predict = Callable[[NDArray[np.int64]], NDArray[np.float64]]


@final
@dataclass(frozen=True)
class Evaluation:
    """Losses and violations of some configurations; a row of NaN is a trial that measured nothing.

    Args:
        objectives: shape ``(n, m)``, minimised.
        violations: shape ``(n,)``, 0 where the budget is met, else the excess relative to the limit.

    Raises:
        UserError: when the shapes disagree or a violation is negative.
    """

    objectives: NDArray[np.float64]
    violations: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuses shapes and signs that no problem gives."""
        if (
            self.objectives.ndim != 2
            or self.violations.shape != self.objectives.shape[:1]
            or (self.violations < 0).any()
        ):
            raise UserError(
                f"objectives {self.objectives.shape} with violations {self.violations.shape}",
                "shapes (n, m) and (n,), violations of 0 or more",
                "give one violation a row",
            )

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Rows with a finite value everywhere, shape ``(n,)``."""
        return np.isfinite(self.objectives).all(axis=1) & np.isfinite(self.violations)


class AbstractProblem(ABC):
    """Objectives over a space, under a budget.

    Args:
        space: the legal configurations.
        objectives: names of the metrics to trade off, ``m`` of them.
        metrics: names of the ``k`` columns of ``measure``; the objectives when left out.
        budget: limit of each budgeted metric in its own unit: a ceiling for a minimised metric, else a floor.

    Raises:
        UnknownNameError: when an objective or a budgeted metric is not measured.
        InfeasibleBudgetError: when a limit is not above 0.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        *,
        metrics: Sequence[str] | None = None,
        budget: Mapping[str, float] | None = None,
    ) -> None:
        self.space = space
        self.objectives = tuple(objectives)
        self.metrics = tuple(objectives if metrics is None else metrics)
        self.budget = dict(budget or {})
        for name in (*self.objectives, *self.budget):
            if name not in self.metrics:
                raise UnknownNameError(
                    f"{name!r} is not measured here", f"measured are {', '.join(self.metrics)}", "choose among these"
                )
        for name, limit in self.budget.items():
            if not limit > 0:
                raise InfeasibleBudgetError(f"budget {name} is {limit}", "limits are above 0", "raise the limit")
        self._signs = np.asarray([metric(name).to_loss(1.0) for name in self.metrics])
        self._columns = [self.metrics.index(name) for name in self.objectives]

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares of the full training after which it can measure, rising, the last one 1."""
        return (1.0,)

    @abstractmethod
    def measure(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns metric values in their own units, shape ``(n, k)``, NaN where a trial failed.

        Args:
            vectors: index vectors of legal configurations, shape ``(n, d)``.
        """

    def measure_early(self, vectors: NDArray[np.int64], at: float) -> NDArray[np.float64]:
        """Returns what ``measure`` returns, of trainings cut short; a problem of more ``fidelities`` answers here.

        Args:
            vectors: index vectors of legal configurations, shape ``(n, d)``.
            at: share of the full training, below 1.

        Raises:
            UserError: when the problem does not measure there.
        """
        raise UserError(
            f"{len(vectors)} configurations at {at:g} of the training",
            f"this problem measures at {', '.join(f'{share:g}' for share in self.fidelities)}",
            "ask for one of these, or give the searcher no other fidelities",
        )

    @final
    def evaluate(self, configurations: Sequence[Configuration], at: float = 1.0) -> Evaluation:
        """Returns the evaluation of ``n`` configurations.

        Args:
            configurations: ``n`` legal configurations of the space.
            at: share of the full training after which they are measured.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
            UserError: when the problem does not measure at that share.
        """
        return self.evaluate_vectors(self.space.encode(configurations), at)

    @final
    def evaluate_vectors(self, vectors: NDArray[np.int64], at: float = 1.0) -> Evaluation:
        """Returns the evaluation of index vectors, without building configurations.

        Args:
            vectors: of legal configurations, shape ``(n, d)``.
            at: share of the full training after which they are measured, above 0, at most 1.

        Raises:
            UserError: when the back end's answer is not of shape ``(n, k)``, or it does not measure at that share.
        """
        measured = self.measure(vectors) if at == 1.0 else self.measure_early(vectors, at)
        values = np.asarray(measured, dtype=np.float64)
        if values.shape != (len(vectors), len(self.metrics)):
            raise UserError(
                f"measured values of shape {values.shape}",
                f"shape {(len(vectors), len(self.metrics))}, columns {', '.join(self.metrics)}",
                "give one column a metric",
            )
        losses = values * self._signs
        violations = np.zeros(len(vectors))
        for name, limit in self.budget.items():
            column = self.metrics.index(name)
            excess = losses[:, column] / limit - self._signs[column]
            violations += np.maximum(excess, 0.0)
        return Evaluation(losses[:, self._columns], violations)


@final
class SurrogateProblem(AbstractProblem):
    """A problem answered by a fitted performance model.

    Args:
        space: the legal configurations.
        objectives: names of the metrics to trade off.
        predict: from index vectors ``(n, d)`` to metric values ``(n, k)`` in their own units.
        metrics: names of the columns of ``predict``; the objectives when left out.
        budget: limit of each budgeted metric.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        predict: Predict,
        *,
        metrics: Sequence[str] | None = None,
        budget: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(space, objectives, metrics=metrics, budget=budget)
        self._predict = predict

    def measure(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the model's predictions, shape ``(n, k)``."""
        return self._predict(vectors)
