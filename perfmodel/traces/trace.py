"""The record of one real fine-tune: what was asked, what was measured, what it ran on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import PurePath
from typing import Any, Literal, get_args

from perfmodel.errors import UserError
from perfmodel.files.checksum import sha256_of_json
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.columns import LISTS

Status = Literal["ok", "oom", "diverged", "timeout", "failed"]
STATUSES: tuple[str, ...] = get_args(Status)

DeviceClass = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Setting:
    """What is held fixed while configurations vary.

    Args:
        model: name, folder or hub id of the base model.
        model_sha256: checksum of the base model's weights.
        task: name of the task.
        task_sha256: checksum of the task's data.
        recipe: how it is fine-tuned and judged.
        device_class: ``cpu`` or ``cuda``, where it is fine-tuned.
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
        values = {**asdict(self), "recipe": self.recipe.identity()}
        del values["model"], values["task"]
        return sha256_of_json(values)[:12]

    @property
    def task_name(self) -> str:
        """What the task is called: own data without the folder that they lie in."""
        return self.task if "@" in self.task else PurePath(self.task).name


@dataclass(frozen=True)
class Asked:
    """One trial as it was asked for.

    Args:
        setting: model, task, recipe and device, which a campaign holds fixed.
        configuration: pruning rate, bits, ranks and methods.
        seed: seed of the adapters' start, of the order of the examples and of dropout.
        source: who proposed it (``plan``, ``baseline``, ``validation`` or a searcher's name).
    """

    setting: Setting
    configuration: Configuration
    seed: int
    source: str

    @property
    def key(self) -> str:
        """Unique name of the trial: the same setting, configuration, methods and seed give the same key."""
        methods = self.configuration.methods
        return sha256_of_json(
            {
                "setting": self.setting.identifier,
                "configuration": self.configuration.identifier,
                "seed": self.seed,
                # Part of the configuration's identifier where they are not the defaults; version 1 named them here.
                "methods": [methods.pruning_method, methods.quantizers, methods.initializer, methods.adapter],
            }
        )[:12]


@dataclass(frozen=True)
class Measured:
    """What a trial found; a value that was not measured is None, never a number.

    Args:
        status: how the trial ended.
        reason: why it did not end well, empty when it did.
        held_out_loss: mean over held-out answer tokens after the last step, nats.
        accuracy: share of held-out answers that are wholly right.
        accuracy_examples: number of held-out examples that accuracy was scored on.
        curve_steps: steps of the learning curve, shape ``(k,)``.
        curve_losses: held-out loss at those steps, shape ``(k,)``, nats.
        curve_accuracies: accuracy at those steps, shape ``(k,)``; empty in traces of version 1.
        kv_groups: key/value groups left in each layer, shape ``(layers,)``; empty in traces of version 1.
        channels: MLP channels left in each layer, shape ``(layers,)``; empty in traces of version 1.
        peak_memory_bytes: allocator's peak over the training steps.
        peak_reserved_bytes: peak of what the allocator held from the device; None where it does not say (CPU).
        evaluation_peak_bytes: allocator's peak over the first evaluation; None in traces of version 1 and 2.
        weight_bytes: resident base model, quantisation metadata and embeddings included.
        adapter_bytes: bytes of the adapters' parameters.
        adapter_parameters: number of the adapters' parameters.
        optimizer_bytes: bytes of the optimiser's state.
        largest_batch_tokens: padded tokens of the largest training batch.
        largest_batch_answer_tokens: answer tokens of the training batch that has most.
        left_out: examples of the training, calibration and held-out split that are longer than ``recipe.max_length``,
            shape ``(3,)``; empty in traces of version 1 and 2.
        step_time_s: median over steps, evaluation left out.
        step_time_p95_s: 95th percentile of a step's seconds.
        prepare_time_s: seconds of pruning, quantising and adapting.
        eval_time_s: mean seconds of one evaluation.
        tokens_per_s: training tokens, padding left out, over the median step.
        energy_j: energy of the device over training and its evaluations, None where it does not report it.
        resumed_from_step: step of the checkpoint that the trial was extended from; None where it ran through.
    """

    status: Status
    reason: str = ""
    held_out_loss: float | None = None
    accuracy: float | None = None
    accuracy_examples: int | None = None
    curve_steps: tuple[int, ...] = ()
    curve_losses: tuple[float, ...] = ()
    curve_accuracies: tuple[float, ...] = ()
    kv_groups: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    peak_memory_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    evaluation_peak_bytes: int | None = None
    weight_bytes: int | None = None
    adapter_bytes: int | None = None
    adapter_parameters: int | None = None
    optimizer_bytes: int | None = None
    largest_batch_tokens: int | None = None
    largest_batch_answer_tokens: int | None = None
    left_out: tuple[int, ...] = ()
    step_time_s: float | None = None
    step_time_p95_s: float | None = None
    prepare_time_s: float | None = None
    eval_time_s: float | None = None
    tokens_per_s: float | None = None
    energy_j: float | None = None
    resumed_from_step: int | None = None


