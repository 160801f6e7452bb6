"""KL divergence and change of the loss when one unit alone is stored at fewer bits and all others at sixteen."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.pruning.prune import ModuleKey
from collectors.quantizers import QUANTIZERS
from collectors.quantizers.cache import QuantizedLibrary
from collectors.quantizers.fairness import REFERENCE_BITS
from collectors.scoring.batch import Batch
from collectors.scoring.evaluate import answer_logits
from collectors.sensitivities.layer_outputs import kept_outputs, resumed_at
from collectors.sensitivities.units import linears_of
from collectors.trial.linear_slots import linear_slots, move_rest_to_device
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import Methods
from perfmodel.space.space import Configuration


@dataclass(frozen=True)
class _Reference:
    """One batch as the model with every unit at sixteen bits sees it.

    Args:
        batch: n of its positions are scored.
        outputs: of each decoder layer.
        log_probabilities: at scored positions, float64, shape ``(n, vocabulary)``.
        targets: token ids, shape ``(n,)``.
    """

    batch: Batch
    outputs: list[Any]
    log_probabilities: Tensor
    targets: Tensor


@final
class OutputChange:
    """Measures one unit at a time; the hidden states before its first layer come from the reference's own pass.

    The modules are those that a trial uses, so eight bits round activations where the format's products do.

    Args:
        model: float model with the architecture's shapes; its linear modules are replaced for good.
        architecture: of this model.
        batches: calibration examples.
        library: makes each stored module once.
        methods: the formats of the widths.
        device: where the model will lie.
        dtype: of activations.

    Source: QR-Adaptor (arXiv 2505.03802), stage 1.
    """

    def __init__(
        self,
        model: nn.Module,
        architecture: Architecture,
        batches: Sequence[Batch],
        library: QuantizedLibrary,
        methods: Methods,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._model = model
        self._library = library
        self._methods = methods
        self._whole = linears_of(model, architecture)
        whole = Configuration.uniform(len(architecture.layers), bits=REFERENCE_BITS, rank=0, methods=methods)
        slots = linear_slots(model, architecture, whole, float)
        self._slots = {slot.key: (slot.parent, slot.attribute) for slot in slots}
        for key, (parent, attribute) in self._slots.items():
            setattr(parent, attribute, self._stored(key, REFERENCE_BITS))
        move_rest_to_device(model, slots, device, dtype)
        self._references = [self._reference(batch) for batch in batches]

    @torch.no_grad()
    def measure(self, unit: Sequence[ModuleKey], width: int) -> tuple[float, float]:
        """Returns the mean KL divergence from the reference and the change of the mean loss over scored tokens, nats.

        Args:
            unit: its modules.
            width: at which they are stored.
        """
        first = min(layer for layer, _ in unit)
        divergence, change, tokens = 0.0, 0.0, 0
        with self._stored_at(unit, width):
            for reference in self._references:
                with resumed_at(self._model, first, reference.outputs):
                    logits, targets = answer_logits(self._model, reference.batch)
                changed = F.log_softmax(logits.double(), -1)
                known = reference.log_probabilities
                divergence += float(F.kl_div(changed, known, reduction="sum", log_target=True))
                change += float(F.nll_loss(changed, targets, reduction="sum"))
                change -= float(F.nll_loss(known, targets, reduction="sum"))
                tokens += len(targets)
        return divergence / tokens, change / tokens

    @torch.no_grad()
    def _reference(self, batch: Batch) -> _Reference:
        with kept_outputs(self._model) as outputs:
            logits, targets = answer_logits(self._model, batch)
        return _Reference(batch, outputs, F.log_softmax(logits.double(), -1), targets)

    @contextmanager
    def _stored_at(self, unit: Sequence[ModuleKey], width: int) -> Iterator[None]:
        before = {key: getattr(*self._slots[key]) for key in unit}
        try:
            for key in unit:
                setattr(*self._slots[key], self._stored(key, width))
            yield
        finally:
            for key, module in before.items():
                setattr(*self._slots[key], module)

    def _stored(self, key: ModuleKey, width: int) -> nn.Module:
        layer, name = key
        return self._library.get(f"{layer}.{name}", self._whole[key], QUANTIZERS[self._methods.format_of(width)])
