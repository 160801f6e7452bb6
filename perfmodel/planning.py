"""The planner: what a configuration takes, which ones fit a budget, which of those is best, and how far it can grow.

No torch and no weights: a ``config.json`` is enough. A configuration fits when the high end of its peak's interval is
within the budget.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfmodel.architecture import Architecture
from perfmodel.changed_weights import changed_norm
from perfmodel.coverage import Kind, coverage, measured_kinds
from perfmodel.device_profiles import DeviceProfile
from perfmodel.errors import InfeasibleBudgetError
from perfmodel.memory import state_bytes
from perfmodel.plan import LEVEL, Choice, Interval, Plan, Question, with_batch, with_length
from perfmodel.space import Configuration
from perfmodel.timing import StepTime, step_time, step_work
from perfmodel.training_memory import Load, TrainingMemory, peak_interval, training_memory

if TYPE_CHECKING:
    from perfmodel.predictor import Predictor

CHOICES = 6
"""Fitting configurations that a plan describes."""

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

    With a predictor they are ranked by its held-out loss; where it was fitted to this very architecture, mixed
    configurations of its space are tried too. Else candidates are uniform, ranked by ``changed_norm`` and then by the
    rank; of each width and pruning rate one is given, and none that takes as much memory as a better one.

    Args:
        question: model, recipe, batch and budget.
        predictor: of held-out loss, fitted to a model of the same family.
        profile: of the device, for seconds.
        kinds: what has been measured; the published ones by default.
        choices: most to describe.

    Raises:
        InfeasibleBudgetError: when the budget is below the smallest base model without any training.
        UserError: when the predictor is of another family or knows no loss.
    """
    if predictor is not None:
        from perfmodel.plan_quality import narrowed

        question = narrowed(question, predictor)
    planner = _Planner(question, profile, measured_kinds() if kinds is None else kinds)
    smallest = planner.smallest()
    planner.refuse_empty_model(smallest)
    if predictor is None:
        candidates = len(question.bits) * len(question.rates) * len(question.ranks)
        chosen = planner.best_of_each_kind(planner.by_changed_weights(), choices)
    else:
        from perfmodel.plan_quality import by_loss

        ranked = by_loss(question, predictor)
        candidates = len(ranked)
        chosen = planner.first_fitting(ranked, choices)
    return Plan(
        question=question,
        choices=tuple(planner.grown(choice) for choice in chosen),
        smallest=smallest if chosen else planner.grown(smallest),
        ranked_by="changed weights" if predictor is None else "predicted loss",
        predicted_for="" if predictor is None else predictor.setting.model,
        candidates=candidates,
    )


