"""Finds the moment of a layer's forward and backward pass at which most bytes are allocated.

Autograd frees saved tensors in the reverse of the order in which it saved them. So when an operation's backward pass
runs, exactly those tensors are still saved that were saved when the operation itself ran. Both moments can therefore be
observed at once, and the operations of a layer need to be followed only once, in forward order.
"""

import numpy as np

from perfmodel.memory.saved_activations import Bytes, Flags


class PeakTracker:
    """The saved bytes so far of r distinct layers, and the terms of the highest moment observed so far.

    Args:
        like: any array of shape ``(r,)``.

    Attributes:
        kept: bytes of activations saved up to now, attention's left out, shape ``(r,)``.
        attention: bytes that attention saved, shape ``(r,)``.
        terms: bytes at the highest moment, by name: ``kept``, ``attention``, ``working``, ``weight`` and ``gradients``,
            each of shape ``(r,)``.
        total: the sum of the terms, shape ``(r,)``; -1 before anything was observed.
    """

    def __init__(self, like: Bytes) -> None:
        self.kept = np.zeros_like(like)
        self.attention = np.zeros_like(like)
        self.total = np.full_like(like, -1)
        names = ("kept", "attention", "working", "weight", "gradients")
        self.terms = {name: np.zeros_like(like) for name in names}

    def save_for_backward(self, size: Bytes | int) -> None:
        """Adds what autograd saves from now on.

        Args:
            size: bytes, 0 or more, shape ``(r,)`` or one number for all layers.
        """
        self.kept = self.kept + size

    def observe(
        self,
        working: Bytes | int,
        *,
        weight: Bytes | int = 0,
        freed: Bytes | int = 0,
        gradients: Bytes | int = 0,
        when: Flags | bool = True,
    ) -> None:
        """Compares one moment with the highest so far; bytes of shape ``(r,)`` or one number for all layers.

        Args:
            working: bytes of activations and their gradients that exist for a few operations only.
            weight: bytes of a weight in the compute type, with what makes it.
            freed: bytes of the saved tensors that are freed by now.
            gradients: bytes of the gradients of the layer's own adapters that exist by now.
            when: in which layers the moment happens, shape ``(r,)`` or one answer for all.
        """
        if not np.any(when):
            return
        kept = self.kept - freed
        total = kept + self.attention + working + weight + gradients
        higher = (total > self.total) & when
        if not higher.any():
            return
        np.copyto(self.total, total, where=higher)
        parts = (kept, self.attention, working, weight, gradients)
        for term, value in zip(self.terms.values(), parts, strict=True):
            np.copyto(term, value, where=higher)
