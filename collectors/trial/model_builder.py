"""Builds the pruned, quantised and adapted model of a configuration; what trials share is loaded once."""

import copy
import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from collectors.adapters import ADAPTERS
from collectors.initializers import INITIALIZERS, Start
from collectors.pruning.importances.cached import importance_of
from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import LayerImportance, ModuleKey, PrunedLinear, decoder_layers, linear_modules, prune
from collectors.quantizers import QUANTIZERS, linear_of, stored_bytes
from collectors.quantizers.cache import QuantizedLibrary
from collectors.quantizers.fairness import check_fair, sample_weights
from collectors.scoring.chat import chat_template
from collectors.scoring.encode import Encoded, encode
from collectors.trial.linear_slots import LinearSlot, linear_slots, move_rest_to_device
from datasets_cache import load_model, load_task, load_tokenizer, resolve
from perfmodel.errors import CorruptFileError, InvalidConfigurationError
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import by_module
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Setting

_LOG = logging.getLogger(__name__)

COMPUTE_DTYPE = {"cpu": torch.float32, "cuda": torch.bfloat16}
"""On a CPU bfloat16 products are some fifty times slower than float32's."""


@dataclass(frozen=True)
class Built:
    """A model ready to be fine-tuned.

    Args:
        model: model wrapped by PEFT.
        architecture: shapes of the model after pruning.
        formats: name of the format of every linear module, by the module's full name in the base model.
        adapter: name of the adapter, of ``collectors.adapters.ADAPTERS``.
        ranks: rank of every module that has an adapter, by full name; 1 or more.
        alphas: alpha of the same modules, by full name.
        weight_bytes: resident bytes of the base model, adapters left out.
        adapter_bytes: resident bytes of the adapters.
        adapter_parameters: number of trained parameters.
    """

    model: nn.Module
    architecture: Architecture
    formats: Mapping[str, str]
    adapter: str
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]
    weight_bytes: int
    adapter_bytes: int
    adapter_parameters: int


