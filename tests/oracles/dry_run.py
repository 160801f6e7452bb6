"""The oracle of memory: one real training step on the meta device, with live bytes counted and no weights needed.

The model is made by transformers from its config, pruned to its shapes, stored by the project's own quantised modules
and adapted by PEFT; forward, backward and optimiser run as in ``collectors.trial.finetune``, on tensors that have shapes and
no values. What differs from a device is put right here: the attention kernel, the int8 product and the form of AdamW
are those of the asked device class, and buffers that a kernel takes inside are counted by ``WORKSPACES``.

Against the CPU's own meter on tiny models of five families, the bytes of a step agree within 1.1 %, and within 0.2 %
for all but phi with checkpointing (``tests/collectors/oracles/test_dry_run.py``). No dry run was compared with a GPU.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from oracles.library_run import as_libraries, prepare
from oracles.live_bytes import LiveBytes
from oracles.shape_only import shape_only_tensors
from oracles.workspaces import WORKSPACES
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.adapters import ADAPTERS
from collectors.adapters.attach import lora_layers
from collectors.pruning.prune import decoder_layers, linear_modules, set_head_counts
from collectors.quantizers import QUANTIZERS
from collectors.scoring.evaluate import answer_logits
from collectors.trial.finetune import checkpoint_activations
from collectors.trial.model_builder import COMPUTE_DTYPE
from collectors.trial.optimizers import make_optimizer
from datasets_cache.base_models.loading import quiet_transformers
from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory.library_settings import OWN_LOOP, LibrarySettings
from perfmodel.memory.load import BatchLoad, Loop
from perfmodel.memory.peak import Attention
from perfmodel.memory.step import WRITTEN_OUT
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import by_module
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass

META = torch.device("meta")


@dataclass(frozen=True)
class DryRun:
    """What one dry run counted, in bytes.

    Args:
        resident: before the step: model, adapters and optimiser state.
        peak: most live bytes at once over the step.
        at: operation that returned when the peak was reached.
    """

    resident: int
    peak: int
    at: str


def dry_run(
    config: Mapping[str, Any],
    configuration: Configuration,
    recipe: Recipe,
    load: BatchLoad,
    *,
    device_class: DeviceClass,
    attention: Attention = "sdpa",
    shapes: Architecture | None = None,
    libraries: LibrarySettings = OWN_LOOP,
) -> DryRun:
    """Returns the bytes of a training step whose optimiser has its state already.

    Args:
        config: of the base model, as in its ``config.json``.
        configuration: rate, bits, ranks and methods.
        recipe: batch, dropout, checkpointing and optimiser, which must be ``adamw``.
        load: the batch.
        device_class: whose compute type, kernels and optimiser are followed.
        attention: the implementation in transformers.
        shapes: of the pruned model, where the rate alone does not tell.
        libraries: how PEFT, TRL and transformers carry out the step: preparation, autocast and what is trained.

    Raises:
        UnsupportedModelError: when the family is none of ours.
        InvalidConfigurationError: when the optimiser keeps its state outside torch's own tensors.
    """
    if recipe.optimizer != "adamw":
        raise InvalidConfigurationError(
            f"a dry run with recipe.optimizer={recipe.optimizer!r}", "only adamw runs without a device", "use adamw"
        )
    architecture = Architecture.from_config(config)
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    model, stored = _build(config, configuration, recipe, shapes, device_class, attention, libraries)
    with _as_on(device_class), as_libraries(libraries):
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = make_optimizer(trained, recipe)
        for group in optimizer.param_groups:
            group["foreach"] = device_class == "cuda"  # torch's own choice on either device
        batch = _batch(load)
        _prepare(model, optimizer, batch)
        counter = LiveBytes(workspaces=WORKSPACES[device_class])
        states = [value for state in optimizer.state.values() for value in state.values() if value.device == META]
        resident = counter.count([*stored, *model.parameters(), *model.buffers(), *states]).live
        with counter:
            _step(model, optimizer, batch)
    return DryRun(resident, counter.peak, counter.peak_operation)


@dataclass(frozen=True)
class _Places:
    """Stands for a batch's targets, whose scored positions cannot be read from values that are not there."""

    targets: Tensor
    rows: Tensor
    columns: Tensor

    def __ge__(self, other: object) -> tuple[Tensor, Tensor]:
        """Returns the scored positions."""
        return self.rows, self.columns

    def __getitem__(self, places: object) -> Tensor:
        """Returns their targets."""
        return self.targets


@dataclass(frozen=True)
class _Batch:
    ids: Tensor
    targets: _Places
    loop: Loop


def _batch(load: BatchLoad) -> Any:
    def whole(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.long, device=META)

    n = load.answer_tokens
    return _Batch(whole(load.batch_size, load.length), _Places(whole(n), whole(n), whole(n)), load.loop)


def _prepare(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Any) -> None:
    """Brings the model and the optimiser to where they are after a step, for the price of a forward pass."""
    with torch.no_grad():
        _loss(model, batch)  # int8 modules lay out their weights in their first product
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Any) -> None:
    """Does a step as the batch's loop does, and holds on to the same tensors."""
    loss, _held = _loss(model, batch)
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _loss(model: nn.Module, batch: Any) -> tuple[Tensor, Tensor | None]:
    """Returns the loss, and the logits where the loop holds on to them: ours does, Trainer does not."""
    if batch.loop == "trainer":
        loss: Tensor = model(input_ids=batch.ids, labels=batch.ids, num_items_in_batch=batch.ids.numel()).loss
        return loss, None
    logits, targets = answer_logits(model, batch)
    return F.cross_entropy(logits, targets), logits


