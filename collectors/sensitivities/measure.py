"""All sensitivities of one base model on one task, from its calibration examples alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from collectors.pruning.importances.cached import importance_of
from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import ModuleKey
from collectors.quantizers import QUANTIZERS
from collectors.quantizers.cache import QuantizedLibrary
from collectors.quantizers.fairness import check_fair, sample_weights
from collectors.scoring.batch import Batch
from collectors.scoring.encode import Encoded, encode
from collectors.sensitivities.gradient_norms import gradient_norms
from collectors.sensitivities.information import information
from collectors.sensitivities.output_change import OutputChange
from collectors.sensitivities.pruned_mass import pruned_mass
from collectors.sensitivities.stored_errors import stored_errors
from collectors.sensitivities.units import batches_of, linears_of, units_of
from collectors.trial.model_builder import COMPUTE_DTYPE
from datasets_cache import BaseModel, Task, load_model, load_tokenizer
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_RATES, Unit
from perfmodel.traces.trace import DeviceClass

WIDTHS_TRIED = (2, 3, 4, 8)
"""All but sixteen bits, which is what the others are compared with."""

EXAMPLES = 32
_SINGLE_STEPS = 4

Advance = Callable[[str], None]
Pair = Callable[[Sequence[ModuleKey], int], tuple[float, float]]
Table = NDArray[np.float64]


def steps_of(base: BaseModel, unit: Unit, widths: Sequence[int] = WIDTHS_TRIED) -> int:
    """Returns how often ``measure_sensitivities`` reports that it has got on."""
    return _SINGLE_STEPS + 2 * len(units_of(Architecture.from_config(base.config), unit)) * len(widths)


def measure_sensitivities(
    base: BaseModel,
    task: Task,
    *,
    unit: Unit = "layer",
    widths: Sequence[int] = WIDTHS_TRIED,
    examples: int = EXAMPLES,
    max_length: int = Recipe.max_length,
    methods: Methods = DEFAULT_METHODS,
    device_class: DeviceClass = "cpu",
    advance: Advance = lambda _: None,
) -> Sensitivities:
    """Returns what each unit costs when it is touched alone.

    Args:
        base: the model.
        task: whose first calibration examples are used; neither those of training nor the held-out ones are read.
        unit: what is touched alone, ``layer`` or ``module``.
        widths: storage widths to try, rising.
        examples: most calibration examples.
        max_length: tokens that an example may have; longer ones are left out.
        methods: the formats of the widths, and how pruning chooses.
        device_class: where it is measured; on CUDA outputs are computed in bfloat16, as in a trial.
        advance: told what was measured, ``steps_of`` times.

    Raises:
        InvalidConfigurationError: when a format does not fit the model or is not fair on it.
        InvalidTaskError: when no example is short enough.
    """
    calibration = encode(task.calibration, load_tokenizer(base), max_length, with_choices=False)
    subject = _subject(base, calibration[:examples], unit, tuple(widths), methods, torch.device(device_class))
    texts = [example.prompt + example.answer for example in calibration]
    mass = _taylor_mass(subject, texts, base.sha256)
    advance("Taylor importance")
    norms, shared = _from_one_pass(subject, advance)
    weight_error, output_error = _errors(subject, texts[:examples], advance)
    kl, loss_change = _output_changes(subject, advance)
    return Sensitivities(
        model=base.name,
        model_sha256=base.sha256,
        task=task.name,
        task_sha256=task.sha256,
        methods=methods,
        unit=unit,
        widths=subject.widths,
        examples=len(calibration[:examples]),
        kl=kl,
        loss_change=loss_change,
        weight_error=weight_error,
        output_error=output_error,
        gradient_norm=norms,
        information=np.repeat(shared, len(subject.units) // len(shared)),
        rates=np.array(DEFAULT_RATES),
        taylor_mass=mass,
    )


@dataclass(frozen=True)
class _Subject:
    """What is measured: a float model on the device, its units, and what both need."""

    model: nn.Module
    architecture: Architecture
    units: list[tuple[ModuleKey, ...]]
    widths: tuple[int, ...]
    batches: list[Batch]
    library: QuantizedLibrary
    methods: Methods
    device: torch.device
    dtype: torch.dtype

    def tried(self, one: Pair, label: str, advance: Advance) -> tuple[Table, Table]:
        """Returns both numbers of every unit at every width, each of shape ``(U, K)``."""
        found = np.zeros((2, len(self.units), len(self.widths)))
        for row, unit in enumerate(self.units):
            for column, width in enumerate(self.widths):
                found[:, row, column] = one(unit, width)
                advance(f"{label} of unit {row} at {width} bits")
        return found[0], found[1]


def _subject(
    base: BaseModel,
    examples: Sequence[Encoded],
    unit: Unit,
    widths: tuple[int, ...],
    methods: Methods,
    device: torch.device,
) -> _Subject:
    architecture = Architecture.from_config(base.config)
    model: nn.Module = load_model(base, dtype=torch.float32)
    for width in widths:
        check_fair(QUANTIZERS[methods.format_of(width)], sample_weights(model, architecture), base.name)
    dtype = COMPUTE_DTYPE[device.type]
    library = QuantizedLibrary(base.sha256, dtype, device)
    units, batches = units_of(architecture, unit), batches_of(examples, device)
    return _Subject(model.to(device), architecture, units, widths, batches, library, methods, device, dtype)


def _taylor_mass(subject: _Subject, texts: Sequence[Sequence[int]], model_sha256: str) -> Table:
    order, taylor = (
        importance_of(subject.model, subject.architecture, texts, method, model_sha256=model_sha256, seed=0)
        for method in (subject.methods.pruning_method, "taylor")
    )
    return pruned_mass(subject.architecture, order, taylor, DEFAULT_RATES, subject.methods.pruning_scope)


def _from_one_pass(subject: _Subject, advance: Advance) -> tuple[Table, Table]:
    linears = linears_of(subject.model, subject.architecture)
    norms = gradient_norms(subject.model, linears, subject.units, subject.batches)
    advance("gradient norms")
    shared = information(subject.model, subject.batches)
    advance("mutual information")
    return norms, shared


def _errors(subject: _Subject, texts: Sequence[Sequence[int]], advance: Advance) -> tuple[Table, Table]:
    linears = linears_of(subject.model, subject.architecture)
    moments = input_moments(subject.model, subject.architecture, texts, "diagonal")
    advance("moments of the inputs")

    def errors(unit: Sequence[ModuleKey], width: int) -> tuple[float, float]:
        return stored_errors(linears, unit, width, moments, subject.library, subject.methods)

    return subject.tried(errors, "errors", advance)


def _output_changes(subject: _Subject, advance: Advance) -> tuple[Table, Table]:
    """Returns KL divergences and changes of the loss; the subject's model is of no further use."""
    change = OutputChange(
        subject.model,
        subject.architecture,
        subject.batches,
        subject.library,
        subject.methods,
        device=subject.device,
        dtype=subject.dtype,
    )
    return subject.tried(change.measure, "outputs", advance)
