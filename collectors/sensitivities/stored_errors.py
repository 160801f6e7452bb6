"""What storing loses: of the weights themselves, and of the outputs that they give on the calibration inputs.

W, Q   a weight and what its stored form computes with
m_j    mean square of input j over the calibration tokens
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from collectors.pruning.prune import ModuleKey
from collectors.quantizers import QUANTIZERS
from collectors.quantizers.cache import QuantizedLibrary
from perfmodel.space.methods import Methods


@torch.no_grad()
def stored_errors(
    linears: Mapping[ModuleKey, nn.Linear],
    unit: Sequence[ModuleKey],
    width: int,
    moments: Mapping[ModuleKey, Tensor],
    library: QuantizedLibrary,
    methods: Methods,
) -> tuple[float, float]:
    """Returns ``sum (W - Q)^2 / sum W^2`` over a unit's modules, and the same with each column weighted by ``m_j``.

    The second is the squared error of the outputs over their squared norm, biases aside and inputs taken as
    uncorrelated.

    Args:
        linears: float modules of the base model.
        unit: keys of its modules.
        width: at which they are stored.
        moments: ``E[x_j^2]`` of each module's inputs, shape ``(columns,)``.
        library: makes each stored module once.
        methods: the formats of the widths.

    Source: LQ-LoRA (arXiv 2311.12023), section 3.1; QERA (arXiv 2410.06040), theorem 2.
    """
    quantizer = QUANTIZERS[methods.format_of(width)]
    sums = torch.zeros(4, dtype=torch.float64)
    for layer, name in unit:
        linear = linears[layer, name]
        stored = quantizer.dequantize(library.get(f"{layer}.{name}", linear, quantizer))
        weight = linear.weight.detach().to(stored)
        moment = moments[layer, name].to(stored)
        # float64 for the sums of columns only: a whole matrix in float64 would be twice its size once more.
        lost, whole = ((part * part).sum(0).double() for part in (weight - stored, weight))
        weighted = moment.double()
        sums += torch.stack([lost.sum(), whole.sum(), lost @ weighted, whole @ weighted]).cpu()
    lost_weight, weight_norm, lost_output, output_norm = sums.tolist()
    return lost_weight / weight_norm, lost_output / output_norm