def _build(
    config: Mapping[str, Any],
    configuration: Configuration,
    recipe: Recipe,
    shapes: Architecture,
    device_class: DeviceClass,
    attention: Attention,
    libraries: LibrarySettings,
) -> tuple[nn.Module, list[Tensor]]:
    from transformers import AutoConfig, AutoModelForCausalLM

    dtype = COMPUTE_DTYPE[device_class]
    values = {key: value for key, value in config.items() if key != "model_type"}
    with quiet_transformers(), META:
        model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]  # transformers'
            AutoConfig.for_model(config["model_type"], **values),
            dtype=dtype,
            attn_implementation="eager" if shapes.family in WRITTEN_OUT else attention,
        )
        model.config.use_cache = False
        if libraries.trains_all:  # quantised modules, and this project's own of 16 bits, hold buffers
            if recipe.gradient_checkpointing:
                checkpoint_activations(model)
            return model.train(), []
        ranks, stored = _store(model, configuration, shapes, dtype)
        model.requires_grad_(requires_grad=False)
        prepare(model, libraries)
        adapter = ADAPTERS[configuration.methods.adapter]
        alphas = {name: recipe.scaling_alpha(rank) for name, rank in ranks.items()}
        adapted = adapter.attach(model, ranks, alphas, dropout=recipe.dropout, peft_start=True)
    for layer in lora_layers(adapted).values():
        for name in layer.adapter_layer_names:
            getattr(layer, name).to(device=META, dtype=torch.float32)
    if recipe.gradient_checkpointing:
        checkpoint_activations(model)
    return adapted.train(), stored


def _store(
    model: nn.Module, configuration: Configuration, shapes: Architecture, dtype: torch.dtype
) -> tuple[dict[str, int], list[Tensor]]:
    """Puts quantised modules of the pruned shapes in their places; returns the ranks by full name, and the tensors."""
    layers, modules = decoder_layers(model), len(shapes.modules)
    bits, ranks = (by_module(each, len(layers), modules) for each in (configuration.bits, configuration.ranks))
    names = {id(module): name for name, module in model.named_modules()}
    ranked: dict[str, int] = {}
    stored: list[Tensor] = []
    for index, layer in enumerate(layers):
        set_head_counts(layer, shapes, index)
        places = zip(linear_modules(layer, shapes).items(), shapes.modules, bits[index], ranks[index], strict=True)
        for (name, (parent, attribute)), module, width, rank in places:
            shape = shapes.module_shapes(index)[name]
            quantizer = QUANTIZERS[configuration.methods.format_of(width)]
            quantizer.format.check_shape(*shape)
            tensors = shape_only_tensors(quantizer.format, shape, dtype, bias=module.bias)
            stored += tensors.values()
            setattr(parent, attribute, quantizer.unpack(tensors, shape, dtype, META))
            if rank:
                ranked[f"{names[id(parent)]}.{attribute}"] = rank
    return ranked, stored


def _cpu_attention(
    query: Tensor, key: Tensor, value: Tensor, *, dropout_p: float, scale: float, is_causal: bool, **rest: Any
) -> Tensor:
    _refuse_mask(rest)
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    output: Tensor = kernel(query, key, value, dropout_p, is_causal, scale=scale)[0]
    return output


def _cuda_attention(
    query: Tensor, key: Tensor, value: Tensor, *, dropout_p: float, scale: float, is_causal: bool, **rest: Any
) -> Tensor:
    _refuse_mask(rest)
    kernel = torch.ops.aten._scaled_dot_product_flash_attention
    output: Tensor = kernel(query, key, value, dropout_p, is_causal, scale=scale)[0]
    return output


def _refuse_mask(settings: Mapping[str, Any]) -> None:
    if settings.get("attn_mask") is not None:
        raise InvalidConfigurationError(
            "the batch is longer than the model's sliding window",
            "a dry run follows attention without a mask",
            "use shorter examples",
        )


def _int8_product(a: Tensor, b: Tensor, *, state: Any, bias: Tensor | None = None, **_: Any) -> Any:
    """Does what bitsandbytes does in training on a CPU, which it tells from the device of ``a``."""
    from bitsandbytes.autograd._functions import MatMul8bitFp

    return MatMul8bitFp.apply(a, b, None, bias, state)


def _cuda_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002 - torch's own signature
    """Does what torch does on CUDA, where one kernel makes a mask of a byte a value."""
    if not p or not training:
        return input
    dropped: Tensor = torch.native_dropout(input, p, training)[0]
    return dropped


@contextmanager
def _as_on(device_class: DeviceClass) -> Iterator[None]:
    """Lets meta tensors take the ways of a device."""
    with ExitStack() as stack:
        stack.enter_context(patch("transformers.masking_utils.find_packed_sequence_indices", lambda *_: None))
        attention = _cpu_attention if device_class == "cpu" else _cuda_attention
        stack.enter_context(patch("torch.nn.functional.scaled_dot_product_attention", attention))
        if device_class == "cpu":
            stack.enter_context(patch("bitsandbytes.matmul", _int8_product))
        else:
            stack.enter_context(patch("torch.nn.functional.dropout", _cuda_dropout))
        yield
