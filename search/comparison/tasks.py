"""Tasks to search on: predictors of measured traces, measured noise, known memory and simulated cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perfmodel.errors import NotEnoughTracesError, unknown_name
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.files.checksum import sha256_of, sha256_of_json
from perfmodel.files.state_file import read_state, write_state
from perfmodel.memory.load import BatchLoad, typical_load
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.space import Configuration, Space
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.trace import Trace
from search.benchmark.backends import SurrogateBackend, TableBackend
from search.benchmark.costs import AbstractCost, MeasuredCost, ModelledCost
from search.benchmark.noise import MeasuredNoise
from search.benchmark.problem import BenchmarkProblem
from search.benchmark.truncated_traces import cut_short, shares
from search.comparison.runs import SearchTask, file_name
from search.knowledge_of import fit_priors, knowledge_of, known_peak, of_space, untrained_losses

OBJECTIVES = (LOSS, PEAK)

UNIFORM_BITS, UNIFORM_RANK = 4, 8

_VERSION = 1
_PRIOR = "prior"


@dataclass(frozen=True)
class StoredTasks:
    """Reads the tasks that ``store_task`` wrote: small enough to send to a worker process, equal by value.

    Args:
        folder: where the comparison keeps its files.
        profile: of a device whose time model gives the simulated seconds; None for the traces' own times.
        budget: bytes of peak memory that must not be exceeded, None for no limit.
        table: whether the measured traces alone answer, and no predictor of them.
    """

    folder: Path
    profile: Path | None = None
    budget: float | None = None
    table: bool = False

    def __call__(self, task: str) -> SearchTask:
        """Returns a task to search on.

        Raises:
            CorruptFileError: when a file of it is missing or damaged.
        """
        place = self.folder / "tasks" / file_name(task)
        body = read_state(place / "task.json", "comparison task", _VERSION)
        traces = read_traces(place / "traces.parquet")
        predictors = {float(share): Predictor.load(place / name) for share, name in body["predictors"].items()}
        space = predictors[1.0].record.space
        architecture, recipe = predictors[1.0].record.architecture, predictors[1.0].setting.recipe
        load = BatchLoad(**body["load"])
        memory = known_peak(architecture, space, predictors[1.0].setting, load)
        objectives = tuple(body.get("objectives", OBJECTIVES))
        columns = [(name, share) for share in predictors for name in objectives]
        noise = MeasuredNoise.from_traces(traces, columns)
        surrogate = SurrogateBackend(predictors, noise, {OBJECTIVES[1]: memory})
        cost: AbstractCost = MeasuredCost(space, traces)
        if self.profile is not None:
            cost = ModelledCost(space, architecture, recipe, load, DeviceProfile.load(self.profile))
        budget = {} if self.budget is None else {OBJECTIVES[1]: self.budget}
        known = _stored_facts(place, body.get("others", ()))
        known["untrained"] = untrained_losses(traces, space)
        knowledge = knowledge_of(objectives, budget, memory, **known, fidelities=tuple(predictors))

        def problem(seed: int | None) -> BenchmarkProblem:
            return BenchmarkProblem(
                space,
                objectives,
                {"surrogate": surrogate, "table": TableBackend(space, traces)},
                steps=recipe.steps,
                cost=cost,
                budget=budget,
                backend="table" if self.table else "surrogate",
                noise=seed is not None,
                seed=seed or 0,
            )

        if not self.table:
            return SearchTask(self._identity(place), problem, knowledge, uniform_vector(space))
        measured = list(dict.fromkeys(trace.asked.configuration for trace in of_space(traces, space)))
        return SearchTask(self._identity(place), problem, knowledge, None, space.encode(measured))

    def _identity(self, place: Path) -> str:
        """Returns a digest of everything that decides what searchers are told."""
        names = sorted(path for path in place.rglob("*") if path.is_file())
        known = {path.relative_to(place).as_posix(): sha256_of(path) for path in names}
        known |= {"profile": sha256_of(self.profile) if self.profile else "", "budget": str(self.budget)}
        known |= {"table": "alone"} if self.table else {}
        return sha256_of_json(known)[:16]


def _stored_facts(place: Path, others: Sequence[str]) -> dict[str, Any]:
    """Returns a task's sensitivities, None where none are stored, and the predictors of other tasks."""
    found = place / "sensitivities.json"
    return {
        "sensitivities": Sensitivities.load(found) if found.is_file() else None,
        "others": tuple(Predictor.load(place / _PRIOR / name) for name in others),
    }


