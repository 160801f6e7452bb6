"""The contract of a quantiser: a float linear module in, a frozen module that stores its weight in one format out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from perfmodel.model.formats import Format


class AbstractQuantizer(ABC):
    """Turns linear modules into frozen ones of one format, and those into plain tensors and back.

    A module is made from its packed tensors only, so that one that was stored and read again is the same module.
    """

    format: Format

    def quantize(self, linear: nn.Linear, compute_dtype: torch.dtype) -> nn.Module:
        """Returns a frozen module that stores the weight of ``linear``, on the same device.

        Args:
            linear: float module, weight of shape ``(rows, columns)``; it is left as it is.
            compute_dtype: type of activations and of the bias.

        Raises:
            InvalidConfigurationError: the format cannot hold the shape.
        """
        rows, columns = linear.weight.shape
        self.format.check_shape(rows, columns)
        with torch.no_grad():
            tensors = dict(self.encode(linear.weight.detach(), compute_dtype))
            if linear.bias is not None:
                tensors["bias"] = linear.bias.detach().to(compute_dtype, copy=True)
        return self.unpack(tensors, (rows, columns), compute_dtype, linear.weight.device)

    @abstractmethod
    def encode(self, weight: Tensor, compute_dtype: torch.dtype) -> Mapping[str, Tensor]:
        """Returns the packed tensors of a weight whose shape has been checked; the weight is left as it is.

        Args:
            weight: float weight, shape ``(rows, columns)``.
            compute_dtype: type of activations.
        """

    @abstractmethod
    def dequantize(self, module: nn.Module) -> Tensor:
        """Returns the weight that a module computes with, float32, shape ``(rows, columns)``.

        Args:
            module: module of this format.
        """

    @abstractmethod
    def pack(self, module: nn.Module) -> dict[str, Tensor]:
        """Returns every tensor that a module stores, its bias included, by name, as safetensors can hold them.

        Args:
            module: module of this format.
        """

    @abstractmethod
    def unpack(
        self, tensors: Mapping[str, Tensor], shape: tuple[int, int], compute_dtype: torch.dtype, device: torch.device
    ) -> nn.Module:
        """Returns the frozen module of packed tensors; those that lie on the device already are used, not copied.

        Args:
            tensors: tensors from ``pack`` or ``encode``; ``bias`` is optional.
            shape: rows and columns of the weight.
            compute_dtype: type of activations.
            device: where the module will lie.
        """

    def cut(
        self,
        whole: Callable[[], Mapping[str, Tensor]],  # noqa: ARG002 - for those that can
        shape: tuple[int, int],  # noqa: ARG002
        rows: Tensor | None,  # noqa: ARG002
        columns: Tensor | None,  # noqa: ARG002
    ) -> dict[str, Tensor] | None:
        """Returns the packed tensors of a part of a module, cut from the whole's; None where that cannot be done.

        A format that is slow to make cuts; the rest quantise what is left on the spot.

        Args:
            whole: gives the packed tensors of the whole module; called only where they are needed.
            shape: rows and columns of the whole module.
            rows: indices of the rows that stay, shape ``(rows,)``, None for all.
            columns: indices of the columns that stay, shape ``(columns,)``, None for all.
        """
        return None


def linear_of(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """Returns a frozen float module that holds these very tensors.

    Args:
        weight: float weight, shape ``(rows, columns)``.
        bias: float bias, shape ``(rows,)``, None for none.
    """
    rows, columns = weight.shape
    linear = nn.Linear(columns, rows, bias=bias is not None, device="meta")
    linear.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        linear.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return linear


def frozen(tensor: Tensor, device: torch.device) -> nn.Parameter:
    """Returns a parameter that holds ``tensor`` on the device and never trains."""
    return nn.Parameter(tensor.to(device), requires_grad=False)


def packed(**tensors: Tensor | None) -> dict[str, Tensor]:
    """Returns the tensors that exist, free of autograd and of the classes that libraries wrap them in."""
    return {name: tensor.detach().as_subclass(Tensor) for name, tensor in tensors.items() if tensor is not None}
