"""A graph of ONNX operators, written operator by operator. ONNX itself is needed only to make a model of it."""

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.optional import needs_extra

if TYPE_CHECKING:
    import onnx

FLOAT, INT32, INT64, BOOL, DOUBLE = 1, 6, 7, 9, 11
"""Types by their numbers in ONNX, for ``Cast``."""

OPSET = 18
IR_VERSION = 10
"""Versions of 2023 and 2024: older than any runtime that is likely to be met."""


@final
class Graph:
    """Operators and constants; a value is known by its name, and arrays may stand where names do."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}
        self._nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []

    def add(self, kind: str, *inputs: str | NDArray[Any] | int | float, **attributes: Any) -> str:
        """Returns the name of what an operator gives.

        Args:
            kind: of the operator.
            inputs: names, or constants; a plain number becomes an array of float64 or int64 without dimensions.
            attributes: of the operator.
        """
        names = [each if isinstance(each, str) else self._constant(np.asarray(each)) for each in inputs]
        output = f"value_{len(self._nodes)}"
        self._nodes.append((kind, names, output, attributes))
        return output

    def take(self, values: str | NDArray[Any], places: str | NDArray[Any], axis: int = 1) -> str:
        """Returns the name of entries along an axis, as ``numpy.take`` does."""
        return self.add("Gather", values, places, axis=axis)

    def between(self, values: str, low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
        """Returns the name of the values held between two arrays."""
        return self.add("Min", self.add("Max", values, low), high)

    def model(self, inputs: tuple[str, int], outputs: tuple[str, int], notes: dict[str, str]) -> "onnx.ModelProto":
        """Returns the checked model of one input, int64, and one output, float64, both of any number of rows.

        Args:
            inputs: name and columns.
            outputs: name and columns; the name is that of a value.
            notes: kept with the model.

        Raises:
            MissingExtraError: when onnx is not installed.
        """
        with needs_extra("onnx"):
            import onnx
            from onnx import TensorProto, helper, numpy_helper
        given = helper.make_tensor_value_info(inputs[0], TensorProto.INT64, ["n", inputs[1]])
        answer = helper.make_tensor_value_info(outputs[0], TensorProto.DOUBLE, ["n", outputs[1]])
        nodes = [helper.make_node(kind, names, [output], **extra) for kind, names, output, extra in self._nodes]
        arrays = [numpy_helper.from_array(np.array(values, order="C"), name) for name, values in self._arrays.items()]
        graph = helper.make_graph(nodes, "predictor", [given], [answer], arrays)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        helper.set_model_props(made, notes)
        onnx.checker.check_model(made, full_check=True)
        return made

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"array_{len(self._arrays)}"
        self._arrays[name] = values
        return name