class _Planner:
    """Answers about one question, pruning the shapes of each rate once."""

    def __init__(self, question: Question, profile: DeviceProfile | None, kinds: Sequence[Kind]) -> None:
        self._question = question
        self._profile = profile
        self._kinds = kinds
        self._shapes: dict[float, Architecture] = {}

    def shapes(self, rate: float) -> Architecture:
        """Returns the pruned shapes."""
        if rate not in self._shapes:
            self._shapes[rate] = self._question.architecture.pruned(rate)
        return self._shapes[rate]

    def uniform(self, bits: int, rank: int, rate: float) -> Configuration:
        """Returns one width and one rank everywhere; layers are the units."""
        layers = len(self._question.architecture.layers)
        return Configuration.uniform(layers, bits=bits, rank=rank, pruning_rate=rate, methods=self._question.methods)

    def by_changed_weights(self) -> Iterator[Configuration]:
        """Yields all uniform candidates, the ones that change the weights least first, then by falling rank."""
        asked = self._question
        pairs = [(bits, rate) for rate in asked.rates for bits in asked.bits]
        norms = {pair: self._changed(self.uniform(pair[0], 1, pair[1])) for pair in pairs}
        for bits, rate in sorted(pairs, key=lambda pair: (norms[pair], pair[1], -pair[0])):
            for rank in sorted(asked.ranks, reverse=True):
                yield self.uniform(bits, rank, rate)

    def best_of_each_kind(self, ranked: Iterable[Configuration], count: int) -> list[Choice]:
        """Returns the first that fit, one of each width and rate, each smaller than all before it.

        One that changes the weights more and takes no less memory than another is no choice.
        """
        found: dict[tuple[int, float], Choice] = {}
        for configuration in ranked:
            if len(found) == count:
                break
            pair = configuration.bits[0], configuration.pruning_rate
            if pair not in found and self._high(configuration, self._question.load) <= self._question.budget_bytes:
                choice = self._choice(configuration, None)
                if all(choice.high < better.high for better in found.values()):
                    found[pair] = choice
        return list(found.values())

    def first_fitting(self, ranked: Iterable[tuple[Configuration, Interval]], count: int) -> list[Choice]:
        """Returns the first that fit."""
        found: list[Choice] = []
        for configuration, loss in ranked:
            if len(found) == count:
                break
            if self._high(configuration, self._question.load) <= self._question.budget_bytes:
                found.append(self._choice(configuration, loss))
        return found

    def smallest(self) -> Choice:
        """Returns the uniform candidate that needs least."""
        asked = self._question
        leanest = (self.uniform(bits, min(asked.ranks), max(asked.rates)) for bits in asked.bits)
        return min((self._choice(each, None) for each in leanest), key=lambda choice: choice.high)

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

    def grown(self, choice: Choice) -> Choice:
        """Returns the choice with the largest batch and the largest length that fit, and its seconds."""
        asked, configuration = self._question, choice.configuration
        load, budget = asked.load, asked.budget_bytes
        batch = _largest(
            lambda size: self._high(configuration, with_batch(load, size)), budget, load.batch_size, LARGEST_BATCH
        )
        length = _largest(
            lambda tokens: self._high(configuration, with_length(load, tokens)), budget, load.length, asked.longest
        )
        return replace(choice, step=self._step(configuration), largest_batch=batch, largest_length=length)

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

    def _memory(self, configuration: Configuration, load: Load) -> TrainingMemory:
        asked = self._question
        return training_memory(
            asked.architecture,
            configuration,
            asked.recipe,
            load,
            device_class=asked.device_class,
            shapes=self.shapes(configuration.pruning_rate),
        )

    def _high(self, configuration: Configuration, load: Load) -> float:
        memory = self._memory(configuration, load)
        return peak_interval(memory, level=LEVEL, device_class=self._question.device_class)[1]

    def _choice(self, configuration: Configuration, loss: Interval | None) -> Choice:
        asked = self._question
        memory = self._memory(configuration, asked.load)
        low, high = peak_interval(memory, level=LEVEL, device_class=asked.device_class)
        kind = coverage(
            self._kinds,
            asked.architecture,
            configuration,
            asked.recipe,
            asked.device_class,
            tokens=asked.load.batch_size * asked.load.length,
            answer_tokens=asked.load.answer_tokens,
        )
        return Choice(configuration, memory, int(low), int(high), kind, self._changed(configuration), loss)


def _largest(peak: Callable[[int], float], budget: float, guess: int, limit: int) -> int | None:
    """Returns the largest number up to ``limit`` whose peak is within the budget, None where that of 1 is not.

    Peaks are nearly straight lines of the number, so that the line through two of them all but hits it.

    Args:
        peak: of a number; it never falls.
        budget: in the unit of the peak.
        guess: where to look first.
        limit: 1 or more.
    """
    low, at_low, high = 1, peak(1), limit + 1
    if at_low > budget:
        return None
    tried = 0
    while high - low > 1:
        tried += 1
        place = min(max(guess, low + 1), high - 1)
        found = peak(place)
        slope = (found - at_low) / (place - low)
        low, at_low, high = (place, found, high) if found <= budget else (low, at_low, place)
        middle = (low + high) // 2  # now and then, or a bent line could take as many looks as there are numbers
        guess = low + int((budget - at_low) / slope) if slope > 0 and tried % 4 else middle
    return low
