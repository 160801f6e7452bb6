"""Adapters: the trainable part beside a frozen linear module.

contract    what an adapter gives: scaling, attachment, start
lora        LoRA, rsLoRA, DoRA and Q-BLoRA: one class with a scaling and a variant
attach      LoRA through PEFT with a rank and an alpha for each module
pooled      the forward pass of Q-BLoRA
int8_norm   DoRA's row norms over an int8 base

May import: ``initializers``, ``quantizers``.
"""

from collectors.adapters.contract import AbstractAdapter
from collectors.adapters.lora import Lora

ADAPTERS: dict[str, AbstractAdapter] = {
    "lora": Lora(),
    "rslora": Lora(scaled_by="root"),
    "dora": Lora(variant="dora"),
    "qblora": Lora(variant="pooled"),
}
"""Every adapter by the name that ``perfmodel.space.methods.ADAPTERS`` gives it."""

__all__ = ["ADAPTERS", "AbstractAdapter"]