class ModelBuilder:
    """Builds models, and keeps what the trials of one setting share: base model, task, importances, quantised modules.

    On a CPU a module once quantised is used again, since nothing ever changes a frozen module. On CUDA nothing but the
    trial's own model may lie on the device, or the allocator's peak would count it.

    Args:
        setting: model, task, recipe and device class of the trials.

    Raises:
        CorruptFileError: the checksum of the model or the task is not the setting's.
    """

    def __init__(self, setting: Setting) -> None:
        base, task = resolve(setting.model), load_task(setting.task)
        for name, found, expected in (
            (f"model {setting.model}", base.sha256, setting.model_sha256),
            (f"task {setting.task}", task.sha256, setting.task_sha256),
        ):
            if found != expected:
                raise CorruptFileError(
                    f"{name} has sha256 {found}", f"the plan was made with {expected}", "make the plan again"
                )
        self.setting = setting
        self.base = base
        self.device = torch.device(setting.device_class)
        self.dtype = COMPUTE_DTYPE[setting.device_class]
        self.architecture = Architecture.from_config(base.config)
        _LOG.info("preparing: loading %s", base.name)
        self._model = load_model(base, dtype=torch.float32)
        tokenizer = load_tokenizer(base)
        length = setting.recipe.max_length
        train = task.first_training_examples(setting.recipe.train_examples)
        encoded = encode(train, tokenizer, length, with_choices=False)
        calibration = encode(task.calibration, tokenizer, length, with_choices=False)
        held_out = encode(task.held_out, tokenizer, length)
        self.chat_template = chat_template(tokenizer) if train[0].messages else None
        self.left_out = tuple(len(each.left_out) for each in (encoded, calibration, held_out))
        self.train: list[Encoded] = encoded
        self.held_out: list[Encoded] = held_out[: setting.recipe.eval_examples]
        self._calibration = [example.prompt + example.answer for example in calibration]
        self._library = QuantizedLibrary(base.sha256, self.dtype, self.device)
        self._pruned_modules: dict[Hashable, nn.Module] = {}
        self._importances: dict[tuple[str, int], dict[int, LayerImportance]] = {}
        self._moments: tuple[Hashable, Mapping[ModuleKey, Tensor]] | None = None
        self._fair: set[str] = set()

    def build(self, configuration: Configuration, seed: int) -> Built:
        """Returns the model of a configuration: pruned, quantised, its adapters started and attached.

        Args:
            configuration: pruning rate, bits, ranks and methods.
            seed: seed of the adapters' start, and of random pruning.

        Raises:
            InvalidConfigurationError: the configuration does not fit the model, or the base model has been through the
                grid of one of its formats.
        """
        self._check(configuration)
        torch.manual_seed(seed)
        model = self._copy_sharing_linear_weights()
        shapes = self._prune(model, configuration, seed)
        slots = linear_slots(model, shapes, configuration, self.setting.recipe.scaling_alpha)
        starts = self._quantize(model, shapes, slots, configuration, seed)
        move_rest_to_device(model, slots, self.device, self.dtype)
        weight_bytes = stored_bytes(model)
        adapter = ADAPTERS[configuration.methods.adapter]
        ranks = {slot.name: slot.rank for slot in slots if slot.rank}
        alphas = {slot.name: slot.alpha for slot in slots if slot.rank}
        adapted = adapter.attach(
            model,
            ranks,
            alphas,
            dropout=self.setting.recipe.dropout,
            peft_start=INITIALIZERS[configuration.methods.initializer].peft_start,
        )
        adapter.set_start(adapted, starts)
        adapters = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
        return Built(
            model=adapted,
            architecture=shapes,
            formats={slot.name: slot.format for slot in slots},
            adapter=configuration.methods.adapter,
            ranks=ranks,
            alphas=alphas,
            weight_bytes=weight_bytes,
            adapter_bytes=sum(parameter.untyped_storage().nbytes() for parameter in adapters),
            adapter_parameters=sum(parameter.numel() for parameter in adapters),
        )

    def _check(self, configuration: Configuration) -> None:
        layers, modules = len(self.architecture.layers), len(self.architecture.modules)
        by_module(configuration.bits, layers, modules)
        space = Space.for_architecture(
            self.architecture,
            unit="layer" if len(configuration.bits) == layers else "module",
            pruning_rates=[configuration.pruning_rate],
            bits=sorted(set(configuration.bits)),
            ranks=sorted({0, *configuration.ranks}),
            methods=configuration.methods,
        )
        space.validate(configuration)
        rate, scope = configuration.pruning_rate, configuration.methods.pruning_scope
        removes = self.architecture.prunable and (
            scope != "per_layer" or self.architecture.pruned(rate) != self.architecture
        )
        if rate and not removes:
            raise InvalidConfigurationError(
                f"pruning rate {rate:g} removes nothing from {self.base.name}",
                "the first four and the last two layers are never pruned, and channels go in sixteens",
                "set the pruning rate to 0 for this model",
            )
        for name in {configuration.methods.format_of(bits) for bits in configuration.bits} - self._fair:
            _LOG.info("preparing: rounding error of %s on %s", name, self.base.name)
            check_fair(QUANTIZERS[name], sample_weights(self._model, self.architecture), self.base.name)
            self._fair.add(name)

    def _copy_sharing_linear_weights(self) -> nn.Module:
        """Returns a copy whose linear weights are the base's own: every one is replaced before anything trains."""
        shared = {
            id(parameter): parameter
            for layer in decoder_layers(self._model)
            for slot in linear_modules(layer, self.architecture).values()
            for parameter in getattr(*slot).parameters()
        }
        return copy.deepcopy(self._model, shared)

    def _prune(self, model: nn.Module, configuration: Configuration, seed: int) -> Architecture:
        if not configuration.pruning_rate:
            return self.architecture
        methods = configuration.methods
        key = methods.pruning_method, _pruning_seed(configuration, seed)
        if key not in self._importances:
            self._importances[key] = importance_of(
                self._model,
                self.architecture,
                self._calibration,
                methods.pruning_method,
                model_sha256=self.base.sha256,
                seed=seed,
            )
        return prune(
            model, self.architecture, configuration.pruning_rate, self._importances[key], methods.pruning_scope
        )

    def _quantize(
        self, model: nn.Module, shapes: Architecture, slots: list[LinearSlot], configuration: Configuration, seed: int
    ) -> dict[str, Start]:
        """Puts the quantised module in every slot, and returns the starts of the adapters by full name."""
        methods = configuration.methods
        initializer, adapter = INITIALIZERS[methods.initializer], ADAPTERS[methods.adapter]
        pruning = _pruning(configuration, seed)
        moments = self._moments_of(model, shapes, pruning, initializer.moments)
        starts: dict[str, Start] = {}
        for slot in slots:
            linear = getattr(slot.parent, slot.attribute)
            stored = _Stored(self, slot, linear, pruning)
            if slot.rank:
                moment = moments.get(slot.key)
                starts[slot.name] = initializer.start(
                    stored.weight,
                    stored.quantize,
                    QUANTIZERS[slot.format].dequantize,
                    rank=slot.rank,
                    scaling=adapter.scaling(slot.rank, slot.alpha),
                    moments=None if moment is None else moment.to(self.device),
                )
                setattr(slot.parent, slot.attribute, starts[slot.name].base)
            else:
                setattr(slot.parent, slot.attribute, stored.quantize(stored.weight))
        return starts

    def _moments_of(
        self, model: nn.Module, shapes: Architecture, pruning: Hashable, kind: Literal["none", "diagonal", "full"]
    ) -> Mapping[ModuleKey, Tensor]:
        """Returns the moments of a pruned model's inputs; those of the last pruning are kept."""
        if kind == "none":
            return {}
        if self._moments is None or self._moments[0] != (pruning, kind):
            self._moments = None  # before the next are made: they take as much as the weights
            self._moments = (pruning, kind), input_moments(model, shapes, self._calibration, kind)
        return self._moments[1]

    def whole(self, slot: LinearSlot, linear: nn.Linear, pruning: Hashable) -> nn.Module:
        """Returns the quantised module of a slot's own weight, from the library where it is there.

        Args:
            slot: slot of the module.
            linear: float module of the slot, pruned or not.
            pruning: what tells this pruning from others, None where nothing is pruned.
        """
        quantizer = QUANTIZERS[slot.format]
        name = f"{slot.key[0]}.{slot.key[1]}"
        if not isinstance(linear, PrunedLinear):
            return self._library.get(name, linear, quantizer)
        if (cut := self._library.cut(name, linear, quantizer)) is not None:
            return cut
        key = pruning, slot.key, slot.format
        if key in self._pruned_modules:
            return self._pruned_modules[key]
        bias = None if linear.bias is None else linear.bias.to(self.device)
        made = quantizer.quantize(linear_of(linear.weight.to(self.device), bias), self.dtype)
        if self.device.type == "cpu" and slot.format != "bf16":
            self._pruned_modules[key] = made
        return made


