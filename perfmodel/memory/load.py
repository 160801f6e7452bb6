"""The batch that peaks, as traces of one setting recorded it."""

from collections.abc import Sequence

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.memory.step import Load
from perfmodel.traces.trace import Trace


def typical_load(traces: Sequence[Trace]) -> Load:
    """Returns the batch that peaks, by the median over traces.

    Args:
        traces: of one setting.

    Raises:
        NotEnoughTracesError: when no trace recorded its largest batch.
    """
    tokens = [each for trace in traces if (each := trace.measured.largest_batch_tokens) is not None]
    answers = [each for trace in traces if (each := trace.measured.largest_batch_answer_tokens) is not None]
    if not tokens or not answers:
        raise NotEnoughTracesError("no trace recorded its largest batch", "memory follows from it", "collect traces")
    batch = traces[0].asked.setting.recipe.batch_size
    return Load(batch, round(float(np.median(tokens)) / batch), round(float(np.median(answers))))
