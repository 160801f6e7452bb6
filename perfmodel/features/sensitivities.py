"""What each unit of a base model costs when it is touched alone: cheap measurements, made once, without fine-tuning.

    U   units: layers, or the linear modules of all layers
    K   storage widths that were tried
    R   pruning rates that were tried

They feed the features of performance models, the start of the searchers, and every published allocator that works
from sensitivities.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import CorruptFileError
from perfmodel.files.state_file import read_state, write_state
from perfmodel.space.methods import Methods
from perfmodel.space.space import Unit

VERSION = 1

_ARRAYS = ("kl", "loss_change", "weight_error", "output_error", "gradient_norm", "information", "rates", "taylor_mass")


@dataclass(frozen=True)
class Sensitivities:
    """One base model on one task.

    Args:
        model: name of the base model.
        model_sha256: sha256 of the base model's weights, 64 hexadecimal digits.
        task: whose calibration examples were used.
        task_sha256: sha256 of the task's examples, 64 hexadecimal digits.
        methods: the formats of the widths.
        unit: ``layer`` or ``module``.
        widths: the K storage widths that were tried, in bits, rising.
        examples: calibration examples.
        kl: mean KL divergence of the output distribution over scored tokens when only that unit is stored at that
            width, nats, shape ``(U, K)``.
        loss_change: change of the mean loss likewise, nats, shape ``(U, K)``.
        weight_error: squared error of the stored weights over their squared norm, shape ``(U, K)``.
        output_error: the same of the unit's outputs on the calibration inputs, QERA's diagonal form, ``(U, K)``.
        gradient_norm: norm of the loss's gradient with respect to the unit's linear weights, shape ``(U,)``.
        information: mutual information between the unit's mean-pooled output and the model's prediction, nats, by
            layer and repeated for its modules, shape ``(U,)``.
        rates: the R pruning rates that were tried, in [0, 1), rising.
        taylor_mass: share of the layers' Taylor importance that pruning removes, shape ``(R,)``.
    """

    model: str
    model_sha256: str
    task: str
    task_sha256: str
    methods: Methods
    unit: Unit
    widths: tuple[int, ...]
    examples: int
    kl: NDArray[np.float64]
    loss_change: NDArray[np.float64]
    weight_error: NDArray[np.float64]
    output_error: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    information: NDArray[np.float64]
    rates: NDArray[np.float64]
    taylor_mass: NDArray[np.float64]

    def check_shapes(self) -> None:
        """Refuses arrays that do not belong together.

        Raises:
            ValueError: naming the first whose shape is another than the class says.
        """
        units, widths, rates = len(self.gradient_norm), len(self.widths), len(self.rates)
        shapes = {**dict.fromkeys(_ARRAYS[:4], (units, widths)), **dict.fromkeys(_ARRAYS[4:6], (units,))}
        for name, shape in {**shapes, **dict.fromkeys(_ARRAYS[6:], (rates,))}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")

    def save(self, path: Path) -> None:
        """Writes versioned JSON with its checksum.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        body = {name: getattr(self, name) for name in self.__dataclass_fields__}
        arrays = {name: np.asarray(body[name]).tolist() for name in _ARRAYS}
        plain = {"methods": self.methods.to_dict(), "widths": list(self.widths)}
        write_state(path, "sensitivities", VERSION, {**body, **arrays, **plain})

    @classmethod
    def load(cls, path: Path) -> "Sensitivities":
        """Returns what ``save`` wrote.

        Raises:
            CorruptFileError: when the file is missing, damaged or none of these.
            SchemaVersionError: when a newer version wrote it.
        """
        body = read_state(path, "sensitivities", VERSION)
        try:
            arrays = {name: np.asarray(body[name], dtype=np.float64) for name in _ARRAYS}
            plain = {"methods": Methods(**body["methods"]), "widths": tuple(body["widths"])}
            found = cls(**{**body, **arrays, **plain})
            found.check_shapes()
            return found
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(
                f"{path} holds no sensitivities ({error!r})", "bench sense writes them", "measure them again"
            ) from error
