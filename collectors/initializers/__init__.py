"""Initialisers: where the frozen base and the adapter start, one method a file.

contract    what an initialiser gives
low_rank    leading directions and balanced factors
residual    errors too small to correct; bases without what the adapter holds
standard    the adapter adds nothing
loftq       base and adapter by turns
qera        least output error
olora       QR of the weight, taken out of the base
pissa       its largest directions, taken out
corda       its largest directions on the inputs, taken out
eva         A from the inputs

May import: ``quantizers``, ``pruning``.
"""

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.corda import Corda
from collectors.initializers.eva import Eva
from collectors.initializers.loftq import LoftQ
from collectors.initializers.olora import OLora
from collectors.initializers.pissa import Pissa
from collectors.initializers.qera import Qera
from collectors.initializers.standard import Standard

INITIALIZERS: dict[str, AbstractInitializer] = {
    "zero": Standard(peft_start=True),
    "gaussian": Standard("gaussian"),
    "orthogonal": Standard("orthogonal"),
    "loftq1": LoftQ(1),
    "loftq2": LoftQ(2),
    "loftq3": LoftQ(3),
    "loftq4": LoftQ(4),
    "loftq5": LoftQ(5),
    "qera_diag": Qera("diagonal"),
    "qera_exact": Qera("full"),
    "olora": OLora(),
    "pissa": Pissa(),
    "corda": Corda(),
    "eva": Eva(),
}
"""Every initialiser by the name that ``perfmodel.space.methods.INITIALIZERS`` gives it."""

__all__ = ["INITIALIZERS", "AbstractInitializer", "Start"]
