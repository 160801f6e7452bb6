"""How long a fine-tune takes, from its record."""

from perfmodel.traces.trace import Trace


def trial_seconds(trace: Trace) -> float | None:
    """Returns the seconds of a whole fine-tune: preparation, steps and evaluations; None where its times are not known.

    Args:
        trace: of the fine-tune.
    """
    measured, recipe = trace.measured, trace.asked.setting.recipe
    if not (trace.ok and measured.step_time_s and measured.eval_time_s and measured.prepare_time_s):
        return None
    evaluating = len(recipe.curve_steps()) * measured.eval_time_s
    return measured.prepare_time_s + recipe.steps * measured.step_time_s + evaluating
