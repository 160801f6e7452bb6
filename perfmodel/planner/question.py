"""What is asked of the planner, and what it answers."""

from dataclasses import dataclass, replace
from typing import Literal

from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory.library_settings import OWN_LOOP, LibrarySettings
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import TrainingMemory
from perfmodel.model.architecture import Architecture
from perfmodel.planner.measured_kinds import Coverage
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RATES, Configuration, Space
from perfmodel.statistics.interval import Estimate
from perfmodel.timing.step_time import StepTime
from perfmodel.traces.trace import DeviceClass

LEVEL = 0.9
"""Share of real peaks, and of real losses, that an interval should hold."""

RANKS = (2, 4, 8, 16, 32, 64)

LARGEST_LENGTH = 131_072
"""Most tokens of an example where the config does not say: no model of the supported families reads more."""

RankedBy = Literal["predicted loss", "changed weights", "usual practice"]


@dataclass(frozen=True)
class Question:
    """What is asked of the planner.

    Args:
        architecture: the unpruned base model.
        recipe: how the model is to be fine-tuned.
        load: size of the largest batch.
        budget_bytes: what the device has; for CUDA, context and allocator's slack count.
        device_class: ``cpu`` or ``cuda``, where it is to be trained.
        bits: bits of a weight to choose from, of 2, 3, 4, 8 and 16.
        ranks: adapter ranks to choose from, 1 or more each.
        rates: pruning rates to choose from, each in [0, 1).
        methods: how configurations are carried out.
        longest: most tokens of an example that the model can read.
        libraries: how PEFT, TRL and transformers carry out a step; this project's own loop by default.
    """

    architecture: Architecture
    recipe: Recipe
    load: BatchLoad
    budget_bytes: int
    device_class: DeviceClass = "cuda"
    bits: tuple[int, ...] = DEFAULT_BITS
    ranks: tuple[int, ...] = RANKS
    rates: tuple[float, ...] = DEFAULT_RATES
    methods: Methods = DEFAULT_METHODS
    longest: int = LARGEST_LENGTH
    libraries: LibrarySettings = OWN_LOOP

    def __post_init__(self) -> None:
        """Refuses what no configuration or batch could be."""
        load = self.load
        sizes = {"batch": load.batch_size, "length": load.length, "accumulation": load.accumulation}
        for name, value in sizes.items():
            if value < 1:
                raise InvalidConfigurationError(f"the {name} is {value}", "1 or more is needed", "raise it")
        if not 0 <= self.load.answer_tokens <= self.load.tokens:
            raise InvalidConfigurationError(
                f"{self.load.answer_tokens} scored tokens",
                f"a batch of {self.load.batch_size} x {self.load.length} has 0 to {self.load.tokens}",
                "change the answer tokens",
            )
        limit = self.architecture.smallest_dimension
        space = Space(1, self.rates, self.bits, tuple(sorted({0, *self.ranks})), self.methods)
        if min(self.ranks) < 1 or max(space.ranks) > limit:
            raise InvalidConfigurationError(
                f"ranks are {self.ranks}", f"1 to {limit}, the smallest side of a module", "choose ranks in that range"
            )


@dataclass(frozen=True)
class Choice:
    """One configuration and what it takes.

    Args:
        configuration: pruning rate, bits, ranks and methods.
        memory: terms of its peak, in bytes.
        low: lower end of the 90 % interval of what the device shows, in bytes.
        high: upper end of that interval, in bytes.
        coverage: whether this kind of step was measured.
        changed: norm of what rounding and pruning change, over the weights' own.
        loss: predicted held-out loss of one new run with its 90 % interval, nats per answer token; None without a
            predictor.
        step: seconds of a step by where they go; None without a profile.
    """

    configuration: Configuration
    memory: TrainingMemory
    low: int
    high: int
    coverage: Coverage
    changed: float
    loss: Estimate | None = None
    step: StepTime | None = None

    @property
    def peak_bytes(self) -> int:
        """Peak that is held against the budget: on CUDA with the allocator's slack and the device's context."""
        return self.memory.reserved


@dataclass(frozen=True)
class Plan:
    """The planner's answer.

    Args:
        question: the question that is answered.
        choices: that fit, best first; empty where none does.
        smallest: of all candidates the one that needs least.
        largest_batch: most examples of the asked length that fit with ``described``; None where not one does.
        largest_length: most tokens an example at the asked batch that fit with ``described``; None where not one does.
        ranked_by: ``predicted loss``, ``changed weights`` or ``usual practice``.
        predicted_for: model whose traces the predictor was fitted to; empty without one.
        candidates: how many configurations could have been chosen.
    """

    question: Question
    choices: tuple[Choice, ...]
    smallest: Choice
    largest_batch: int | None
    largest_length: int | None
    ranked_by: RankedBy
    predicted_for: str
    candidates: int

    @property
    def fits(self) -> bool:
        """Whether anything fits."""
        return bool(self.choices)

    @property
    def described(self) -> Choice:
        """The best choice, or the smallest where none fits: whose breakdown is shown."""
        return self.choices[0] if self.choices else self.smallest


def with_batch(load: BatchLoad, batch_size: int) -> BatchLoad:
    """Returns the load of another batch; the share of scored tokens stays."""
    scored = -(-load.answer_tokens * batch_size // load.batch_size)
    return replace(load, batch_size=batch_size, answer_tokens=scored)


def with_length(load: BatchLoad, length: int) -> BatchLoad:
    """Returns the load of another length; the share of scored tokens stays."""
    return replace(load, length=length, answer_tokens=-(-load.answer_tokens * length // load.length))
