"""A trace as a search sees it: what a training cut short had measured, and how long it took."""

from collections.abc import Sequence
from dataclasses import replace

from perfmodel.errors import NotEnoughTracesError
from perfmodel.traces.trace import Trace


def shares(traces: Sequence[Trace]) -> tuple[float, ...]:
    """Returns the shares of the full training at which every usable trace has its loss, rising, the last one 1.

    Args:
        traces: measured, all of one setting.

    Raises:
        NotEnoughTracesError: when no trial ended well.
    """
    usable = [trace for trace in traces if trace.ok]
    if not usable:
        raise NotEnoughTracesError("no trace ended well", "one or more are needed", "collect traces first")
    common = set.intersection(*(set(trace.measured.curve_steps) for trace in usable)) - {0}
    steps = usable[0].asked.setting.recipe.steps
    return (*sorted(step / steps for step in common if step < steps), 1.0)


def cut_short(trace: Trace, share: float) -> Trace:
    """Returns the trace of the same training stopped at a share of its steps, from its own learning curve.

    Loss and, where it was recorded, accuracy are those of that step; memory and step time do not depend on it.

    Args:
        trace: of a whole training that ended well.
        share: of the full training, above 0, at most 1.

    Raises:
        UserError: when the learning curve has no such point.
    """
    if share == 1.0:
        return trace
    step = round(share * trace.asked.setting.recipe.steps)
    measured = trace.measured
    accuracies = dict(zip(measured.curve_steps, measured.curve_accuracies, strict=False))
    early = replace(measured, held_out_loss=trace.loss_at(step), accuracy=accuracies.get(step))
    return replace(trace, measured=early)


def trial_seconds(trace: Trace, share: float) -> float | None:
    """Returns the seconds of a trial stopped at a share of its steps, None where its times were not measured.

    Preparing, the steps, and the evaluations up to there.

    Args:
        trace: of a whole training.
        share: of the full training, above 0, at most 1.
    """
    measured, steps = trace.measured, share * trace.asked.setting.recipe.steps
    if measured.prepare_time_s is None or measured.step_time_s is None or measured.eval_time_s is None:
        return None
    evaluations = sum(step <= round(steps) for step in measured.curve_steps)
    return measured.prepare_time_s + steps * measured.step_time_s + evaluations * measured.eval_time_s
