"""The moment at which most lives within a layer, found while its operations are followed in order.

What autograd keeps is freed in the reverse of the order in which it was kept. So at every operation of the backward
pass what lives of it is what had been kept when that operation's counterpart ran in the forward pass: both can be
looked at there, and the operations need to be followed once, forwards.
"""

import numpy as np

from perfmodel.memory.saved_activations import Bytes, Flags


class PeakTracker:
    """What lives of a layer's activations as operations pass, and the most that lived; shape ``(r,)`` each.

    Args:
        like: an array of that shape.

    Attributes:
        kept: activations up to now, attention's left out.
        attention: what attention kept.
        terms: of the highest moment: ``kept``, ``attention``, ``working``, ``weight`` and ``gradients``.
        total: their sum.
    """

    def __init__(self, like: Bytes) -> None:
        self.kept = np.zeros_like(like)
        self.attention = np.zeros_like(like)
        self.total = np.full_like(like, -1)
        names = ("kept", "attention", "working", "weight", "gradients")
        self.terms = {name: np.zeros_like(like) for name in names}

    def save_for_backward(self, size: Bytes | int) -> None:
        """Notes what autograd keeps from now on."""
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
        """Looks at one moment, beside what is kept.

        Args:
            working: gradients of activations, and what lives for a few operations.
            weight: one in the compute type, and what makes it.
            freed: of what was kept, what is gone again.
            gradients: of the layer's own adapters, as far as they exist.
            when: where the moment happens.
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
