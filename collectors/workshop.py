"""Builds the pruned, quantised, adapted model of a configuration from parts that are loaded and made once."""

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from collectors.adapt import adapt
from collectors.encode import Encoded, encode
from collectors.prune import LayerImportance, decoder_layers, linear_modules, prune, taylor_importance
from collectors.quantize import quantize, stored_bytes
from datasets_cache import load_model, load_task, load_tokenizer, resolve
from perfmodel.architecture import Architecture
from perfmodel.errors import CorruptFileError
from perfmodel.space import Configuration, Space
from perfmodel.trace import Setting

COMPUTE_DTYPE = {"cpu": torch.float32, "cuda": torch.bfloat16}
"""On a CPU bfloat16 products are some fifty times slower than float32's."""


@dataclass(frozen=True)
class Built:
    """A model ready to be fine-tuned.

    Args:
        model: wrapped by PEFT.
        architecture: after pruning.
        weight_bytes: resident bytes of the base model.
        adapter_bytes: resident bytes of the adapters.
        adapter_parameters: their count.
    """

    model: nn.Module
    architecture: Architecture
    weight_bytes: int
    adapter_bytes: int
    adapter_parameters: int


class Workshop:
    """What the trials of one setting share: the base model, the encoded task, importances and quantised modules.

    On a CPU a module once quantised is kept and used again, since HQQ needs seconds for it and nothing ever changes a
    frozen module. On CUDA nothing but the trial's own model may lie on the device, or the allocator's peak would count
    it, so modules are quantised there each time.

    Args:
        setting: model, task, recipe and device class.

    Raises:
        CorruptFileError: when the model's or the task's checksum is not the setting's.
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
        self.device = torch.device(setting.device_class)
        self.dtype = COMPUTE_DTYPE[setting.device_class]
        self.architecture = Architecture.from_config(base.config)
        self._base = load_model(base, dtype=torch.float32)
        tokenizer = load_tokenizer(base)
        length = setting.recipe.max_length
        self.train: list[Encoded] = encode(task.train, tokenizer, length)
        self.held_out: list[Encoded] = encode(task.held_out, tokenizer, length)[: setting.recipe.eval_examples]
        self._calibration = encode(task.calibration, tokenizer, length)
        self._quantized: dict[tuple[float, int, str, int], nn.Module] = {}

    @cached_property
    def importance(self) -> dict[int, LayerImportance]:
        """Taylor importance of every prunable layer on the task's calibration set."""
        texts = [example.prompt + example.answer for example in self._calibration]
        return taylor_importance(self._base, self.architecture, texts)

    def build(self, configuration: Configuration, seed: int) -> Built:
        """Returns the model of a configuration: pruned, then quantised, then adapted.

        Args:
            configuration: checked against the architecture.
            seed: of the adapters' start.

        Raises:
            InvalidConfigurationError: when it does not fit the model.
        """
        _check(configuration, self.architecture)
        model = copy.deepcopy(self._base)
        pruned = prune(model, self.architecture, configuration.pruning_rate, self._importance_for(configuration))
        self._quantize_layers(model, configuration)
        _settle(model, self.device, self.dtype)
        weight_bytes = stored_bytes(model)
        torch.manual_seed(seed)
        recipe = self.setting.recipe
        adapted = adapt(model, configuration.ranks, recipe.scaling_alpha, recipe.dropout)
        adapters = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
        return Built(
            model=adapted,
            architecture=pruned,
            weight_bytes=weight_bytes,
            adapter_bytes=sum(parameter.untyped_storage().nbytes() for parameter in adapters),
            adapter_parameters=sum(parameter.numel() for parameter in adapters),
        )

    def _importance_for(self, configuration: Configuration) -> dict[int, LayerImportance]:
        return self.importance if configuration.pruning_rate else {}

    def _quantize_layers(self, model: nn.Module, configuration: Configuration) -> None:
        for index, layer in enumerate(decoder_layers(model)):
            for name, (parent, attribute) in linear_modules(layer).items():
                key = (configuration.pruning_rate, index, name, configuration.bits[index])
                if key not in self._quantized:
                    linear = getattr(parent, attribute).to(self.device)
                    module = quantize(linear, configuration.bits[index], self.dtype)
                    if self.device.type == "cpu" and configuration.bits[index] < 16:
                        self._quantized[key] = module
                setattr(parent, attribute, self._quantized.get(key) or module)


def _check(configuration: Configuration, architecture: Architecture) -> None:
    space = Space.for_architecture(
        architecture,
        pruning_rates=[configuration.pruning_rate],
        bits=sorted(set(configuration.bits)),
        ranks=sorted({0, *configuration.ranks}),
    )
    space.validate(configuration)


def _settle(model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Moves to the device, and into the compute type, what no quantiser has taken: embeddings, head and norms."""
    linear = {
        id(parameter)
        for layer in decoder_layers(model)
        for parent, name in linear_modules(layer).values()
        for parameter in getattr(parent, name).parameters()
    }
    for parameter in model.parameters():
        if id(parameter) not in linear:
            parameter.data = parameter.data.to(device, dtype)
            parameter.requires_grad = False
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to(device))
