"""Runs one trial: builds the model of a configuration, fine-tunes it, scores it, and returns the trace.

Read from top to bottom: ``TrialRunner.__call__`` turns whatever happens into a trace, ``_measure`` is the trial itself,
``_measured`` puts its numbers together.
"""

import gc
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from safetensors import SafetensorError

from collectors.measuring.memory_and_time import memory_meter
from collectors.measuring.provenance import ran_on
from collectors.scoring.evaluate import Scores, evaluate
from collectors.scoring.largest_batch import LargestBatch
from collectors.trial.checkpoint import Checkpoints, Progress, restore
from collectors.trial.finetune import DivergedError, Training, batches, finetune
from collectors.trial.model_builder import Built, ModelBuilder
from collectors.trial.optimizers import make_optimizer, state_bytes_of
from collectors.trial.retention import Retention
from perfmodel.errors import CorruptFileError, PerfModelError
from perfmodel.space.recipe import Recipe
from perfmodel.traces.trace import Asked, Measured, Setting, Trace

_LOG = logging.getLogger(__name__)


class TrialRunner:
    """Runs real fine-tunes one after the other; the trials of one setting share the loaded model and task.

    Args:
        threads: threads of torch in this process, 1 or more.
        campaign: name of the campaign, which every trace records.
        checkpoints: folder where trials leave adapters or checkpoints; None leaves nothing. A trial that differs from
            an earlier one only in its number of steps goes on from the checkpoint of that one.
        retention: what each trial leaves in that folder.
    """

    def __init__(
        self, threads: int, campaign: str, *, checkpoints: Path | None = None, retention: Retention = "nothing"
    ) -> None:
        self.threads = threads
        self.campaign = campaign
        self._checkpoints = Checkpoints(checkpoints) if checkpoints else None
        self._retention = retention
        self._builder: ModelBuilder | None = None

    def __call__(self, asked: Asked) -> Trace:
        """Returns the trace of one trial; memory that runs out or a loss that diverges is a status with a reason.

        Args:
            asked: setting, configuration and seed of the trial.

        Raises:
            PerfModelError: bad input: no trial can be made of what was asked for.
        """
        torch.set_num_threads(self.threads)
        record = ran_on(asked.setting.device_class, self.campaign, self.threads)
        try:
            measured = self._measure(asked)
        except CorruptFileError as error:  # this model or task is damaged; trials of others can go on
            measured = Measured("failed", str(error))
        except PerfModelError:
            raise
        except DivergedError as error:
            measured = Measured("diverged", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a library raises here is the outcome of this trial
            measured = Measured("oom" if is_out_of_memory(error) else "failed", _reason(error))
        finally:
            gc.collect()
            if asked.setting.device_class == "cuda":
                torch.cuda.empty_cache()
        return Trace(asked, measured, record)

    def _measure(self, asked: Asked) -> Measured:
        """Returns what a trial measured: it builds, restores, scores, trains, and leaves what is to be retained."""
        builder, recipe = self._shared(asked.setting), asked.setting.recipe
        start = time.perf_counter()
        built = builder.build(asked.configuration, asked.seed)
        prepare_time_s = time.perf_counter() - start
        trained = [parameter for parameter in built.model.parameters() if parameter.requires_grad]
        optimizer = make_optimizer(trained, recipe)
        earlier = self._checkpoints.latest(asked) if self._checkpoints else None
        before = restore(earlier, built.model, optimizer) if earlier else None
        resident_bytes = built.weight_bytes + built.adapter_bytes
        curve = _Curve(builder, built, asked, before, lambda: resident_bytes + state_bytes_of(optimizer))
        curve.score(0)
        training = finetune(
            built.model,
            optimizer,
            builder.train,
            recipe,
            seed=asked.seed,
            device=builder.device,
            resident_bytes=resident_bytes,
            after_step=curve.score,
            before=before,
        )
        measured = _measured(recipe, built, training, curve, prepare_time_s, before)
        self._save(asked, built, optimizer, training, curve.scores)  # only of a trial that ended well
        return replace(measured, left_out=builder.left_out)

    def _save(
        self,
        asked: Asked,
        built: Built,
        optimizer: torch.optim.Optimizer,
        training: Training,
        curve: Mapping[int, Scores],
    ) -> None:
        if self._checkpoints is None or self._retention == "nothing":
            return
        progress = Progress(
            step=asked.setting.recipe.steps,
            curve=curve,
            step_seconds=training.step_seconds,
            peak_memory_bytes=training.peak_memory_bytes,
            peak_reserved_bytes=training.peak_reserved_bytes,
            energy_j=training.energy_j,
        )
        try:
            self._checkpoints.save(asked, built.model, optimizer, progress, self._retention)
        except (OSError, SafetensorError) as error:  # a full disk must not cost the fine-tune that was measured
            _LOG.warning("the adapters of trial %s could not be kept (%s)", asked.key, _reason(error))

    def _shared(self, setting: Setting) -> ModelBuilder:
        if self._builder is None or self._builder.setting != setting:
            self._builder = None
            self._builder = ModelBuilder(setting)
        return self._builder


class _Curve:
    """The learning curve of a trial as it is measured, what its evaluations took, and the memory of the first of them.

    Args:
        builder: has the held-out examples and the device.
        built: what is scored.
        asked: trial, whose recipe says at which steps.
        before: what an earlier stage of the trial measured.
        resident_bytes: gives the bytes that are allocated before an evaluation.
    """

    def __init__(
        self,
        builder: ModelBuilder,
        built: Built,
        asked: Asked,
        before: Progress | None,
        resident_bytes: Callable[[], int],
    ) -> None:
        recipe = asked.setting.recipe
        drawn = list(batches(builder.train, recipe, asked.seed, torch.device("cpu")))
        self.scores: dict[int, Scores] = dict(before.curve) if before else {}
        self.seconds: list[float] = []
        self.meter = memory_meter(builder.device)
        self._score = partial(evaluate, built.model, builder.held_out, builder.device, largest=LargestBatch.of(drawn))
        self._steps, self._resident_bytes = recipe.curve_steps(), resident_bytes

    def score(self, step: int) -> None:
        """Scores the model where the curve has a point that is not there yet.

        Args:
            step: optimiser steps done, 0 or more.
        """
        if step in self._steps and step not in self.scores:
            begin = time.perf_counter()
            with nullcontext() if self.seconds else self.meter.step(self._resident_bytes):
                self.scores[step] = self._score()
            self.seconds.append(time.perf_counter() - begin)


def _measured(
    recipe: Recipe,
    built: Built,
    training: Training,
    curve: _Curve,
    prepare_time_s: float,
    before: Progress | None,
) -> Measured:
    """Returns the measurements of a trial that ran to its last step.

    Raises:
        DivergedError: the last held-out loss is not finite.
    """
    final = curve.scores[recipe.steps]
    if not math.isfinite(final.loss):
        raise DivergedError(f"the held-out loss is {final.loss} after the last step")
    steps = recipe.curve_steps()
    return Measured(
        status="ok",
        held_out_loss=final.loss,
        accuracy=final.accuracy,
        accuracy_examples=final.examples,
        curve_steps=steps,
        curve_losses=tuple(curve.scores[step].loss for step in steps),
        curve_accuracies=tuple(curve.scores[step].accuracy for step in steps),
        kv_groups=tuple(layer.kv_groups for layer in built.architecture.layers),
        channels=tuple(layer.channels for layer in built.architecture.layers),
        peak_memory_bytes=training.peak_memory_bytes,
        peak_reserved_bytes=training.peak_reserved_bytes,
        evaluation_peak_bytes=curve.meter.peak_bytes or None,
        weight_bytes=built.weight_bytes,
        adapter_bytes=built.adapter_bytes,
        adapter_parameters=built.adapter_parameters,
        optimizer_bytes=training.optimizer_bytes,
        largest_batch_tokens=training.largest_batch_tokens,
        largest_batch_answer_tokens=training.largest_batch_answer_tokens,
        step_time_s=training.step_time_s,
        step_time_p95_s=training.step_time_p95_s,
        prepare_time_s=prepare_time_s,
        eval_time_s=mean(curve.seconds[1:] or curve.seconds) if curve.seconds else None,  # the first was metered
        tokens_per_s=training.tokens_per_step / training.step_time_s,
        energy_j=training.energy_j,
        resumed_from_step=before.step if before else None,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an exception says that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"
