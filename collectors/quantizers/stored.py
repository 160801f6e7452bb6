"""What a module keeps resident, found by walking it: the measured side of ``Format.stored_bytes``."""

from collections.abc import Iterator

from torch import Tensor, nn


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


def _reachable(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        yield from part.parameters(recurse=False)
        yield from part.buffers(recurse=False)
        # HQQ keeps scales and zeros in ``meta``, bitsandbytes' int8 its scales in ``state``.
        for holder in (part.__dict__, getattr(part, "meta", None), vars(part).get("state")):
            yield from _tensors_in(holder)
        for parameter in part.parameters(recurse=False):
            state = getattr(parameter, "quant_state", None)
            yield from _tensors_in(state)
            yield from _tensors_in(getattr(state, "state2", None))  # the scales' own scales, in double quantisation
            yield from (value for name in ("CB", "SCB") if isinstance(value := getattr(parameter, name, None), Tensor))


def _tensors_in(holder: object) -> Iterator[Tensor]:
    values = holder.values() if isinstance(holder, dict) else vars(holder).values() if holder is not None else ()
    yield from (value for value in values if isinstance(value, Tensor))
