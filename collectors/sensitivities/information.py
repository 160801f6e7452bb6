"""How much a layer's output says of what the model will answer: mutual information of two numbers per scored token."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from collectors.pruning.prune import decoder_layers
from collectors.scoring.batch import Batch
from collectors.scoring.evaluate import answer_logits
from collectors.sensitivities.layer_outputs import hidden_state, kept_outputs

BINS = 16
"""A side of the histogram. Source: QPruner (arXiv 2412.11629)."""


def information(model: nn.Module, batches: Sequence[Batch]) -> NDArray[np.float64]:
    """Returns each layer's mutual information with the prediction, nats, shape ``(layers,)``.

    QPruner's tasks have one prediction a text; here every scored token is one, with what the model sees before it.
    Token numbers are labels, so those that were predicted are counted through, and sixteen of them or fewer keep a bin
    each. With tens of examples the estimate is biased upwards: shuffled predictions do not give 0.

    Args:
        model: any causal language model.
        batches: calibration examples.

    Source: QPruner (arXiv 2412.11629).
    """
    pooled, predicted = pooled_outputs(model, batches)
    labels = np.unique(predicted, return_inverse=True)[1].astype(np.float64)
    return np.array([mutual_information(values, labels) for values in pooled])


@torch.no_grad()
def pooled_outputs(model: nn.Module, batches: Sequence[Batch]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns what stands for each layer and for the prediction at each of n scored positions.

    Args:
        model: any causal language model.
        batches: examples with n scored positions in all.

    Returns:
        The mean of each layer's output over the tokens so far and the hidden width, shape ``(layers, n)``, and the
        number of the likeliest next token, shape ``(n,)``.
    """
    pooled: list[list[Tensor]] = [[] for _ in decoder_layers(model)]
    predicted = []
    for batch in batches:
        with kept_outputs(model) as outputs:
            logits, _ = answer_logits(model, batch)
        predicted.append(logits.argmax(1))
        so_far = torch.arange(1, batch.ids.shape[1] + 1, device=batch.ids.device)
        for values, output in zip(pooled, outputs, strict=True):
            means = hidden_state(output).double().mean(2).cumsum(1) / so_far
            values.append(means[batch.targets >= 0])
    by_layer = torch.stack([torch.cat(values) for values in pooled])
    return by_layer.cpu().numpy(), torch.cat(predicted).cpu().numpy()


def mutual_information(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Returns the mutual information of paired values from a histogram of ``BINS`` equal steps a side, nats.

    Args:
        x: shape ``(n,)``.
        y: shape ``(n,)``.
    """
    from sklearn.metrics import mutual_info_score

    counts, _, _ = np.histogram2d(x, y, bins=BINS)
    return float(mutual_info_score(None, None, contingency=counts))
