"""Live bytes of every tensor that a block of torch code makes, on any device, meta included."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    """Counts the storages that live while it is active, from the first operation that returns them to their end.

    A storage counts once however many tensors share it. What a kernel takes and gives back inside is not seen.

    Attributes:
        live: bytes that live now.
        peak: most bytes that lived at once.

        peak_operation: name of the operation that returned when they did.

    Args:
        workspaces: by an operation's name, the bytes that it takes and gives back inside, from its arguments.
    """

    def __init__(self, workspaces: Mapping[str, Callable[[Sequence[Any]], int]] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.live = 0
        self.peak = 0
        self.peak_operation = ""
        self._known = WeakIdKeyDictionary()
        self._workspaces = workspaces or {}

    def count(self, tensors: Sequence[Tensor], operation: str = "", workspace: int = 0) -> Self:
        """Counts tensors that were made before; returns itself.

        Args:
            tensors: of any kind; storages that are known already do not count again.
            operation: that made them.
            workspace: bytes that it took beside them.
        """
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage not in self._known:
                size = storage.nbytes()
                self._known[storage] = size
                weakref.finalize(storage, self._gone, size)
                self.live += size
        if self.live + workspace > self.peak:
            self.peak = self.live + workspace
            self.peak_operation = operation
        return self

    def _gone(self, size: int) -> None:
        self.live -= size

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs an operation and counts what it returned."""
        result = func(*args, **(kwargs or {}))
        workspace = self._workspaces.get(str(func))
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.count(made, str(func), workspace(args) if workspace else 0)
        return result