@dataclass(frozen=True)
class RanOn:
    """Where and with what a trial ran.

    Args:
        device_name: processor or accelerator.
        driver: accelerator driver, empty on a CPU.
        cores: number of cores the process could use.
        threads: number of threads it used.
        versions: version of every package that matters, by name.
        code_version: version of this project, with ``+dirty`` where the tree had changes.
        started_at: start of the trial in UTC, ISO 8601.
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

    def loss_at(self, step: int) -> float:
        """Returns the held-out loss after so many steps: what a trial that stopped there would have measured.

        The learning rate at a step depends on ``recipe.schedule_steps``: a trial of fewer steps under the same
        horizon measures the same.

        Raises:
            UserError: when the learning curve has no such point.
        """
        curve = dict(zip(self.measured.curve_steps, self.measured.curve_losses, strict=True))
        if step not in curve:
            raise UserError(
                f"the loss at step {step}",
                f"the learning curve has the steps {', '.join(map(str, curve)) or 'none'}",
                "ask for one of these, or collect with more recipe.curve_points",
            )
        return curve[step]

    def to_row(self) -> dict[str, Any]:
        """Returns the trace as one flat row: scalars, lists of numbers, and JSON text for the two mappings."""
        setting, methods = self.asked.setting, self.asked.configuration.methods
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
            "seed": self.asked.seed,
            "source": self.asked.source,
            **methods.to_dict(),
            **{name: _plain(getattr(self.measured, name)) for name in _MEASURED},
            **{name: getattr(self.ran_on, name) for name in _RAN_ON_SCALARS},
            "versions": json.dumps(dict(self.ran_on.versions), sort_keys=True),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Trace":
        """Returns the trace that ``to_row`` wrote; rows of older versions go through ``upgraded`` first."""
        setting = Setting(
            row["model"],
            row["model_sha256"],
            row["task"],
            row["task_sha256"],
            Recipe(**json.loads(row["recipe"])),
            row["device_class"],
        )
        methods = Methods.from_dict({name: row[name] for name in _METHODS})
        configuration = Configuration(float(row["pruning_rate"]), tuple(row["bits"]), tuple(row["ranks"]), methods)
        measured: dict[str, Any] = {name: tuple(row[name]) if name in LISTS else row[name] for name in _MEASURED}
        return cls(
            Asked(setting, configuration, row["seed"], row["source"]),
            Measured(**measured),
            RanOn(**{name: row[name] for name in _RAN_ON_SCALARS}, versions=json.loads(row["versions"])),
        )


_METHODS = tuple(field.name for field in fields(Methods))
_MEASURED = tuple(field.name for field in fields(Measured))
_RAN_ON_SCALARS = tuple(field.name for field in fields(RanOn) if field.name != "versions")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
