"""The sections of a suite: every key with its allowed values, its default, and what it means in the text below it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from collectors.trial.retention import Retention
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.metrics import ACCURACY, LOSS, PEAK
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Unit
from perfmodel.traces.trace import Status

TrialPlan = Literal["stratified", "design", "pilot", "capacity", "run_lengths"]

Workers = int | Literal["auto"]


def parse_workers(value: object) -> Workers:
    """Returns the number of worker processes, or ``auto``.

    Args:
        value: a whole number of 1 or more, or the text ``auto``.

    Raises:
        ValueError: when it is neither.
    """
    if value == "auto":
        return "auto"
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("write auto, or a number of processes of 1 or more")
    return value


class Section(BaseModel):
    """Keys that belong together; a key that is not one of them is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SpaceSection(Section):
    """Which choices are legal, by layer or by linear module."""

    unit: Unit = "layer"
    """What gets bits and a rank of its own: each layer, or each linear module of a layer."""
    pruning_rates: tuple[float, ...] = DEFAULT_RATES
    """Shares of the prunable layers' parameters that may be removed, rising, each in [0, 1)."""
    bits: tuple[int, ...] = DEFAULT_BITS
    """Storage widths to choose from, rising, of 2, 3, 4, 8 and 16."""
    ranks: tuple[int, ...] = DEFAULT_RANKS
    """LoRA ranks to choose from, rising; 0 is no adapter."""


class MethodsSection(Section):
    """How configurations are carried out; formats take the place of the defaults at their widths."""

    pruning_method: str = DEFAULT_METHODS.pruning_method
    """How groups and channels are ranked; docs/choices.md lists all."""
    pruning_scope: str = DEFAULT_METHODS.pruning_scope
    """per_layer: every prunable layer loses the same share; global: the least important parts of all go first."""
    formats: tuple[str, ...] = ()
    """Storage formats that take the place of the default at their width, one a width, such as [fp4]."""
    initializer: str = DEFAULT_METHODS.initializer
    """How adapters start; docs/choices.md lists all."""
    adapter: str = DEFAULT_METHODS.adapter
    """Form of the adapters: lora, rslora, dora or qblora."""

    def chosen(self) -> Methods:
        """Returns the methods.

        Raises:
            InvalidConfigurationError: when a name is unknown, two formats have one width, or two choices exclude each
                other.
        """
        return Methods(**self.model_dump(exclude={"formats"})).with_formats(self.formats)


class CollectSection(Section):
    """Trials that the run makes before it fits anything, and who carries out all of its trials.

    Only the plan ``stratified`` takes the numbers below; the others settle what they run, but for the seeds, and all
    but ``design`` are of several recipes. ``trials`` cuts any plan short.
    """

    plan: TrialPlan = "stratified"
    """How fine-tunes are planned: spread over the space, or one of the plans of the published campaigns."""
    configurations: Annotated[int, Field(ge=0)] | None = None
    """Configurations spread over the space; left out: 2 beside enough published ones of this task, else 10."""
    repeated: Annotated[int, Field(ge=0)] = 0
    """How many of them are run with every seed."""
    baselines: bool | None = None
    """Whether uniform choices that people know are run too; left out: where the published traces are too few."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    """Seeds of the fine-tunes."""
    plan_seed: int = 0
    """Seed of the draw of configurations."""
    trials: Annotated[int | None, Field(ge=1)] = None
    """Most fine-tunes of the plan; left out: all."""
    workers: Annotated[Workers, PlainValidator(parse_workers, json_schema_input_type=Workers)] = "auto"
    """Processes that fine-tune beside each other; auto: one a core up to four, on CUDA one a device."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3600.0
    """Seconds after which a fine-tune is given up."""
    executor: Literal["inline", "local", "ray"] = "local"
    """Who fine-tunes: this process, worker processes, or a Ray cluster."""
    address: str | None = None
    """Address of the Ray cluster: auto, host:port or ray://..."""
    gpu_share: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """GPUs for each fine-tune of a Ray cluster; 0.25 puts four on one."""
    keep: Retention = "nothing"
    """What stays of each fine-tune: nothing, its adapter, or a checkpoint to go on from."""
    retry: tuple[Status, ...] = ()
    """Statuses whose fine-tunes are run again, such as [oom, timeout]."""


class FitSection(Section):
    """What the surrogates learn from, beside the run's own trials."""

    shelf: str | None = None
    """Release of published traces to learn from too; bench data ls lists them."""
    surrogates: tuple[str, ...] | None = None
    """Learned models to choose from; left out: all, chosen by error on configurations left out."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = (LOSS, ACCURACY, PEAK)
    """What is predicted."""


class SearchSection(Section):
    """Which searchers run, for how many evaluations of the surrogates each."""

    evaluations: Annotated[Mapping[str, Annotated[int, Field(ge=1)]], Field(min_length=1)] = {
        "random": 5000,
        "nsga2": 5000,
    }
    """Evaluations of the surrogates that each searcher may make."""
    batch: Annotated[int, Field(ge=1)] = 50
    """Configurations that a searcher proposes before it learns from them."""
    seed: int = 0
    """Seed of the searchers."""


class ValidateSection(Section):
    """Real fine-tunes of what was proposed, with seeds of their own.

    Points of the front are run with every seed, random configurations with the first, and the references that people
    know (16-bit LoRA, QLoRA, 8-bit LoRA) with the first ``reference_runs``.
    """

    front: Annotated[int, Field(ge=1, le=26)] = 3
    """Proposed configurations that are fine-tuned."""
    random: Annotated[int, Field(ge=0)] = 2
    """Random configurations that are fine-tuned, to check the predictions where nothing was searched."""
    references: Annotated[int, Field(ge=0, le=3)] = 3
    """How many known references are fine-tuned beside them."""
    reference_runs: Annotated[int, Field(ge=1)] = 1
    """Seeds that each reference is run with."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (101,)
    """Seeds of the validation; several give measured values an interval."""
    keep: Retention = "adapter"
    """What stays of each fine-tune; bench export needs the adapter."""
