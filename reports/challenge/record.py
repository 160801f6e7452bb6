"""Uniform choices challenged on real runs: for a better loss at their memory, or for less memory at their loss.

Notation:
    n: configurations.
    d: dimensions of the space.

Challengers are found on a surrogate, under limits that closed forms know. The surrogate errs most where a search takes
it, so the first is the best other uniform choice, of whose kind it has seen most. Each is fine-tuned once, the
surrogate learns from that and proposes again; after the last round the best goes on. It and the reference are then
fine-tuned with fresh seeds, the same for both: what is compared are pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidSuiteError, UnknownNameError
from perfmodel.memory.load import typical_load
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import ACCURACY, LOSS, PEAK, WEIGHTS
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Trace
from reports.live.backend import LiveTrials
from reports.run.progress import bar
from reports.run.run import Run
from search.best_within_budget import best_uniform, best_within
from search.contract.problem import SurrogateProblem
from search.knowledge_of import COSTS, KnownCosts

SOURCE: Final = "challenge"
BELOW: Final = 0.995
"""Share of the reference's peak that a challenger may need by the closed form, which is within 0.3 % on average."""

CAUTION: Final = 1.0
"""Standard deviations by which a predicted loss is held against a challenger that is to be better: what is unsure is
not chosen then, and is tried where a loss is only to be reached."""

AS_GOOD: Final = 1.02
"""Predicted loss over the reference's at which a challenger counts as good: below what a few seeds can tell apart."""

AT_PEAK: Final = (PEAK,)
AT_PEAK_AND_WEIGHTS: Final = (PEAK, WEIGHTS)
AT_LOSS: Final = (LOSS,)


@dataclass(frozen=True)
class Reference:
    """A uniform choice, and what a challenger is to hold of it.

    Args:
        name: as the report calls it.
        bits: of every layer.
        rank: of every layer.
        rate: share pruned.
        held: what the challenger may not exceed: memory, for a better loss; or the loss, for less peak.
    """

    name: str
    bits: int
    rank: int
    rate: float
    held: tuple[str, ...]

    @property
    def loss_is_held(self) -> bool:
        """Whether the challenger is to reach the loss with less peak."""
        return LOSS in self.held


REFERENCES: Final = (
    Reference("uniform 3 bits", 3, 8, 0.0, AT_PEAK),
    Reference("uniform 3 bits", 3, 8, 0.0, AT_PEAK_AND_WEIGHTS),
    Reference("uniform 2 bits", 2, 8, 0.0, AT_PEAK),
    Reference("uniform 2 bits", 2, 8, 0.0, AT_PEAK_AND_WEIGHTS),
    Reference("uniform 4 bits, pruned by 0.3", 4, 8, 0.3, AT_PEAK),
    Reference("uniform 4 bits, pruned by 0.3", 4, 8, 0.3, AT_PEAK_AND_WEIGHTS),
    Reference("uniform 4 bits", 4, 8, 0.0, AT_LOSS),
    Reference("16-bit LoRA", 16, 8, 0.0, AT_LOSS),
)


def references_named(names: Sequence[str]) -> tuple[Reference, ...]:
    """Returns the uniform choices of these names, all where none is named.

    Raises:
        UnknownNameError: when there is no such choice.
    """
    known = dict.fromkeys(each.name for each in REFERENCES)
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"uniform choice {name!r} is unknown", f"they are {'; '.join(known)}", "use one of these names"
            )
    return tuple(each for each in REFERENCES if not names or each.name in names)


@dataclass(frozen=True)
class Duel:
    """A reference and who challenges it.

    Args:
        reference: the uniform choice.
        uniform: its configuration.
        candidates: what the search proposed so far, one a round at most.
    """

    reference: Reference
    uniform: Configuration
    candidates: tuple[Configuration, ...] = ()


def open_duels(run: Run, references: Sequence[Reference]) -> list[Duel]:
    """Returns the duels of a run's space, without challengers; references whose choices it lacks are left out.

    Raises:
        InvalidSuiteError: when the space holds no reference.
    """
    space = run.space
    known = [
        each
        for each in references
        if each.bits in space.bits and each.rank in space.ranks and each.rate in space.pruning_rates
    ]
    if not known:
        raise InvalidSuiteError(
            "the space holds none of the uniform choices",
            f"they are {', '.join(dict.fromkeys(each.name for each in references))}",
            "widen space.bits, space.ranks or space.pruning_rates",
        )
    return [
        Duel(
            each,
            Configuration.uniform(
                space.units, bits=each.bits, rank=each.rank, pruning_rate=each.rate, methods=space.methods
            ),
        )
        for each in known
    ]


