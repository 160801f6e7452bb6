"""Intervals of the closed form of the peak: it learns nothing of a configuration, and the largest batch is the seed's.

    n   traces
    k   repeats of the cross-validation
    K   seeds

Traces of one seed share the batch that peaks, so they are no independent evidence of where the next seed's peak lies:
the calibration weighs seeds alike, as it weighs configurations elsewhere (``perfmodel.evaluation.conformal``). Of K
seeds the interval can promise K / (K + 1) at most.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perfmodel.evaluation.conformal import Conformal
from perfmodel.evaluation.out_of_fold import INTERVAL_LEVEL, OutOfFold
from perfmodel.evaluation.selection import Judged, cross_validate
from perfmodel.features.training_data import TrainingData
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.surrogates.closed_form import ClosedFormSurrogate
from perfmodel.surrogates.contract import Posterior


def judged_by_seed(judged: Judged, data: TrainingData, seeds: NDArray[np.int64], seed: int) -> Judged:
    """Returns what was judged, the closed form's intervals calibrated by the seeds of the traces.

    Args:
        judged: with the closed form's score last.
        data: of the peak, n rows.
        seeds: of the traces, shape ``(n,)``.
        seed: of splits and bootstrap.
    """
    result = cross_validate(data, ClosedFormSurrogate.kind, seed=seed)
    everything = np.ones(len(seeds), dtype=bool)
    whole = _calibration(result, seeds, everything)
    apart = np.abs(data.target - result.location) / result.scale
    inside = np.zeros(len(seeds))
    for each in np.unique(seeds):
        own = seeds == each
        others = whole if own.all() else _calibration(result, seeds, ~own)
        inside[own] = (apart[:, own] <= others.half_width(INTERVAL_LEVEL)).mean(axis=0)
    weights = group_weights(data.groups, seed=seed)
    width = 2 * whole.half_width(INTERVAL_LEVEL) * result.scale.mean(axis=0)
    *rest, own_score = judged.scores
    known = {
        "coverage_90": estimate(weights @ inside / weights.sum(axis=1)),
        "width_90": estimate((weights @ width) / (weights @ np.abs(data.target))),
    }
    return Judged(
        [*rest, replace(own_score, scores={**own_score.scores, **known})],
        judged.calibrations | {ClosedFormSurrogate.kind: whole},
    )


def _calibration(result: OutOfFold, seeds: NDArray[np.int64], rows: NDArray[np.bool_]) -> Conformal:
    repeats = len(result.location)
    posterior = Posterior(result.location[:, rows].ravel(), result.scale[:, rows].ravel(), log=False)
    return Conformal.calibrate(posterior, np.tile(result.observed[rows], repeats), np.tile(seeds[rows], repeats))
