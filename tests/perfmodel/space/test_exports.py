"""Exports name every dimension, keep its order and come back as the same configuration."""

import builtins
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError, MissingExtraError
from perfmodel.space.exports import (
    choices,
    from_indices,
    from_values,
    names,
    to_botorch,
    to_configspace,
    to_optuna,
    to_pymoo,
)
from perfmodel.space.space import Configuration, Space

SPACE = Space(3, pruning_rates=(0.0, 0.3), bits=(2, 4, 16), ranks=(0, 8))


def test_names_follow_the_index_vector() -> None:
    assert names(SPACE) == ["pruning_rate", "bits_00", "bits_01", "bits_02", "rank_00", "rank_01", "rank_02"]
    assert names(Space(101))[1] == "bits_000"
    assert [len(each) for each in choices(SPACE)] == SPACE.cardinalities.tolist()


def test_configspace_samples_are_legal_and_ordered() -> None:
    exported = to_configspace(SPACE, seed=0)
    assert exported["bits_00"].sequence == (2, 4, 16)
    for drawn in exported.sample_configuration(64):
        SPACE.validate(from_values(SPACE, dict(drawn)))


def test_configspace_default_is_the_costliest_point() -> None:
    default = dict(to_configspace(SPACE).get_default_configuration())
    assert from_values(SPACE, default) == Configuration.uniform(3, bits=16, rank=8, pruning_rate=0.3)


def test_optuna_round_trip() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask(to_optuna(SPACE))
    assert list(trial.params) == names(SPACE)
    assert SPACE.encode([from_indices(SPACE, trial.params)])[0].tolist() == list(trial.params.values())


def test_pymoo_evaluates_integer_vectors() -> None:
    seen = []

    def evaluate(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(vectors.dtype)
        return vectors[:, :2].astype(float), vectors[:, 2:3] - 1.0

    problem = to_pymoo(SPACE, evaluate, objectives=2, constraints=1)
    losses, constraints = problem.evaluate(np.ones((4, 7)), return_values_of=["F", "G"])
    assert losses.shape == (4, 2)
    assert constraints.shape == (4, 1)
    assert seen == [np.int64]
    assert problem.xl.tolist() == [0] * 7
    assert problem.xu.tolist() == [1, 2, 2, 2, 1, 1, 1]


def test_botorch_bounds() -> None:
    import torch

    bounds = to_botorch(SPACE)
    assert bounds.dtype == torch.float64
    assert bounds.tolist() == [[0.0] * 7, [1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rank_00": None}, "rank_00 is missing"), ({"rank_9": 0}, "rank_9 is unknown"), ({"bits_01": 3}, "has index 3")],
)
def test_wrong_indices_are_named(change: dict[str, int | None], words: str) -> None:
    indices = {**dict.fromkeys(names(SPACE), 1), **change}
    with pytest.raises(InvalidConfigurationError, match=words):
        from_indices(SPACE, {name: index for name, index in indices.items() if index is not None})


def test_bare_ranks_are_refused() -> None:
    with pytest.raises(InvalidConfigurationError, match="every rank is 0"):
        from_indices(SPACE, dict.fromkeys(names(SPACE), 0))


@pytest.mark.parametrize(
    ("module", "export"),
    [
        ("ConfigSpace", to_configspace),
        ("optuna", to_optuna),
        ("pymoo", lambda space: to_pymoo(space, lambda x: (x.astype(float), x.astype(float)), objectives=1)),
        ("torch", to_botorch),
    ],
)
def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, module: str, export: Callable[[Space], Any]) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **options: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match="pip install"):
        export(SPACE)


def test_exports_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_configspace(Space(30))
        to_optuna(Space(30))
