"""Adapters: the trainable part beside a frozen linear module, one form a file.

contract    what an adapter gives
attach      LoRA through PEFT, module by module
lora        B A scaled by alpha / rank
rslora      B A scaled by alpha / sqrt(rank)
dora        B A on the direction, and a magnitude of each row
int8_norm   DoRA's norm over an int8 base
qblora      B A between pooled inputs and repeated outputs
pooled      the forward pass of qblora

May import: ``initializers``, ``quantizers``.
"""

from collectors.adapters.contract import AbstractAdapter
from collectors.adapters.dora import Dora
from collectors.adapters.lora import Lora
from collectors.adapters.qblora import QBLora
from collectors.adapters.rslora import RsLora

ADAPTERS: dict[str, AbstractAdapter] = {
    "lora": Lora(),
    "rslora": RsLora(),
    "dora": Dora(),
    "qblora": QBLora(),
}
"""Every adapter by the name that ``perfmodel.space.methods.ADAPTERS`` gives it."""

__all__ = ["ADAPTERS", "AbstractAdapter"]
