"""Peaks on GPUs that others measured and published, what the closed form says of them, and how far it is off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from perfmodel.files.json_file import read_json_object
from perfmodel.memory.cuda_allocator import MIB
from perfmodel.memory.library_settings import LibrarySettings
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import TrainingMemory, training_memory
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

OLDEST = (4, 39, 3)
"""Version that is taken where a source says none."""

KEPT_INPUTS_BEFORE = ROTARY_BEFORE = (4, 43)
"""Benchmarks of transformers before this ran bitsandbytes before 0.43.2, and kept sines and cosines in every layer."""

FLOAT32_LOGITS_BEFORE = (4, 48)

MARGIN = 1.25
"""What the worst error of a stratum is multiplied by for an interval: its rows are too few to tell a quantile."""

LEAST_MARGIN = 0.02


@dataclass(frozen=True)
class PublishedPeak:
    """One published fine-tune.

    Args:
        model: as its source names it.
        framework: as its source names it; ``baseline-peft-bnb`` is PEFT's k-bit preparation.
        method: ``qlora``, ``lora`` or ``full``.
        transformers: version as numbers.
        batch_size: examples a step.
        allocated: the allocator's peak, in bytes.
        device: what the device showed as taken, in bytes.
        estimate: the closed form's account of the same step.
    """

    model: str
    framework: str
    method: str
    transformers: tuple[int, ...]
    batch_size: int
    allocated: int
    device: int
    estimate: TrainingMemory

    @property
    def stratum(self) -> str:
        """What is known of its setting, as ``stratum_of`` tells it."""
        return stratum_of(self.method, self.framework, self.transformers)

    @property
    def allocated_error(self) -> float:
        """Relative error of the estimated allocator's peak."""
        return self.estimate.allocated / self.allocated - 1

    @property
    def device_error(self) -> float:
        """Relative error of what the device is estimated to show."""
        return self.estimate.reserved / self.device - 1


def published_record() -> dict[str, Any]:
    """Returns the published figures with their source, as they lie in the package."""
    return read_json_object(Path(str(files("perfmodel.planner"))) / "published_peaks.json")


def stratum_of(method: str, framework: str, transformers: tuple[int, ...]) -> str:
    """Returns what is known of a setting: the method, whether weights were prepared, and the age of the libraries.

    Args:
        method: ``qlora``, ``lora`` or ``full``.
        framework: as its source names it; ``baseline-peft-bnb`` is PEFT's k-bit preparation.
        transformers: version as numbers.
    """
    if method != "qlora" or "baseline" not in framework:
        return {"full": "full"}.get(method, "lora or qlora without k-bit preparation")
    if transformers < KEPT_INPUTS_BEFORE:
        return "qlora with k-bit preparation, bitsandbytes before 0.43.2"
    return "qlora with k-bit preparation"


@cache
def published_peaks(stratum: str | None = None) -> tuple[PublishedPeak, ...]:
    """Returns published peaks beside their estimates, which take some milliseconds each.

    Args:
        stratum: of the peaks, as ``stratum_of`` tells it; None for all.
    """
    record = published_record()
    return tuple(_beside_estimate(record, row) for row in record["peaks"] if stratum in (None, _stratum(record, row)))


def by_stratum(peaks: Sequence[PublishedPeak]) -> dict[str, list[PublishedPeak]]:
    """Returns the peaks of each stratum, in the order of the strata's names."""
    strata: dict[str, list[PublishedPeak]] = {}
    for peak in sorted(peaks, key=lambda peak: peak.stratum):
        strata.setdefault(peak.stratum, []).append(peak)
    return strata


def bounds(errors: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of a real peak over its estimate, less 1: the worst errors with a margin.

    Args:
        errors: relative errors of estimates in one stratum, one or more.
    """
    low = max(LEAST_MARGIN, MARGIN * max(errors))
    high = max(LEAST_MARGIN, MARGIN * -min(errors))
    return -low / (1 + low), high / (1 - high)


@cache
def bounds_for(libraries: LibrarySettings) -> tuple[float, float]:
    """Returns the ends of what a device shows over its estimate, less 1, in the stratum of a setting.

    Args:
        libraries: how PEFT, TRL and transformers carry out the step.
    """
    return bounds([peak.device_error for peak in published_peaks(stratum_for(libraries))])


def stratum_for(libraries: LibrarySettings) -> str:
    """Returns the stratum that a setting belongs to, as ``stratum_of`` tells those of published rows.

    Args:
        libraries: how PEFT, TRL and transformers of today carry out the step.
    """
    if libraries.trains_all:
        return "full"
    return "lora or qlora without k-bit preparation" if libraries.kbit == "none" else "qlora with k-bit preparation"


def libraries_of(record: Mapping[str, Any], row: Mapping[str, Any]) -> LibrarySettings:
    """Returns how the libraries of a published row carried out its steps.

    Args:
        record: of ``published_record``.
        row: one of its peaks.
    """
    version = _version(record, row)
    prepared = "baseline" in row["framework"]
    # TRL casts embeddings and head back under bfloat16 only.
    kbit = "none" if not prepared else "trl" if row["type"] == "bfloat16" else "peft"
    positions = record["models"][row["model"]]["max_position_embeddings"]
    return LibrarySettings(
        kbit=kbit,  # type: ignore[arg-type]  # one of its values
        autocast=row["autocast"],
        trains_all=row["method"] == "full",
        float32_logits=version < FLOAT32_LOGITS_BEFORE,
        keeps_inputs=row["method"] == "qlora" and version < KEPT_INPUTS_BEFORE,
        rotary_positions=positions if version < ROTARY_BEFORE else 0,
    )


def _version(record: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[int, ...]:
    said = record["runs"][row["run"]]["transformers"]
    return OLDEST if said == "not said" else tuple(int(part) for part in said.split("."))


def _stratum(record: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return stratum_of(row["method"], row["framework"], _version(record, row))


def _beside_estimate(record: Mapping[str, Any], row: Mapping[str, Any]) -> PublishedPeak:
    architecture = Architecture.from_config(record["models"][row["model"]])
    trained = () if row["method"] == "full" else record["targets"]
    ranks = [record["rank"] if module.name in trained else 0 for module in architecture.modules]
    layers = len(architecture.layers)
    configuration = Configuration(
        0.0,
        bits=(4 if row["method"] == "qlora" else 16,) * layers * len(ranks),
        ranks=tuple(ranks) * layers,
        methods=DEFAULT_METHODS.with_format("nf4dq"),
    )
    estimate = training_memory(
        architecture,
        configuration,
        Recipe(dropout=row["dropout"], gradient_checkpointing=True),
        BatchLoad(row["batch_size"], record["length"], 0, loop="trainer", shifts_logits=True),
        device_class="cuda",
        libraries=libraries_of(record, row),
    )
    facts = row["model"], row["framework"], row["method"], _version(record, row), row["batch_size"]
    return PublishedPeak(*facts, row["allocated_bytes"], row["device_mib"] * MIB, estimate)
