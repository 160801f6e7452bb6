"""What a run will do and about how long it takes, before it does anything."""

from statistics import median

from datasets_cache import Task
from reports.figures.quantity import counted
from reports.run.run import Run
from reports.run.trial_plans import planned_trials
from reports.run.trial_time import trial_seconds


def outlook(run: Run) -> str:
    """Returns a sentence: the fine-tunes of each stage, and the minutes that they take by the published traces.

    Fine-tunes that the run's store already holds are not run again, so that a run that goes on takes less.

    Args:
        run: that is about to begin.
    """
    collected, validated = len(planned_trials(run)), most_validations(run)
    times = [seconds for trace in run.shelf_traces if (seconds := trial_seconds(trace)) is not None]
    text = (
        f"{run.suite.name}: {run.suite.model} on {run.setting.task_name} ({run.device_class}), {_told(run.task)}. "
        f"Collect runs {counted(collected, 'fine-tune')}; fit and search learn from them and from "
        f"{counted(len(run.shelf_traces), 'published trace')}; validate runs up to {counted(validated, 'fine-tune')}"
    )
    if run.suite.fit.shelf and not run.shelf_traces:
        text += f" ({run.suite.fit.shelf} has none of this task and recipe, so the run makes enough of its own)"
    if not times:
        times = _times_elsewhere(run)
    if not times:
        return f"{text}. How long one takes is known after the first."
    minutes = (collected + validated) * median(times) / 60 / run.workers
    return f"{text}. The fine-tunes take about {max(1, round(minutes))} minutes where nothing else runs."


def _told(task: Task) -> str:
    """Returns what a task is, and how many examples its splits have."""
    sizes = f"{len(task.train)} to train, {len(task.calibration)} to calibrate, {len(task.held_out)} held out"
    return f"{task.description} ({sizes})"


def _times_elsewhere(run: Run) -> list[float]:
    """Returns the seconds of published fine-tunes of this model and recipe on other tasks."""
    return [
        seconds
        for trace in (run.shelf.traces if run.shelf else ())
        if trace.asked.setting.model_sha256 == run.setting.model_sha256
        and trace.asked.setting.recipe == run.setting.recipe
        and trace.asked.setting.device_class == run.device_class
        and (seconds := trial_seconds(trace)) is not None
    ]


def most_validations(run: Run) -> int:
    """Returns how many fine-tunes the validation makes at most."""
    section = run.suite.validation
    references = section.references * min(section.reference_runs, len(section.seeds))
    return section.front * len(section.seeds) + references + section.random
