"""How a linear weight is stored: one quantiser for each of ``perfmodel.model.formats.FORMATS``.

    quantizer   the contract
    bf16        bfloat16
    int8        bitsandbytes' int8, a scale per row
    four_bit    bitsandbytes' NF4 and FP4, blocks of 64
    hqq         HQQ at 8, 4, 3 and 2 bits, groups of 32, 64 and 128
    stored      what a module keeps resident
    cache       quantised modules made once and kept
    fairness    formats whose error a base flatters
    table       bits and error of every format on a base model

A new format is one entry of ``FORMATS``, one file or line here, and its line in the conformance suite.

May import: ``pruning``.
"""

from collectors.quantizers.bf16 import Bfloat16Quantizer
from collectors.quantizers.four_bit import FourBitQuantizer
from collectors.quantizers.hqq import HqqQuantizer
from collectors.quantizers.int8 import Int8Quantizer
from collectors.quantizers.quantizer import AbstractQuantizer, linear_of
from collectors.quantizers.stored import stored_bytes, stored_tensors
from perfmodel.model.formats import FORMATS

__all__ = ["QUANTIZERS", "AbstractQuantizer", "linear_of", "stored_bytes", "stored_tensors"]

QUANTIZERS: dict[str, AbstractQuantizer] = {
    "bf16": Bfloat16Quantizer(),
    "int8": Int8Quantizer(),
    "hqq8g32": HqqQuantizer(FORMATS["hqq8g32"], group=32),
    "hqq8g64": HqqQuantizer(FORMATS["hqq8g64"], group=64),
    "hqq8g128": HqqQuantizer(FORMATS["hqq8g128"], group=128),
    "nf4": FourBitQuantizer(FORMATS["nf4"], "nf4", double=False),
    "nf4dq": FourBitQuantizer(FORMATS["nf4dq"], "nf4", double=True),
    "fp4": FourBitQuantizer(FORMATS["fp4"], "fp4", double=False),
    "hqq4g32": HqqQuantizer(FORMATS["hqq4g32"], group=32),
    "hqq4g64": HqqQuantizer(FORMATS["hqq4g64"], group=64),
    "hqq4g128": HqqQuantizer(FORMATS["hqq4g128"], group=128),
    "hqq3g32": HqqQuantizer(FORMATS["hqq3g32"], group=32),
    "hqq3g64": HqqQuantizer(FORMATS["hqq3g64"], group=64),
    "hqq3g128": HqqQuantizer(FORMATS["hqq3g128"], group=128),
    "hqq2g32": HqqQuantizer(FORMATS["hqq2g32"], group=32),
    "hqq2g64": HqqQuantizer(FORMATS["hqq2g64"], group=64),
    "hqq2g128": HqqQuantizer(FORMATS["hqq2g128"], group=128),
}
"""By the name of their format, widest first."""