def store_task(
    folder: Path,
    task: str,
    traces: Sequence[Trace],
    space: Space,
    architecture: Architecture,
    known: Sensitivities | None,
    objectives: tuple[str, ...] = OBJECTIVES,
    others: Mapping[str, Sequence[Trace]] = MappingProxyType({}),
    surrogate: str | None = None,
) -> None:
    """Writes a task to search on; one that is there already for the same traces is kept.

    Args:
        folder: where the comparison keeps its files.
        task: name of the task.
        traces: of one setting of the task.
        space: that is searched.
        architecture: of the unpruned base model.
        known: sensitivities, None where there are none.
        objectives: ``OBJECTIVES``, and perhaps others.
        others: traces of other tasks, which searchers that can are told of.
        surrogate: name of the model that answers searchers; None for that of the lowest out-of-fold error.

    Raises:
        NotEnoughTracesError: when there are too few traces, or no repeated run to measure the noise by.
        OutputFolderError: when the folder cannot be written.
    """
    place = folder / "tasks" / file_name(task)
    usable = [trace for trace in traces if trace.ok]
    if not usable:
        raise NotEnoughTracesError(f"no usable trace of {task}", "a surrogate needs some tens", "choose another task")
    MeasuredNoise.from_traces(usable, [(OBJECTIVES[0], 1.0)])
    place.mkdir(parents=True, exist_ok=True)
    digest = _digest([*usable, *chain.from_iterable(others.values())], space, objectives, surrogate)
    candidates = None if surrogate is None else (surrogate,)
    if known is not None:
        known.save(place / "sensitivities.json")
    if (place / "task.json").is_file():
        body = read_state(place / "task.json", "comparison task", _VERSION)
        if body["traces"] == digest:
            return
    predictors = {}
    for share in shares(usable):
        name = f"predictor-{share:g}"
        early = [cut_short(trace, share) for trace in usable]
        Predictor.fit(early, space, architecture, metrics=objectives, surrogates=candidates).save(place / name)
        predictors[str(share)] = name
    for name, fitted in zip(others, fit_priors(others, space, architecture), strict=True):
        fitted.save(place / _PRIOR / file_name(name))
    write_traces(list(traces), place / "traces.parquet")
    body = {
        "predictors": predictors,
        "others": [file_name(name) for name in others],
        "load": asdict(typical_load(usable)),
        "traces": digest,
        "objectives": objectives,
    }
    write_state(place / "task.json", "comparison task", _VERSION, body)


def uniform_vector(space: Space) -> tuple[int, ...] | None:
    """Returns uniform 4-bit weights with rank 8 on the unpruned base, None where the space has no such choice."""
    if UNIFORM_BITS not in space.bits or UNIFORM_RANK not in space.ranks or space.pruning_rates[0] != 0:
        return None
    uniform = Configuration.uniform(space.units, bits=UNIFORM_BITS, rank=UNIFORM_RANK, methods=space.methods)
    return tuple(space.encode([uniform])[0].tolist())


def setting_traces(traces: Sequence[Trace], task: str, space: Space) -> list[Trace]:
    """Returns the traces of a task's setting that has most of them, of the space's methods and units.

    Args:
        traces: of any settings.
        task: name of the task.
        space: whose methods and units are meant.

    Raises:
        UnknownNameError: when there is no trace of the task.
        NotEnoughTracesError: when all of them are of other methods or units.
    """
    own = [trace for trace in traces if trace.asked.setting.task == task]
    if not own:
        raise unknown_name("task", task, sorted({trace.asked.setting.task for trace in traces}))
    fitting = [
        trace
        for trace in own
        if replace(space, methods=trace.asked.configuration.methods) == space
        and len(trace.asked.configuration.bits) == space.units
    ]
    if not fitting:
        raise NotEnoughTracesError(
            f"{len(own)} traces of {task!r} are of other units or methods",
            f"{space.units} units and the methods {space.methods} are asked for",
            "choose another task, or the space of its traces",
        )
    settings = [trace.asked.setting.identifier for trace in fitting]
    most = max(dict.fromkeys(settings), key=settings.count)
    return [trace for trace in fitting if trace.asked.setting.identifier == most]


def _digest(traces: Sequence[Trace], space: Space, objectives: tuple[str, ...], surrogate: str | None) -> str:
    asked = [*objectives[len(OBJECTIVES) :], *([] if surrogate is None else [f"a {surrogate}"])]
    rows = [sorted(trace.asked.key for trace in traces), space.to_json(), *asked]
    return sha256_of_json(rows)[:16]
