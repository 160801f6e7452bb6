"""The ONNX copy answers as the predictor, or is not written."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import perfmodel.surrogates.boosted
from perfmodel.errors import CorruptFileError, MissingExtraError, OutputFolderError, UserError
from perfmodel.features.columns import Featurizer
from perfmodel.features.table_columns import SUM_COLUMNS, SpaceFeatures
from perfmodel.features.training_data import training_data
from perfmodel.predictor.onnx_copy import check_parity, onnx_means, onnx_model, write_onnx
from perfmodel.predictor.onnx_graph import Graph
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Space
from perfmodel.surrogates.registry import make_surrogate

METRICS = ("held_out_loss", "accuracy", "peak_memory_bytes", "step_time_s")
MIXES = {
    "bumps and trees": ("gaussian_process", "gaussian_process", "gaussian_process", "boosted"),
    "damage and lines": ("damage", "boosted", "additive", "constant"),
}


@pytest.fixture(scope="module")
def predictor_of(tiny, tiny_space, fake_traces):
    """A predictor with one surrogate of each kind that is named."""
    traces = fake_traces(30, noise=0.05)
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    bare = Predictor.fit(traces, tiny_space, tiny, metrics=METRICS, surrogates=["constant"])

    def get(kinds):
        fitted = {}
        for metric, kind in zip(METRICS, kinds, strict=True):
            data = training_data(traces, metric, featurizer)
            fitted[metric] = make_surrogate(kind, metric).fit(data.features, data.target, data.groups)
        return Predictor(bare.record, fitted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perfmodel.surrogates.boosted, "MEMBERS", 3)
        patch.setattr(perfmodel.surrogates.boosted, "TREES", 15)
        yield get


def random_vectors(space, count, seed=7):
    return np.random.default_rng(seed).integers(space.cardinalities, size=(count, len(space.cardinalities)))


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"perfmodel\[onnx\]"):
        Graph().model(("vectors", 1), ("means", 1), {})
    with pytest.raises(MissingExtraError, match=r"perfmodel\[onnx\]"):
        onnx_means(b"", np.zeros((1, 1), dtype=np.int64))


def test_what_cannot_be_copied_is_said(predictor_of):
    stacked = predictor_of(("constant", "constant", "constant", "stack"))
    with pytest.raises(UserError, match="of the kind stack"):
        stacked.to_graph(Graph(), "vectors")
    old = Predictor.load(Path(__file__).parents[1] / "assets" / "predictor-v2")
    with pytest.raises(UserError, match="only means can be copied"):
        old.to_graph(Graph(), "vectors")


@pytest.mark.parametrize("mix", MIXES)
def test_the_copy_answers_as_the_predictor(predictor_of, mix, tmp_path):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    predictor = predictor_of(MIXES[mix])
    path = write_onnx(predictor, tmp_path / "made" / "means.onnx")
    for count in (1, 700):
        vectors = random_vectors(predictor.record.space, count)
        wanted = predictor.predict_mean(vectors)
        np.testing.assert_allclose(onnx_means(path.read_bytes(), vectors), wanted, rtol=1e-9, atol=1e-9)
    assert np.all(np.ptp(wanted, axis=0)[[kind != "constant" for kind in MIXES[mix]]] > 0)


def test_the_copy_says_what_it_takes_and_gives(predictor_of):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    predictor = predictor_of(MIXES["damage and lines"])
    model = onnx_model(predictor)
    (given,) = model.graph.input
    assert given.name == "vectors" and [each.dim_value for each in given.type.tensor_type.shape.dim] == [0, 21]
    notes = {each.key: each.value for each in model.metadata_props}
    assert json.loads(notes["metrics"]) == list(METRICS)
    assert Space.from_json(notes["space"]) == predictor.record.space


def test_a_copy_that_differs_is_not_written(predictor_of, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    predictor, other = (predictor_of(mix) for mix in MIXES.values())
    with pytest.raises(CorruptFileError, match=r"differs from the predictor's by .*nothing was written"):
        check_parity(predictor, onnx_model(other).SerializeToString())
    monkeypatch.setattr("perfmodel.predictor.onnx_copy.onnx_model", lambda _: onnx_model(other))
    with pytest.raises(CorruptFileError, match=r"must agree within 0\.001"):
        write_onnx(predictor, tmp_path / "means.onnx", tolerance=1e-3)
    assert not list(tmp_path.iterdir())


def test_an_answer_that_is_no_number_is_no_agreement(predictor_of, monkeypatch):
    predictor = predictor_of(MIXES["damage and lines"])
    monkeypatch.setattr(
        "perfmodel.predictor.onnx_copy.onnx_means", lambda _, vectors: np.full((len(vectors), 4), np.nan)
    )
    with pytest.raises(CorruptFileError, match="held_out_loss differs from the predictor's by nan"):
        check_parity(predictor, b"")


def test_a_path_that_cannot_be_written_is_said(predictor_of, tmp_path):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError, match="cannot be written"):
        write_onnx(predictor_of(MIXES["damage and lines"]), tmp_path / "file" / "means.onnx")


def test_modules_of_a_layer_are_seen_as_one(tiny):
    """The share of adapted layers is no sum over modules: it has operators of its own."""
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    space = Space.for_architecture(tiny, unit="module", ranks=(0, 8))
    features = SpaceFeatures(space, Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    vectors = random_vectors(space, 30)
    vectors[:10, 1 + space.units :] = 0
    vectors[:9, -3:] = 1
    graph = Graph()
    model = graph.model(("vectors", vectors.shape[1]), (features.to_graph(graph, "vectors"), len(SUM_COLUMNS)), {})
    sums = np.empty((30, len(SUM_COLUMNS)))
    features.fill(sums, vectors)
    np.testing.assert_allclose(onnx_means(model.SerializeToString(), vectors), sums, rtol=1e-12, atol=1e-15)
