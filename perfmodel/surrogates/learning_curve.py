"""Loss after fewer steps: a model for each recorded step of the learning curves.

Between two recorded steps the location runs straight in log2(1 + step), on which the recorded steps (0, ..., steps/4,
steps/2, steps) lie evenly; nothing was measured there, so the spread is the larger of the two.
"""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from perfmodel.errors import UserError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior
from perfmodel.traces.trace import Trace


def recorded_steps(traces: Sequence[Trace]) -> tuple[int, ...]:
    """Returns the steps before the last at which every trace has a loss, rising.

    Args:
        traces: of one setting, that ended well.
    """
    if not traces:
        return ()
    curves = [set(trace.measured.curve_steps) for trace in traces]
    last = traces[0].asked.setting.recipe.steps
    return tuple(sorted(step for step in set.intersection(*curves) if step < last))


@final
class LearningCurve:
    """Posterior of the loss at any step up to the last.

    Args:
        steps: recorded steps before the last, rising, with a model each.
        last: the last step, whose posterior is the predictor's own.
    """

    def __init__(self, steps: Mapping[int, AbstractSurrogate], last: int) -> None:
        self.steps = dict(sorted(steps.items()))
        self.last = last

    def posterior(self, step: int, features: FeatureMatrix, at_last: Posterior) -> Posterior:
        """Returns the loss after so many steps.

        Args:
            step: from the first recorded one to the last.
            features: of the configurations asked about, n rows.
            at_last: posterior of the loss at the last step, of the same n rows.

        Raises:
            UserError: when the step lies outside the recorded ones.
        """
        known = (*self.steps, self.last)
        if not known[0] <= step <= known[-1]:
            raise UserError(
                f"the loss after {step} steps",
                f"the learning curves of the traces reach from step {known[0]} to step {known[-1]}",
                "ask for a step between these",
            )
        above = next(index for index, each in enumerate(known) if each >= step)
        upper = self._at(known[above], features, at_last)
        if known[above] == step:
            return upper
        lower = self._at(known[above - 1], features, at_last)
        start, end = np.log2(1 + known[above - 1]), np.log2(1 + known[above])
        share = float((np.log2(1 + step) - start) / (end - start))
        return Posterior(
            (1 - share) * lower.location + share * upper.location,
            np.maximum(lower.scale, upper.scale),
            upper.log,
            max(lower.noise or 0.0, upper.noise or 0.0),
        )

    def _at(self, step: int, features: FeatureMatrix, at_last: Posterior) -> Posterior:
        return at_last if step == self.last else self.steps[step].posterior(features)
