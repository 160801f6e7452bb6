"""DoRA's norm over an int8 base, which PEFT takes in a way that breaks the base on a CPU.

PEFT dequantises the weight at every step and on a CPU puts a copy in its place; by then bitsandbytes keeps the scale in
the module's state and the copy has none, so that the next product fails. Here the base is only read.
"""

from typing import Any, final

from peft.tuners.lora.dora import DoraLinearLayer
from torch import Tensor, nn

from collectors.adapters.attach import ADAPTER
from collectors.quantizers import QUANTIZERS, linear_of


@final
class Int8DoraLayer(DoraLinearLayer):
    """PEFT's layer of magnitudes, given a float copy of the base for as long as it needs one."""

    def update_layer(self, *, base_layer: Any, **settings: Any) -> None:
        """Sets the magnitudes to the norms of the rows."""
        super().update_layer(base_layer=_float_copy(base_layer), **settings)

    def forward(self, x: Tensor, *, base_layer: Any, **settings: Any) -> Tensor:
        """Returns what is added to the base's output.

        Args:
            x: shape ``(..., columns)``, in the adapter's type.
            base_layer: the int8 module.
            settings: as PEFT gives them.
        """
        output: Tensor = super().forward(x, base_layer=_float_copy(base_layer), **settings)  # type: ignore[no-untyped-call]  # PEFT's
        return output


def keep_int8(layer: Any) -> None:
    """Puts such a layer into a DoRA layer of PEFT's, and gives the base back the scale that it may have lost.

    Args:
        layer: over an int8 base; its magnitudes are not set yet.
    """
    base = layer.get_base_layer()
    if base.weight.CB is not None and base.weight.SCB is None:
        base.weight.SCB = base.state.SCB
    layer.lora_magnitude_vector[ADAPTER] = Int8DoraLayer(fan_in_fan_out=False)  # type: ignore[no-untyped-call]  # PEFT's


def _float_copy(base: Any) -> nn.Linear:
    return linear_of(QUANTIZERS["int8"].dequantize(base), base.bias)