class _Stored:
    """One linear module as an initialiser sees it: its weight, and how a weight in its slot is stored."""

    def __init__(self, builder: ModelBuilder, slot: LinearSlot, linear: nn.Linear, pruning: Hashable) -> None:
        self.weight = linear.weight.detach().to(builder.device)
        self._builder = builder
        self._slot = slot
        self._linear = linear
        self._pruning = pruning

    def quantize(self, weight: Tensor) -> nn.Module:
        """Returns the module that stores ``weight``; that of the untouched weight may come from the library."""
        if weight is self.weight:
            return self._builder.whole(self._slot, self._linear, self._pruning)
        bias = None if self._linear.bias is None else self._linear.bias.to(weight.device)
        return QUANTIZERS[self._slot.format].quantize(linear_of(weight, bias), self._builder.dtype)


def _pruning(configuration: Configuration, seed: int) -> Hashable:
    """Returns what tells one pruned model from another, None where nothing is pruned."""
    if not configuration.pruning_rate:
        return None
    methods = configuration.methods
    drawn = _pruning_seed(configuration, seed)
    return configuration.pruning_rate, methods.pruning_method, methods.pruning_scope, drawn


def _pruning_seed(configuration: Configuration, seed: int) -> int:
    """Returns what of the trial's seed decides which parts are pruned: nothing, unless they are drawn."""
    return seed if configuration.methods.pruning_method == "random" else 0
