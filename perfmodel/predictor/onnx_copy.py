"""An ONNX copy of a predictor's means, for programs without Python; written only where it answers as the predictor.

One file takes index vectors of the predictor's space, ``vectors`` int64 of shape ``(n, 1 + 2 * units)``, and gives
``means`` float64 of shape ``(n, m)``. The metrics and the space, which says what the indices stand for, are kept in the
model's metadata. It computes in float64, but for trees, whose splits are float32 as they are in the predictor.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import CorruptFileError, OutputFolderError
from perfmodel.files.optional import needs_extra
from perfmodel.predictor.onnx_graph import Graph
from perfmodel.predictor.predictor import Predictor

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-9
"""Largest difference of a mean, over the largest magnitude of its metric among the compared."""

COMPARED = 500
"""Random vectors on which the copy has to answer as the predictor."""

_INPUT = "vectors"


def write_onnx(predictor: Predictor, path: Path, *, tolerance: float = TOLERANCE) -> Path:
    """Returns the path of the written file.

    Args:
        predictor: of constant, additive, boosted and Gaussian process surrogates.
        path: of the file.
        tolerance: largest difference that is allowed, over the largest magnitude of a metric.

    Raises:
        MissingExtraError: when onnx or onnxruntime is not installed.
        UserError: when a surrogate is of a kind that cannot be copied.
        CorruptFileError: when the copy does not answer as the predictor; nothing is written then.
        OutputFolderError: when the file cannot be written.
    """
    model = onnx_model(predictor)
    content = model.SerializeToString()
    check_parity(predictor, content, tolerance=tolerance)
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise OutputFolderError(
            f"{path} cannot be written ({error})", "a writable folder", "choose another folder"
        ) from error
    return path


def onnx_model(predictor: Predictor) -> "onnx.ModelProto":
    """Returns the copy, not yet compared with the predictor.

    Raises:
        MissingExtraError: when onnx is not installed.
        UserError: when a surrogate is of a kind that cannot be copied.
    """
    graph = Graph()
    means = predictor.to_graph(graph, _INPUT)
    space = predictor.record.space
    notes = {"metrics": json.dumps(predictor.metrics), "space": space.to_json()}
    return graph.model((_INPUT, len(space.cardinalities)), (means, len(predictor.metrics)), notes)


def onnx_means(content: bytes, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the means that a copy gives, shape ``(n, m)``.

    Args:
        content: of the file.
        vectors: index vectors of its space, shape ``(n, 1 + 2 * units)``.

    Raises:
        MissingExtraError: when onnxruntime is not installed.
    """
    with needs_extra("onnx"):
        import onnxruntime
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (means,) = session.run(None, {_INPUT: np.asarray(vectors, dtype=np.int64)})
    return np.asarray(means, dtype=np.float64)


def check_parity(predictor: Predictor, content: bytes, *, tolerance: float = TOLERANCE) -> None:
    """Checks that a copy answers as the predictor on ``COMPARED`` random vectors, and on one alone.

    Args:
        predictor: that was copied.
        content: of the copy.
        tolerance: as for ``write_onnx``.

    Raises:
        MissingExtraError: when onnxruntime is not installed.
        CorruptFileError: naming the metric and the difference when they are too large, or not numbers.
    """
    sizes = predictor.record.space.cardinalities
    vectors = np.random.default_rng(0).integers(sizes, size=(COMPARED, len(sizes)))
    for asked in (vectors, vectors[:1]):
        wanted = predictor.predict_mean(asked)
        difference = np.abs(onnx_means(content, asked) - wanted).max(axis=0)
        largest = difference / np.maximum(np.abs(wanted).max(axis=0), np.finfo(np.float64).tiny)
        worst = int(np.argmax(largest))
        if not largest[worst] <= tolerance:  # NaN is no agreement
            raise CorruptFileError(
                f"the ONNX copy's {predictor.metrics[worst]} differs from the predictor's by {largest[worst]:.2g}",
                f"they must agree within {tolerance:g} of the metric's magnitude",
                "nothing was written; use the predictor itself, or another version of onnxruntime",
            )
