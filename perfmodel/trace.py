"""The record of one real fine-tune: what was asked, what was measured, what it ran on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from perfmodel.recipe import Recipe
from perfmodel.space import Configuration

TRACE_VERSION = 1

Status = Literal["ok", "oom", "diverged", "timeout", "failed"]
STATUSES: tuple[str, ...] = get_args(Status)

DeviceClass = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Setting:
    """What is held fixed while configurations vary.

    Args:
        model: name, folder or hub id of the base model.
        model_sha256: checksum of its weights.
        task: name of the task.
        task_sha256: checksum of its data.
        recipe: how it is fine-tuned and judged.
        device_class: where.
    """

    model: str
    model_sha256: str
    task: str
    task_sha256: str
    recipe: Recipe
    device_class: DeviceClass

    @property
    def identifier(self) -> str:
        """Twelve hexadecimal digits that name this setting; the model's name and folder do not enter."""
        values = asdict(self)
        del values["model"], values["task"]
        return _digest(values)


@dataclass(frozen=True)
class Asked:
    """One trial as it was asked for.

    Args:
        setting: what is held fixed.
        configuration: what is decided.
        seed: of the adapters' start, the order of the examples and dropout.
        source: who proposed it (``plan``, ``baseline``, ``validation`` or a searcher's name).
        pruning_method: how groups and channels are ranked.
        quantizers: storage format of each width.
        initializer: how adapters start.
        adapter: form of the adapters.
    """

    setting: Setting
    configuration: Configuration
    seed: int
    source: str
    pruning_method: str = "taylor"
    quantizers: str = "bf16|int8|nf4|hqq3g64|hqq2g64"
    initializer: str = "zero"
    adapter: str = "lora"

    @property
    def key(self) -> str:
        """Unique name of the trial: the same setting, configuration, methods and seed give the same key."""
        return _digest(
            {
                "setting": self.setting.identifier,
                "configuration": self.configuration.identifier,
                "seed": self.seed,
                "methods": [self.pruning_method, self.quantizers, self.initializer, self.adapter],
            }
        )


@dataclass(frozen=True)
class Measured:
    """What a trial found; a value that was not measured is None, never a number.

    Args:
        status: how the trial ended.
        reason: why it did not end well, empty when it did.
        held_out_loss: mean over held-out answer tokens after the last step, nats.
        accuracy: share of held-out answers that are wholly right.
        accuracy_examples: held-out examples scored.
        curve_steps: steps of the learning curve, shape ``(k,)``.
        curve_losses: held-out loss at those steps, shape ``(k,)``, nats.
        peak_memory_bytes: allocator's peak over the training steps.
        weight_bytes: resident base model, quantisation metadata and embeddings included.
        adapter_bytes: adapters' parameters.
        adapter_parameters: their count.
        optimizer_bytes: optimiser state.
        largest_batch_tokens: padded tokens of the largest training batch.
        largest_batch_answer_tokens: answer tokens of the training batch that has most.
        step_time_s: median over steps, evaluation left out.
        step_time_p95_s: 95th percentile.
        prepare_time_s: pruning, quantising and adapting.
        eval_time_s: mean time of one evaluation.
        tokens_per_s: training tokens, padding left out, over the median step.
        energy_j: energy of the device over training and its evaluations, None where it does not report it.
    """

    status: Status
    reason: str = ""
    held_out_loss: float | None = None
    accuracy: float | None = None
    accuracy_examples: int | None = None
    curve_steps: tuple[int, ...] = ()
    curve_losses: tuple[float, ...] = ()
    peak_memory_bytes: int | None = None
    weight_bytes: int | None = None
    adapter_bytes: int | None = None
    adapter_parameters: int | None = None
    optimizer_bytes: int | None = None
    largest_batch_tokens: int | None = None
    largest_batch_answer_tokens: int | None = None
    step_time_s: float | None = None
    step_time_p95_s: float | None = None
    prepare_time_s: float | None = None
    eval_time_s: float | None = None
    tokens_per_s: float | None = None
    energy_j: float | None = None


@dataclass(frozen=True)
class RanOn:
    """Where and with what a trial ran.

    Args:
        device_name: processor or accelerator.
        driver: accelerator driver, empty on a CPU.
        cores: cores the process could use.
        threads: threads it used.
        versions: of every package that matters.
        code_version: of this project, with ``+dirty`` where the tree had changes.
        started_at: UTC, ISO 8601.
        campaign: name of the campaign or run.
    """

    device_name: str
    driver: str
    cores: int
    threads: int
    versions: Mapping[str, str]
    code_version: str
    started_at: str
    campaign: str


@dataclass(frozen=True)
class Trace:
    """One trial's record."""

    asked: Asked
    measured: Measured
    ran_on: RanOn

    @property
    def ok(self) -> bool:
        """Whether the fine-tune ended well."""
        return self.measured.status == "ok"

    def to_row(self) -> dict[str, Any]:
        """Returns the trace as one flat row: scalars, lists of numbers, and JSON text for the two mappings."""
        setting = self.asked.setting
        return {
            "key": self.asked.key,
            "model": setting.model,
            "model_sha256": setting.model_sha256,
            "task": setting.task,
            "task_sha256": setting.task_sha256,
            "recipe": json.dumps(setting.recipe.to_dict(), sort_keys=True),
            "device_class": setting.device_class,
            "setting": setting.identifier,
            "configuration": self.asked.configuration.identifier,
            "pruning_rate": self.asked.configuration.pruning_rate,
            "bits": list(self.asked.configuration.bits),
            "ranks": list(self.asked.configuration.ranks),
            **{name: getattr(self.asked, name) for name in _ASKED_SCALARS},
            **{name: _plain(getattr(self.measured, name)) for name in _MEASURED},
            **{name: getattr(self.ran_on, name) for name in _RAN_ON_SCALARS},
            "versions": json.dumps(dict(self.ran_on.versions), sort_keys=True),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Trace":
        """Returns the trace that ``to_row`` wrote."""
        setting = Setting(
            row["model"],
            row["model_sha256"],
            row["task"],
            row["task_sha256"],
            Recipe(**json.loads(row["recipe"])),
            row["device_class"],
        )
        configuration = Configuration(float(row["pruning_rate"]), tuple(row["bits"]), tuple(row["ranks"]))
        measured = {name: row[name] for name in _MEASURED}
        measured["curve_steps"] = tuple(measured["curve_steps"])
        measured["curve_losses"] = tuple(measured["curve_losses"])
        return cls(
            Asked(setting, configuration, **{name: row[name] for name in _ASKED_SCALARS}),
            Measured(**measured),
            RanOn(**{name: row[name] for name in _RAN_ON_SCALARS}, versions=json.loads(row["versions"])),
        )


_ASKED_SCALARS = ("seed", "source", "pruning_method", "quantizers", "initializer", "adapter")
_MEASURED = tuple(field.name for field in fields(Measured))
_RAN_ON_SCALARS = tuple(field.name for field in fields(RanOn) if field.name != "versions")


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
