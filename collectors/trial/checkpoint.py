"""Files that a trial leaves behind, from which it can be trained further or its adapters exported.

    <folder>/<lineage>/<steps>/adapter.safetensors     adapters, by PEFT's names
                               optimizer.safetensors   its state by parameter, and the generators' states
                               state.json              the learning curve and the measurements so far

Trials of one lineage differ in nothing but how far they went.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from collectors.scoring.evaluate import Scores
from collectors.trial.retention import Retention
from perfmodel.errors import CorruptFileError
from perfmodel.files.checksum import sha256_of_json
from perfmodel.files.json_file import read_json, refusing_damage
from perfmodel.files.whole_file import arriving
from perfmodel.space.recipe import Recipe
from perfmodel.traces.trace import Asked

CHECKPOINT_VERSION = 1

_ADAPTER, _OPTIMIZER, _STATE = "adapter.safetensors", "optimizer.safetensors", "state.json"


@dataclass(frozen=True)
class Progress:
    """How far a trial has come.

    Args:
        step: optimiser steps done.
        curve: scores by number of steps done.
        step_seconds: seconds of every timed step.
        peak_memory_bytes: highest peak so far.
        peak_reserved_bytes: highest reserved bytes so far, None where the device does not say.
        energy_j: joules so far, None where the device does not say.
    """

    step: int
    curve: Mapping[int, Scores]
    step_seconds: tuple[float, ...]
    peak_memory_bytes: int
    peak_reserved_bytes: int | None
    energy_j: float | None


@final
class Checkpoints:
    """The checkpoints below one folder.

    Args:
        folder: folder of the checkpoints; made when something is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self, asked: Asked) -> Path | None:
        """Returns the checkpoint from which a trial can go on after most steps, None where there is none.

        It has an optimiser's state, no more steps than are asked for, and every earlier point of the learning curve.

        Args:
            asked: trial to continue.
        """
        usable = [path for path in self._stages(asked) if _continues(path, asked.setting.recipe)]
        return max(usable, key=lambda path: int(path.name), default=None)

    def finished(self, asked: Asked) -> Path | None:
        """Returns the file of the adapters of exactly this trial, None where there is none.

        Args:
            asked: trial that ended.
        """
        path = self.folder / lineage(asked) / str(asked.setting.recipe.steps) / _ADAPTER
        return path if path.is_file() else None

    def save(
        self,
        asked: Asked,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        progress: Progress,
        retention: Retention,
    ) -> None:
        """Writes a checkpoint; it appears whole or not at all.

        Args:
            asked: trial that ended.
            model: model wrapped by PEFT.
            optimizer: optimiser after its last step.
            progress: steps done and measurements so far.
            retention: ``adapter`` writes the adapters only, ``checkpoint`` the optimiser's state too.
        """
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        with arriving(self.folder / lineage(asked) / str(progress.step)) as partial:
            partial.mkdir(parents=True)
            adapter = {name: value.detach().contiguous() for name, value in get_peft_model_state_dict(model).items()}
            save_file(adapter, partial / _ADAPTER)
            if retention == "checkpoint":
                tensors, scalars = _flattened(optimizer)
                save_file({**tensors, **_generators()}, partial / _OPTIMIZER)
            else:
                scalars = {}
            record = {"version": CHECKPOINT_VERSION, "optimizer": scalars, **asdict(progress)}
            (partial / _STATE).write_text(json.dumps(record))

    def _stages(self, asked: Asked) -> list[Path]:
        place = self.folder / lineage(asked)
        stages = [path for path in place.iterdir() if path.name.isdigit()] if place.is_dir() else []
        return [path for path in stages if int(path.name) <= asked.setting.recipe.steps]


def restore(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Puts a checkpoint back, generators included, and returns how far it had come.

    Args:
        path: folder from ``Checkpoints.latest``.
        model: model built for the same configuration and seed.
        optimizer: new optimiser over the adapters of that model.

    Raises:
        CorruptFileError: a file is damaged or belongs to another model.
    """
    from safetensors.torch import load_file

    with refusing_damage(f"the checkpoint {path}", "remove that folder; the trial then starts at step 0"):
        load_adapter(path / _ADAPTER, model)
        stored = load_file(path / _OPTIMIZER)
        record = read_json(path / _STATE)
        generators = {name: stored.pop(name) for name in _GENERATORS if name in stored}
        _unflatten(optimizer, stored, record["optimizer"])
        torch.set_rng_state(generators["rng.cpu"])
        if "rng.cuda" in generators:
            torch.cuda.set_rng_state(generators["rng.cuda"])
        return _progress(record)


def load_adapter(file: Path, model: nn.Module) -> None:
    """Puts stored adapters into a model that has such adapters.

    Args:
        file: safetensors file of adapters by PEFT's names.
        model: model wrapped by PEFT.

    Raises:
        ValueError: the adapters are not those of this model.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    found: Any = set_peft_model_state_dict(model, load_file(file))  # a named tuple without types
    missing = [name for name in found.missing_keys if "lora_" in name]
    if missing or found.unexpected_keys:
        raise ValueError(f"{len(missing)} adapters are missing, {len(found.unexpected_keys)} belong to another model")


def lineage(asked: Asked) -> str:
    """Returns sixteen hexadecimal digits that name a trial whatever its number of steps.

    Args:
        asked: any trial; two that differ only in their number of steps have the same digits.
    """
    recipe = {**asked.setting.recipe.to_dict(), "schedule_steps": asked.setting.recipe.horizon}
    del recipe["steps"], recipe["curve_points"]
    setting = asked.setting
    identity = [
        setting.model_sha256,
        setting.task_sha256,
        setting.device_class,
        recipe,
        asked.configuration.to_dict(),
        asked.seed,
    ]
    return sha256_of_json(identity)[:16]


_GENERATORS = ("rng.cpu", "rng.cuda")


def _generators() -> dict[str, Tensor]:
    states = {"rng.cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch's own signature
        states["rng.cuda"] = torch.cuda.get_rng_state()
    return states


def _flattened(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns tensors and scalars of the state by their path; bitsandbytes keeps its quantised moments a level down."""
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{path}/{name}", inner)
        elif isinstance(value, Tensor):
            # Cloned: tables that parameters share would be refused as one memory under two names.
            tensors[path] = value.detach().cpu().contiguous().clone()
        else:
            scalars[path] = value

    for index, state in optimizer.state_dict()["state"].items():
        walk(str(index), state)
    return tensors, scalars


def _unflatten(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
    state: dict[int, Any] = {}
    for path, value in (*tensors.items(), *scalars.items()):
        index, *names, last = path.split("/")
        place = state.setdefault(int(index), {})
        for name in names:
            place = place.setdefault(name, {})
        place[last] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _continues(path: Path, recipe: Recipe) -> bool:
    if not (path / _OPTIMIZER).is_file():
        return False
    try:
        with refusing_damage(str(path)):
            record = read_json(path / _STATE)
            needed = {step for step in recipe.curve_steps() if step <= record["step"]}
            return record["version"] == CHECKPOINT_VERSION and needed <= {int(step) for step in record["curve"]}
    except CorruptFileError:
        return False


def _progress(record: Mapping[str, Any]) -> Progress:
    values = {field.name: record[field.name] for field in fields(Progress)}
    values["curve"] = {int(step): Scores(**scores) for step, scores in record["curve"].items()}
    values["step_seconds"] = tuple(record["step_seconds"])
    return Progress(**values)
