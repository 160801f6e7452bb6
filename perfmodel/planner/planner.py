"""The planner: what a configuration takes, which ones fit a budget, which of those is best, and how far it can grow.

No torch and no weights: a ``config.json`` is enough. A configuration fits when the high end of its peak's interval is
within the budget.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfmodel.errors import InfeasibleBudgetError
from perfmodel.memory.library_settings import OWN_LOOP
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import (
    TrainingMemory,
    peak_interval,
    training_memory,
    training_memory_terms,
)
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.planner.largest import largest_within
from perfmodel.planner.measured_kinds import Coverage, Kind, coverage, measured_kinds
from perfmodel.planner.published_peaks import bounds_for
from perfmodel.planner.question import LEVEL, Choice, Plan, Question, RankedBy, with_batch, with_length
from perfmodel.planner.usual_practice import usual_candidates
from perfmodel.planner.weight_change import changed_norm
from perfmodel.space.space import Configuration
from perfmodel.statistics.interval import Estimate
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.timing.step_time import StepTime, step_time, step_work

if TYPE_CHECKING:
    from perfmodel.predictor.predictor import Predictor

CHOICES = 6
"""Fitting configurations that a plan describes."""

AT_ONCE = 64
"""Candidates that are worked out together where they come ranked by their loss."""

LARGEST_BATCH = 4096
"""Where the search for the largest batch stops."""


def make_plan(
    question: Question,
    *,
    predictor: "Predictor | None" = None,
    profile: DeviceProfile | None = None,
    kinds: Sequence[Kind] | None = None,
    choices: int = CHOICES,
) -> Plan:
    """Returns the best configurations that fit.

    With a predictor they are ranked by its held-out loss, and mixed configurations of its space are tried too. Else
    candidates are uniform, ranked by ``changed_norm`` and then by the rank; of each width and pruning rate one is
    given, and none that takes as much memory as a better one.

    Args:
        question: model, recipe, batch and budget of memory.
        predictor: predicts held-out loss; fitted to traces of this very model.
        profile: what the device can do, for the seconds of a step.
        kinds: what has been measured; the published ones by default.
        choices: most choices to describe, 1 or more.

    Raises:
        InfeasibleBudgetError: when the budget is below the smallest base model without any training.
        UserError: when the predictor is of another model or knows no loss.
    """
    if predictor is not None:
        from perfmodel.planner.ranking import by_loss, narrowed

        question = narrowed(question, predictor)
    planner = _Planner(question, profile, measured_kinds() if kinds is None else kinds)
    smallest = planner.smallest()
    planner.refuse_empty_model(smallest)
    if predictor is None:
        candidates = len(question.bits) * len(question.rates) * len(question.ranks)
        practice = question.libraries != OWN_LOOP
        chosen = planner.by_practice(choices) if practice else planner.best_of_each_kind(choices)
    else:
        ranked = by_loss(question, predictor)
        candidates = len(ranked)
        chosen = planner.first_fitting(ranked, choices)
    batch, length = planner.largest(chosen[0] if chosen else smallest)
    return Plan(
        question=question,
        choices=tuple(chosen),
        smallest=smallest,
        largest_batch=batch,
        largest_length=length,
        ranked_by=_ranked_by(question, predictor),
        predicted_for="" if predictor is None else predictor.setting.model,
        candidates=candidates,
    )


def _ranked_by(question: Question, predictor: "Predictor | None") -> RankedBy:
    if predictor is not None:
        return "predicted loss"
    return "changed weights" if question.libraries == OWN_LOOP else "usual practice"


class _Planner:
    """Answers about one question, pruning the shapes of each rate once."""

    def __init__(self, question: Question, profile: DeviceProfile | None, kinds: Sequence[Kind]) -> None:
        self._question = question
        self._profile = profile
        self._kinds = kinds
        self._shapes: dict[float, Architecture] = {}
        self._known: dict[float, dict[tuple[int, int], tuple[Configuration, TrainingMemory]]] = {}

    def shapes(self, rate: float) -> Architecture:
        """Returns the pruned shapes."""
        if rate not in self._shapes:
            self._shapes[rate] = self._question.architecture.pruned(rate)
        return self._shapes[rate]

    def uniform(self, bits: int, rank: int, rate: float) -> Configuration:
        """Returns one width and one rank everywhere; layers are the units."""
        layers = len(self._question.architecture.layers)
        rank = 0 if self._question.libraries.trains_all else rank
        return Configuration.uniform(layers, bits=bits, rank=rank, pruning_rate=rate, methods=self._question.methods)

    def best_of_each_kind(self, count: int) -> list[Choice]:
        """Returns the uniform candidates that fit, the ones that change the weights least first.

        There is one of each width and rate, with the highest rank that fits, and each is smaller than all before it:
        one that changes the weights more and takes no less memory than another is no choice.
        """
        asked, found = self._question, list[Choice]()
        pairs = [(bits, rate) for rate in asked.rates for bits in asked.bits]
        norms = {pair: self._changed(self.uniform(pair[0], 1, pair[1])) for pair in pairs}
        for bits, rate in sorted(pairs, key=lambda pair: (norms[pair], pair[1], -pair[0])):
            if len(found) == count:
                break
            limit = min((choice.high - 1 for choice in found), default=asked.budget_bytes)
            for rank in sorted(asked.ranks, reverse=True):
                configuration, memory = self._of_rate(rate)[bits, rank]
                if self._interval(memory)[1] <= limit:
                    found.append(self._choice(configuration, memory, None))
                    break
        return found

    def by_practice(self, count: int) -> list[Choice]:
        """Returns what fits in the order of usual practice: rank 16 first, then those next to it, then fewer layers.

        The last candidates adapt only the last half and the last quarter of the layers.
        """
        asked = self._question
        candidates = usual_candidates(asked, count)
        pairs = zip(candidates, self._memories(candidates), strict=True)
        return [
            self._choice(configuration, memory, None)
            for configuration, memory in pairs
            if self._interval(memory)[1] <= asked.budget_bytes
        ]

    def first_fitting(self, ranked: Sequence[tuple[Configuration, Estimate]], count: int) -> list[Choice]:
        """Returns the first that fit."""
        found: list[Choice] = []
        for start in range(0, len(ranked), AT_ONCE):
            some = ranked[start : start + AT_ONCE]
            memories = self._memories([configuration for configuration, _ in some])
            for (configuration, loss), memory in zip(some, memories, strict=True):
                if len(found) < count and self._interval(memory)[1] <= self._question.budget_bytes:
                    found.append(self._choice(configuration, memory, loss))
            if len(found) == count:
                break
        return found

    def smallest(self) -> Choice:
        """Returns the uniform candidate that needs least."""
        asked = self._question
        known = self._of_rate(max(asked.rates))
        leanest = (known[bits, min(asked.ranks)] for bits in asked.bits)
        return self._choice(*min(leanest, key=lambda pair: pair[1].reserved), None)

    def refuse_empty_model(self, smallest: Choice) -> None:
        """Refuses a budget that not even the smallest base model fits.

        Raises:
            InfeasibleBudgetError: when that is so.
        """
        asked, configuration = self._question, smallest.configuration
        empty = state_bytes(
            asked.architecture,
            configuration,
            device_class=asked.device_class,
            optimizer=asked.recipe.optimizer,
            shapes=self.shapes(configuration.pruning_rate),
        ).weights
        if asked.budget_bytes < empty:
            raise InfeasibleBudgetError(
                f"the budget of {asked.budget_bytes / 2**30:.2f} GiB is below the empty model",
                f"its weights take {empty / 2**30:.2f} GiB at {min(asked.bits)} bits and pruning "
                f"{max(asked.rates):g}, and fine-tuning them {smallest.high / 2**30:.2f} GiB or more",
                "raise the budget, allow fewer bits or more pruning, or choose a smaller model",
            )

    def largest(self, choice: Choice) -> tuple[int | None, int | None]:
        """Returns the largest batch and the largest length that fit, None where not even 1 does."""
        asked, configuration = self._question, choice.configuration
        load, budget, known = asked.load, asked.budget_bytes, choice.high
        return (
            largest_within(
                lambda size: self._high(configuration, with_batch(load, size)),
                budget,
                (load.batch_size, known),
                LARGEST_BATCH,
            ),
            largest_within(
                lambda tokens: self._high(configuration, with_length(load, tokens)),
                budget,
                (load.length, known),
                asked.longest,
            ),
        )

    def _step(self, configuration: Configuration) -> StepTime | None:
        asked = self._question
        if self._profile is None:
            return None
        work = step_work(
            asked.architecture,
            configuration,
            asked.recipe,
            asked.load,
            device_class=asked.device_class,
            shapes=self.shapes(configuration.pruning_rate),
        )
        return step_time(work, self._profile)

    def _changed(self, configuration: Configuration) -> float:
        return changed_norm(self._question.architecture, configuration, self.shapes(configuration.pruning_rate))

    def _of_rate(self, rate: float) -> dict[tuple[int, int], tuple[Configuration, TrainingMemory]]:
        """Returns the uniform candidates of a rate by bits and rank; all are worked out at once."""
        if rate not in self._known:
            asked = self._question
            pairs = [(bits, rank) for bits in asked.bits for rank in asked.ranks]
            configurations = [self.uniform(bits, rank, rate) for bits, rank in pairs]
            memories = self._memories(configurations)
            self._known[rate] = dict(zip(pairs, zip(configurations, memories, strict=True), strict=True))
        return self._known[rate]

    def _memories(self, configurations: Sequence[Configuration]) -> list[TrainingMemory]:
        asked = self._question
        terms = training_memory_terms(
            asked.architecture,
            configurations,
            asked.recipe,
            asked.load,
            device_class=asked.device_class,
            libraries=asked.libraries,
        )
        rows = zip(*(values.tolist() for values in terms.values()), strict=True)
        return [TrainingMemory(**dict(zip(terms, row, strict=True))) for row in rows]

    def _high(self, configuration: Configuration, load: BatchLoad) -> int:
        asked = self._question
        memory = training_memory(
            asked.architecture,
            configuration,
            asked.recipe,
            load,
            device_class=asked.device_class,
            shapes=self.shapes(configuration.pruning_rate),
            libraries=asked.libraries,
        )
        return self._interval(memory)[1]

    def _interval(self, memory: TrainingMemory) -> tuple[int, int]:
        """Returns the interval of what the device shows: the allocator's peak, and what is taken beside it."""
        libraries = self._question.libraries
        if libraries != OWN_LOOP:  # others measured it on GPUs
            low_share, high_share = bounds_for(libraries)
            return int(memory.reserved * (1 + low_share)), int(memory.reserved * (1 + high_share)) + 1
        low, high = peak_interval(memory, level=LEVEL, device_class=self._question.device_class)
        beside = memory.reserved - memory.allocated
        return low + beside, high + beside

    def _choice(self, configuration: Configuration, memory: TrainingMemory, loss: Estimate | None) -> Choice:
        asked = self._question
        low, high = self._interval(memory)
        kind: Coverage = "published"
        if asked.libraries == OWN_LOOP:
            kind = coverage(
                self._kinds,
                asked.architecture,
                configuration,
                asked.recipe,
                asked.device_class,
                tokens=asked.load.tokens,
                answer_tokens=asked.load.logits,
            )
        return Choice(
            configuration, memory, low, high, kind, self._changed(configuration), loss, self._step(configuration)
        )
