"""How a linear weight is stored at each width: bfloat16, bitsandbytes int8 and NF4, HQQ at 3 and 2 bits."""

import logging
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perfmodel.memory import GROUP


class Linear16(nn.Linear):
    """A frozen linear module kept in bfloat16 and computed in the type of its input.

    On CUDA the two types agree and nothing is converted; on a CPU, where bfloat16 products are slow, the weight is
    converted for one product at a time, so that 16 bits really take 16 bits.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that nn.Linear gave it
        """Returns ``input @ weight.T + bias``.

        Args:
            input: shape ``(..., columns)``.
        """
        product: Tensor = _Product16.apply(input, self.weight)  # type: ignore[no-untyped-call]  # torch's own signature
        return product if self.bias is None else product + self.bias


class _Product16(torch.autograd.Function):
    """The product of ``Linear16``, which saves the stored weight for the backward pass and not its converted copy."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, weight: Tensor) -> Tensor:
        """Returns ``x @ weight.T`` in the type of ``x``."""
        ctx.save_for_backward(weight)
        return F.linear(x, weight.to(x.dtype))

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[Tensor, None]:
        """Returns the gradient with respect to ``x``; the weight is frozen."""
        (weight,) = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        return grads[0] @ weight.to(grads[0].dtype), None


def quantize(linear: nn.Linear, bits: int, compute_dtype: torch.dtype) -> nn.Module:
    """Returns a frozen module that stores the weight of ``linear`` at ``bits`` bits, on the same device.

    Args:
        linear: float module; it is left as it is.
        bits: 16, 8, 4, 3 or 2.
        compute_dtype: type of activations.
    """
    return QUANTIZERS[bits](linear, compute_dtype)


def stored_tensors(module: nn.Module) -> Iterator[Tensor]:
    """Yields every tensor that a module keeps resident, quantisation metadata included, each storage once."""
    seen: set[int] = set()
    for tensor in _reachable(module):
        address = tensor.untyped_storage().data_ptr()
        if address not in seen and tensor.numel():
            seen.add(address)
            yield tensor


def stored_bytes(module: nn.Module) -> int:
    """Returns the bytes of ``stored_tensors``, read from their storages."""
    return sum(tensor.untyped_storage().nbytes() for tensor in stored_tensors(module))


def _to_16(linear: nn.Linear, compute_dtype: torch.dtype) -> nn.Module:
    new = Linear16(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
    new.weight = nn.Parameter(linear.weight.detach().to(torch.bfloat16), requires_grad=False)
    _move_bias(linear, new, compute_dtype)
    return new


def _to_int8(linear: nn.Linear, compute_dtype: torch.dtype) -> nn.Module:
    import bitsandbytes as bnb

    # It says once a product that activations are rounded on their way to int8, which is the method itself.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    new: nn.Module = bnb.nn.Linear8bitLt(
        linear.in_features, linear.out_features, bias=linear.bias is not None, has_fp16_weights=False, device="meta"
    )
    device = linear.weight.device
    new.weight = bnb.nn.Int8Params(
        linear.weight.detach().cpu().clone(), requires_grad=False, has_fp16_weights=False
    ).to(device)
    _move_bias(linear, new, compute_dtype)
    return new


def _to_nf4(linear: nn.Linear, compute_dtype: torch.dtype) -> nn.Module:
    import bitsandbytes as bnb

    new: nn.Module = bnb.nn.Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=compute_dtype,
        compress_statistics=False,
        quant_type="nf4",
        device="meta",
    )
    device = linear.weight.device
    new.weight = bnb.nn.Params4bit(
        linear.weight.detach().cpu().clone(),
        requires_grad=False,
        compress_statistics=False,
        quant_type="nf4",
        blocksize=GROUP,
        module=new,
    ).to(device)
    _move_bias(linear, new, compute_dtype)
    return new


def _to_hqq(bits: int) -> Callable[[nn.Linear, torch.dtype], nn.Module]:
    def to_hqq(linear: nn.Linear, compute_dtype: torch.dtype) -> nn.Module:
        from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

        source = nn.Linear(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        source.weight = nn.Parameter(linear.weight.detach().clone(), requires_grad=False)
        _move_bias(linear, source, compute_dtype)
        settings = BaseQuantizeConfig(nbits=bits, group_size=GROUP, axis=1)
        new: nn.Module = HQQLinear(
            source, settings, compute_dtype=compute_dtype, device=str(linear.weight.device), del_orig=True
        )
        return new.requires_grad_(requires_grad=False)

    return to_hqq


def _move_bias(old: nn.Linear, new: nn.Module, dtype: torch.dtype) -> None:
    if old.bias is not None:
        new.bias = nn.Parameter(old.bias.detach().to(dtype), requires_grad=False)


def _reachable(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        yield from part.parameters(recurse=False)
        yield from part.buffers(recurse=False)
        for holder in (part.__dict__, getattr(part, "meta", None), vars(part).get("state")):
            yield from _tensors_in(holder)
        for parameter in part.parameters(recurse=False):
            yield from _tensors_in(vars(getattr(parameter, "quant_state", None) or _Nothing()))
            yield from (value for name in ("CB", "SCB") if isinstance(value := getattr(parameter, name, None), Tensor))


def _tensors_in(holder: object) -> Iterator[Tensor]:
    values = holder.values() if isinstance(holder, dict) else vars(holder).values() if holder is not None else ()
    yield from (value for value in values if isinstance(value, Tensor))


class _Nothing:
    """Stands for the quantisation state of a parameter that has none."""


QUANTIZERS: dict[int, Callable[[nn.Linear, torch.dtype], nn.Module]] = {
    16: _to_16,
    8: _to_int8,
    4: _to_nf4,
    3: _to_hqq(3),
    2: _to_hqq(2),
}
