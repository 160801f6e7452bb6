"""What the searches of a run know before its first fine-tune, each fact worked out only where a searcher uses it."""

from collections.abc import Collection, Sequence

from datasets_cache.shelf.sensitivities import load_sensitivities
from perfmodel.errors import InvalidSuiteError, UnknownNameError, UserError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.memory.load import BatchLoad
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import PEAK
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting
from reports.run.progress import bar
from reports.run.run import Run
from search.contract.knowledge import Knowledge, Memory
from search.knowledge_of import facts_wanted, fit_priors, knowledge_of, known_peak, other_tasks, untrained_losses
from search.registry import SEARCHERS

_FILE = "search/sensitivities.json"


def run_knowledge(run: Run, names: Sequence[str], memory: Memory) -> Knowledge:
    """Returns what the searchers of a run are given.

    Args:
        run: its setting, space, objectives, budget and shelf.
        names: of the searchers, keys of ``SEARCHERS``.
        memory: from index vectors ``(n, d)`` to the peak of training memory in bytes, shape ``(n,)``.

    Raises:
        InvalidSuiteError: when a searcher needs sensitivities that cannot be measured.
    """
    wanted, others = facts_wanted(names), {}
    if "prior" in wanted and run.shelf is not None:
        others = other_tasks(run.shelf.traces, run.setting, run.space)
    with bar(f"{len(others)} other tasks", None):
        predictors = fit_priors(others, run.space, run.architecture)
    return knowledge_of(
        run.suite.objectives,
        run.suite.budget,
        memory,
        sensitivities=run_sensitivities(run, names) if "sensitivities" in wanted else None,
        others=predictors,
        untrained=untrained_losses(run.shelf_traces, run.space) if "untrained" in wanted else None,
    )


def run_sensitivities(run: Run, names: Collection[str]) -> Sensitivities | None:
    """Returns the sensitivities of a run's model on its task; measured now where a searcher needs them, once a run.

    Args:
        run: its base model, task, units, widths and methods.
        names: of the searchers, keys of ``SEARCHERS``.

    Raises:
        InvalidSuiteError: when a searcher needs them and they cannot be measured.
    """
    found = known_sensitivities(run.setting, run.space)
    if found is None and (run.folder / _FILE).is_file():
        kept = Sensitivities.load(run.folder / _FILE)
        measured_all = set(run.space.bits) - {16} <= set(kept.widths)
        found = kept if measured_all and _are_of(kept, run.setting, run.space) else None
    needing = [name for name in names if "sensitivities" in SEARCHERS[name].needs]
    if found is not None or not needing:
        return found
    from collectors.sensitivities import measure_sensitivities, steps_of

    unit, widths = run.suite.space.unit, tuple(bits for bits in run.space.bits if bits != 16)
    run.say(f"sensitivities of {run.setting.model} on {run.setting.task} are measured for {', '.join(needing)}")
    try:
        with bar("sensitivities", steps_of(run.base_model, unit, widths)) as advance:
            measured = measure_sensitivities(
                run.base_model,
                run.task,
                unit=unit,
                widths=widths,
                max_length=run.suite.recipe.max_length,
                methods=run.space.methods,
                device_class=run.device_class,
                advance=advance,
            )
    except UserError as error:
        raise InvalidSuiteError(
            f"search.evaluations names {', '.join(needing)}, and sensitivities cannot be measured here: {error}",
            "searchers that need sensitivities, where these can be measured",
            "leave these searchers out, or change model, task or methods",
        ) from error
    measured.save(run.folder / _FILE)
    return measured


def predicted_memory(run: Run, predictor: Predictor) -> Memory:
    """Returns the peak of training memory as a search on the predictor is charged for it: vectors to bytes ``(n,)``.

    Args:
        run: its setting and space.
        predictor: of the run; where it does not predict the peak, the closed form stands in.
    """
    if PEAK not in predictor.metrics:
        return closed_form_memory(run, run.suite.search.seed)
    column = predictor.metrics.index(PEAK)
    return lambda vectors: predictor.predict_mean(vectors)[:, column]


def closed_form_memory(run: Run, seed: int) -> Memory:
    """Returns the closed form of the peak of training memory: index vectors ``(n, d)`` to bytes ``(n,)``.

    The batch is the longest of the training, with the most answer tokens of any.

    Args:
        run: its setting and space.
        seed: of the trials, which decides what stands together in a batch.
    """
    from collectors.device.step_loads import step_loads, training_examples

    space = run.space
    largest_one = Configuration.uniform(space.units, bits=space.bits[-1], rank=space.ranks[-1])
    loads = step_loads(Asked(run.setting, largest_one, seed, ""), training_examples(run.setting))
    largest = max(loads, key=lambda each: each.length)
    load = BatchLoad(largest.batch_size, largest.length, max(each.answer_tokens for each in loads))
    return known_peak(run.architecture, space, run.setting, load)


def known_sensitivities(setting: Setting, space: Space) -> Sensitivities | None:
    """Returns the stored record of a setting's own model and task, None where there is none.

    Args:
        setting: whose model and task are meant.
        space: whose units and methods it must be of.
    """
    try:
        found = load_sensitivities(setting.model, setting.task)
    except UnknownNameError:
        return None
    return found if _are_of(found, setting, space) else None


def _are_of(found: Sensitivities, setting: Setting, space: Space) -> bool:
    own = (found.model_sha256, found.task_sha256, found.methods, len(found.kl))
    return own == (setting.model_sha256, setting.task_sha256, space.methods, space.units)
