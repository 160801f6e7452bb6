"""Which axes the traces of a predictor do not tell apart from a change of seed: along them it predicts little."""

from collections.abc import Mapping, Sequence

from perfmodel.effects.axis_effects import axis_effects
from perfmodel.errors import NotEnoughTracesError
from perfmodel.space.metrics import ACCURACY, LOSS
from perfmodel.traces.trace import Trace

JUDGED = (LOSS, ACCURACY)
"""Metrics whose runs differ by their seed. Memory follows from the configuration, and time from the machine."""


def unresolved_axes(traces: Sequence[Trace], metrics: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns, by metric, the axes that are not shown to move it by more than a change of seed does.

    A metric is left out where too few configurations were run with several seeds to judge its axes.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        metrics: names of metrics; those that are not of ``JUDGED`` are left out.

    Raises:
        UserError: when the traces mix settings.
    """
    found = {}
    for metric in metrics:
        if metric in JUDGED:
            try:
                axes = axis_effects(traces, metric).axes
            except NotEnoughTracesError:
                continue
            found[metric] = tuple(each.axis for each in axes if each.verdict != "matters")
    return found


def unresolved_text(unresolved: Mapping[str, Sequence[str]], metrics: Sequence[str]) -> str:
    """Returns the axes that are not resolved as one text, such as ``held_out_loss: rank; accuracy: not judged``.

    Args:
        unresolved: what ``unresolved_axes`` returned.
        metrics: names of the metrics that the text is about; those that are not of ``JUDGED`` are left out.
    """
    told = {metric: unresolved.get(metric, ("not judged",)) for metric in metrics if metric in JUDGED}
    return "; ".join(f"{metric}: {', '.join(axes)}" for metric, axes in told.items() if axes)