def proposed(
    run: Run, duels: Sequence[Duel], traces: Sequence[Trace], tries: int, seed: int
) -> list[Configuration | None]:
    """Returns a new challenger for each duel, at first a uniform one; None where nothing lies within its limits.

    Args:
        run: its setting and space.
        duels: what was proposed before is not proposed again.
        traces: that the surrogate learns from; they also know the batch that peaks.
        tries: evaluations of each search on the surrogate.
        seed: of the searches.

    Raises:
        NotEnoughTracesError: when there are too few traces to learn from.
    """
    predictor = Predictor.fit(
        traces, run.space, run.architecture, metrics=(LOSS,), surrogates=run.suite.fit.surrogates, seed=seed
    )
    costs = KnownCosts(run.architecture, run.space, run.setting, typical_load([each for each in traces if each.ok]))
    found = []
    with bar("searching on the surrogate", len(duels)) as advance:
        for each in duels:
            found.append(_challenger(predictor, costs, each, tries, seed))
            advance(each.reference.name)
    return found


def _challenger(predictor: Predictor, costs: KnownCosts, duel: Duel, tries: int, seed: int) -> Configuration | None:
    space, held = predictor.record.space, duel.reference.held
    met = space.encode(duel.candidates)
    caution = 0.0 if duel.reference.loss_is_held else CAUTION

    def told(vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        predicted = predictor.predict_arrays(vectors)
        loss = predicted.mean[:, 0] + caution * predicted.std[:, 0]
        again = (vectors[:, None] == met[None]).all(axis=2).any(axis=1)
        return np.column_stack([np.where(predicted.outside_domain | again, _HOPELESS, loss), costs(vectors)])

    vector = space.encode([duel.uniform])
    of_uniform = {LOSS: predictor.predict_arrays(vector).mean[0, 0], **dict(zip(COSTS, costs(vector)[0], strict=True))}
    of_uniform[PEAK] *= BELOW
    of_uniform[LOSS] *= AS_GOOD
    limits = {name: float(of_uniform[name]) for name in dict.fromkeys((*held, PEAK))}
    problem = SurrogateProblem(space, (LOSS, PEAK), told, metrics=(LOSS, *COSTS), budget=limits)
    objective = 1 if duel.reference.loss_is_held else 0
    best = None if duel.candidates else best_uniform(problem, objective)
    best = best_within(problem, objective, seed, tries) if best is None else best
    return None if best is None else space.decode(best[None])[0]


_HOPELESS: Final = 1e3
"""Nats: told of configurations outside the predictor's domain, and of those met before."""


def fine_tuned(run: Run, wanted: Sequence[Configuration], seed: int) -> dict[Configuration, Trace]:
    """Returns the trace of each configuration; those that the run's store holds are not run again."""
    each_once = list(dict.fromkeys(wanted))
    run.say(f"challenge: {len(each_once)} fine-tunes with seed {seed}")
    return dict(zip(each_once, LiveTrials(run, SOURCE)(each_once, 1.0, seed), strict=True))


def hold(
    run: Run, duels: Sequence[Duel], screened: Mapping[Configuration, Trace], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """Returns each duel's record: what its real runs measured, seed by seed.

    Args:
        run: of the trials.
        duels: with their challengers.
        screened: one run of every challenger, and of the references to be reached with less memory.
        seeds: fresh ones, of the reference and of the challenger that goes on.
    """
    chosen = [chosen_of([screened[each] for each in duel.candidates], screened.get(duel.uniform)) for duel in duels]
    fought = [*(duel.uniform for duel in duels), *(each for each in chosen if each is not None)]
    runs = [fine_tuned(run, fought, seed) for seed in seeds]
    return [
        {
            "reference": duel.reference.name,
            "held": list(duel.reference.held),
            "uniform": duel.uniform.to_dict(),
            "challenger": None if one is None else one.to_dict(),
            "screened": [_row(screened[each]) for each in duel.candidates],
            "reference_runs": [_row(of_seed[duel.uniform]) for of_seed in runs],
            "challenger_runs": [] if one is None else [_row(of_seed[one]) for of_seed in runs],
        }
        for duel, one in zip(duels, chosen, strict=True)
    ]


def chosen_of(screened: Sequence[Trace], limit: Trace | None) -> Configuration | None:
    """Returns the screened configuration that goes on: least loss, or least peak of those no worse than a limit."""
    usable = [trace for trace in screened if trace.ok]
    if not usable:
        return None
    if limit is not None and limit.ok:
        as_good = [trace for trace in usable if _loss(trace) <= _loss(limit)]
        if as_good:
            return min(as_good, key=lambda trace: trace.measured.peak_memory_bytes or 0).asked.configuration
    return min(usable, key=_loss).asked.configuration


def _loss(trace: Trace) -> float:
    assert trace.measured.held_out_loss is not None
    return trace.measured.held_out_loss


def _row(trace: Trace) -> dict[str, Any]:
    names = (LOSS, ACCURACY, *COSTS)
    values = {name: getattr(trace.measured, name) for name in names}
    identifier = trace.asked.configuration.identifier
    return {"seed": trace.asked.seed, "configuration": identifier, "status": trace.measured.status, **values}
