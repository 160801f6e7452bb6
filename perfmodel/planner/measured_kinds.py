"""What kinds of fine-tunes have been measured, so that an answer can say whether its own kind was.

``python -m perfmodel.planner.measured_kinds FILE.parquet...`` writes ``measured_kinds.json`` anew from published
traces.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from perfmodel.files.json_file import read_json
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass, Trace

KINDS_FILE = Path(__file__).with_name("measured_kinds.json")
KINDS_VERSION = 1

Coverage = Literal["measured", "between", "outside", "published"]
"""Of an answer: the same kind was measured, lies between measured ones or outside them; or others published peaks."""

SHELF_MODELS: dict[str, tuple[str, int, int]] = {
    "smollm2-135m": ("llama", 576, 30),
    "gemma3-270m": ("gemma3_text", 640, 18),
}
"""Family, hidden width and layers of the models that published traces are of; traces name them only."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """Fine-tunes that differ in numbers only.

    Args:
        device_class: ``cpu`` or ``cuda``, where the steps ran.
        family: ``model_type`` of the base model's config.
        hidden: width of the residual stream.
        layers: number of layers.
        formats: names of the formats of all linear weights, sorted.
        adapter: form of the adapters, of ``perfmodel.space.methods.ADAPTERS``.
        optimizer: optimiser of the recipe.
        gradient_checkpointing: whether activations are recomputed.
        rates: pruning rates that were measured, rising, each in [0, 1).
        ranks: lowest and highest largest rank of a configuration.
        tokens: lowest and highest padded tokens of the largest batch.
        answer_tokens: lowest and highest scored tokens of a batch.
        traces: number of traces of this kind, 1 or more.
    """

    device_class: DeviceClass
    family: str
    hidden: int
    layers: int
    formats: tuple[str, ...]
    adapter: str
    optimizer: str
    gradient_checkpointing: bool
    rates: tuple[float, ...]
    ranks: Range
    tokens: Range
    answer_tokens: Range
    traces: int


def measured_kinds(path: Path = KINDS_FILE) -> tuple[Kind, ...]:
    """Returns the kinds that published traces cover."""
    return tuple(_kind(entry) for entry in read_json(path)["kinds"])


def coverage(
    kinds: Sequence[Kind],
    architecture: Architecture,
    configuration: Configuration,
    recipe: Recipe,
    device_class: DeviceClass,
    *,
    tokens: int,
    answer_tokens: int,
) -> Coverage:
    """Returns whether this kind of fine-tune was measured.

    ``measured``: one kind has this model's sizes, these very formats, adapter, optimiser and checkpointing, this rate,
    and its numbers enclose these. ``between``: all of these were seen in the family on the device, each somewhere, and
    the numbers lie in the range of all. ``outside``: else.

    Args:
        kinds: what was measured, from ``measured_kinds``.
        architecture: the unpruned base model.
        configuration: the configuration that is asked about.
        recipe: how it is to be fine-tuned.
        device_class: ``cpu`` or ``cuda``, where the steps ran.
        tokens: tokens of the batch, padding included, 1 or more.
        answer_tokens: scored tokens of the batch, 0 or more.
    """
    asked = _asked(architecture, configuration, recipe, device_class, tokens, answer_tokens)
    near = [kind for kind in kinds if (kind.device_class, kind.family) == (device_class, architecture.family)]
    if any(_same(kind, asked) and asked.rates[0] in kind.rates and _encloses([kind], asked) for kind in near):
        return "measured"
    seen = {name for kind in near for name in kind.formats}
    rates = [rate for kind in near for rate in kind.rates]
    inside = (
        set(asked.formats) <= seen
        and all(any(getattr(kind, name) == getattr(asked, name) for kind in near) for name in _CHOICES)
        and min(rates) <= asked.rates[0] <= max(rates)
        and all(_within(getattr(asked, name), [getattr(kind, name) for kind in near]) for name in ("hidden", "layers"))
        and _encloses(near, asked)
    )
    return "between" if inside else "outside"


def kinds_of(traces: Iterable[Trace]) -> tuple[Kind, ...]:
    """Returns the kinds of traces whose peak was measured, of the models in ``SHELF_MODELS``."""
    groups: dict[tuple[Any, ...], list[Trace]] = {}
    for trace in traces:
        if trace.measured.peak_memory_bytes is not None and trace.asked.setting.model in SHELF_MODELS:
            groups.setdefault(_key(trace), []).append(trace)
    return tuple(_grouped(key, groups[key]) for key in sorted(groups))


def write_kinds(kinds: Sequence[Kind], path: Path = KINDS_FILE) -> None:
    """Writes what ``measured_kinds`` reads, one kind a line."""
    lines = ",\n  ".join(json.dumps(asdict(kind)) for kind in kinds)
    path.write_text(f'{{\n "version": {KINDS_VERSION},\n "kinds": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


_CHOICES = ("adapter", "optimizer", "gradient_checkpointing")
_CATEGORIES = ("device_class", "family", "hidden", "layers", "formats", *_CHOICES)
_NUMBERS = ("ranks", "tokens", "answer_tokens")


def _asked(
    architecture: Architecture,
    configuration: Configuration,
    recipe: Recipe,
    device_class: DeviceClass,
    tokens: int,
    answer_tokens: int,
) -> Kind:
    rank = max(configuration.ranks)
    return Kind(
        device_class=device_class,
        family=architecture.family,
        hidden=architecture.hidden,
        layers=len(architecture.layers),
        formats=_formats(configuration),
        adapter=configuration.methods.adapter,
        optimizer=recipe.optimizer,
        gradient_checkpointing=recipe.gradient_checkpointing,
        rates=(configuration.pruning_rate,),
        ranks=(rank, rank),
        tokens=(tokens, tokens),
        answer_tokens=(answer_tokens, answer_tokens),
        traces=0,
    )


def _same(kind: Kind, asked: Kind) -> bool:
    return all(getattr(kind, name) == getattr(asked, name) for name in ("hidden", "layers", "formats", *_CHOICES))


def _encloses(kinds: Sequence[Kind], asked: Kind) -> bool:
    return all(
        _within(getattr(asked, name)[0], [end for kind in kinds for end in getattr(kind, name)]) for name in _NUMBERS
    )


def _within(value: float, seen: Sequence[float]) -> bool:
    return bool(seen) and min(seen) <= value <= max(seen)


def _formats(configuration: Configuration) -> tuple[str, ...]:
    return tuple(sorted({configuration.methods.format_of(bits) for bits in configuration.bits}))


def _key(trace: Trace) -> tuple[Any, ...]:
    setting, configuration = trace.asked.setting, trace.asked.configuration
    recipe = setting.recipe
    choices = (configuration.methods.adapter, recipe.optimizer, recipe.gradient_checkpointing)
    return (setting.device_class, *SHELF_MODELS[setting.model], _formats(configuration), *choices)


def _grouped(key: tuple[Any, ...], traces: Sequence[Trace]) -> Kind:
    numbers: dict[str, Any] = {
        "rates": tuple(sorted({trace.asked.configuration.pruning_rate for trace in traces})),
        "ranks": _range(max(trace.asked.configuration.ranks) for trace in traces),
        "tokens": _range(trace.measured.largest_batch_tokens for trace in traces),
        "answer_tokens": _range(trace.measured.largest_batch_answer_tokens for trace in traces),
        "traces": len(traces),
    }
    return Kind(**dict(zip(_CATEGORIES, key, strict=True)), **numbers)


def _range(values: Iterable[float | None]) -> Range:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else (0, 0)


def _kind(entry: dict[str, Any]) -> Kind:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Kind(**values)


def _main(paths: Sequence[str]) -> None:
    from perfmodel.traces.parquet import read_traces

    write_kinds(kinds_of([trace for path in paths for trace in read_traces(Path(path))]))


if __name__ == "__main__":
    _main(sys.argv[1:])
