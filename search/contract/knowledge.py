"""What a searcher may know without an evaluation: sensitivities of the base model, exact bytes, the budget.

Notation:
    n: configurations.
    d: dimensions of the space, ``1 + 2 * units``.
    U, B: units and widths of the space.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.space.space import Space

Memory = Callable[[NDArray[np.int64]], NDArray[np.float64]]
Damage = Literal["kl", "loss_change", "weight_error", "output_error"]


@final
@dataclass(frozen=True)
class Knowledge:
    """Facts that cost no fine-tune.

    Args:
        sensitivities: of the units of the space, None where they were not measured.
        memory: from index vectors, shape ``(n, d)``, to exact bytes, shape ``(n,)``; None where no closed form holds.
        budget: bytes that must not be exceeded, None for no limit.
        memory_objective: column of the objectives that is this memory, None where memory is no objective.
        loss_objective: column of the objectives that is the loss.
        fidelities: shares of the full training at which a configuration may be run, rising, the last one 1.
        prior: from index vectors, shape ``(n, d)``, to the loss that other tasks predict, shape ``(n,)``, on any scale
            that rises with it; None where no other task is known.
        untrained: configurations whose loss before training was measured: index vectors ``(n, d)``, and the losses in
            nats per answer token, shape ``(n,)``; None where there are none.
    """

    sensitivities: Sensitivities | None = None
    memory: Memory | None = None
    budget: float | None = None
    memory_objective: int | None = 1
    loss_objective: int = 0
    fidelities: tuple[float, ...] = (1.0,)
    prior: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None = None
    untrained: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None

    def require(self, name: str, needs: tuple[str, ...]) -> None:
        """Checks that every field of ``needs`` is there.

        Raises:
            UserError: naming the searcher and what it lacks.
        """
        missing = [field for field in needs if getattr(self, field) is None]
        if missing:
            raise UserError(
                f"{name} was given no {' and no '.join(missing)}",
                f"it works from {' and '.join(needs)}",
                "pass knowledge=Knowledge(...) with these, or choose a searcher that needs none",
            )

    def check(self, space: Space, objectives: int) -> None:
        """Checks that the facts are of this space and these objectives.

        Raises:
            UserError: when units, widths, columns or fidelities do not fit.
        """
        columns = [self.loss_objective] + ([] if self.memory_objective is None else [self.memory_objective])
        if self.fidelities[-1:] != (1.0,) or list(self.fidelities) != sorted(set(self.fidelities)):
            raise UserError(f"fidelities {self.fidelities}", "rising shares, the last one 1", "mend the knowledge")
        if self.loss_objective >= objectives or min(columns) < 0:
            raise UserError(
                f"objective columns {columns}", f"there are {objectives} objectives", "name columns that exist"
            )
        if self.sensitivities is not None:
            self.damage(space)

    def damage(self, space: Space, of: Damage = "kl") -> NDArray[np.float64]:
        """Returns what each width costs each unit alone, never below 0, shape ``(U, B)``; unmeasured 16 bits cost 0.

        Args:
            space: whose units and widths are meant.
            of: which measurement: ``kl`` and ``loss_change`` in nats, ``weight_error`` and ``output_error`` as shares.

        Raises:
            UserError: when there are no sensitivities, or they are of other units or lack a width.
        """
        self.require("this", ("sensitivities",))
        assert self.sensitivities is not None
        measured = getattr(self.sensitivities, of)
        lacking = [bits for bits in space.bits if bits not in (*self.sensitivities.widths, 16)]
        if len(measured) != space.units or lacking:
            raise UserError(
                f"sensitivities of {len(measured)} units at {self.sensitivities.widths} bits",
                f"the space has {space.units} units and {space.bits} bits",
                "measure the sensitivities of these units and widths",
            )
        table = np.zeros((space.units, len(space.bits)))
        for column, bits in enumerate(space.bits):
            if bits in self.sensitivities.widths:
                table[:, column] = measured[:, self.sensitivities.widths.index(bits)]
        return np.maximum(table, 0.0)


NOTHING = Knowledge()
"""The knowledge of a searcher that was told nothing."""
