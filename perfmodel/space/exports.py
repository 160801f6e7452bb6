"""The space as ConfigSpace, Optuna, pymoo and BoTorch know it; our own JSON stays the source of truth.

Dimensions are named ``pruning_rate``, ``bits_00``, ``bits_01``, ..., ``rank_00``, ... in the order of the index vector.
ConfigSpace gets the values themselves as ordered choices; Optuna, pymoo and BoTorch get the indices, which are
ordered integers there. Of the four only ConfigSpace can say that not every rank may be 0: elsewhere repair a proposal
(``perfmodel.space.sampling.repair_ranks``) before it is decoded.

Notation:
    n: vectors.
    d: dimensions, ``1 + 2 * units``.
    m: objectives.
    c: constraints, each met where it is 0 or less.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError, MissingExtraError
from perfmodel.space.space import Configuration, Space

if TYPE_CHECKING:
    import torch
    from ConfigSpace import ConfigurationSpace
    from optuna.distributions import BaseDistribution
    from pymoo.core.problem import Problem

Floats = NDArray[np.float64]


def names(space: Space) -> list[str]:
    """Returns the names of the ``d`` dimensions, in the order of the index vector."""
    width = max(2, len(str(space.units - 1)))
    layers = [f"{layer:0{width}d}" for layer in range(space.units)]
    return ["pruning_rate", *(f"bits_{layer}" for layer in layers), *(f"rank_{layer}" for layer in layers)]


def choices(space: Space) -> list[tuple[float, ...]]:
    """Returns the values of each of the ``d`` dimensions, rising."""
    return [space.pruning_rates, *[space.bits] * space.units, *[space.ranks] * space.units]


def to_configspace(space: Space, seed: int | None = None) -> "ConfigurationSpace":
    """Returns ordinal hyperparameters, and a forbidden clause where every rank could be 0.

    Raises:
        MissingExtraError: when ConfigSpace is not installed.
    """
    with _needs("ConfigSpace"):
        from ConfigSpace import ConfigurationSpace, ForbiddenAndConjunction, ForbiddenEqualsClause
        from ConfigSpace import OrdinalHyperparameter as Ordinal

    values = choices(space)
    # The defaults must be legal: the highest choice of each is.
    ordinals = [Ordinal(name, each, default_value=each[-1]) for name, each in zip(names(space), values, strict=True)]
    exported = ConfigurationSpace(seed=seed)
    exported.add(ordinals)
    if space.ranks[0] == 0:
        exported.add(ForbiddenAndConjunction(*(ForbiddenEqualsClause(each, 0) for each in ordinals[1 + space.units :])))
    return exported


def to_optuna(space: Space) -> dict[str, "BaseDistribution"]:
    """Returns a distribution of indices for each name, as ``Study.ask`` and ``create_trial`` take them.

    Raises:
        MissingExtraError: when Optuna is not installed.
    """
    with _needs("optuna"):
        from optuna.distributions import IntDistribution

    return {name: IntDistribution(0, len(each) - 1) for name, each in zip(names(space), choices(space), strict=True)}


def to_pymoo(
    space: Space,
    evaluate: Callable[[NDArray[np.int64]], tuple[Floats, Floats]],
    *,
    objectives: int,
    constraints: int = 0,
) -> "Problem":
    """Returns a vectorised integer ``pymoo.core.problem.Problem``.

    Args:
        space: the space of legal configurations.
        evaluate: from index vectors ``(n, d)`` to losses ``(n, m)`` and constraints ``(n, c)``.
        objectives: number m of objectives, 1 or more.
        constraints: number c of constraints, 0 or more.

    Raises:
        MissingExtraError: when pymoo is not installed.
    """
    with _needs("pymoo"):
        from pymoo.core.problem import Problem

    def _evaluate(
        _: object, vectors: NDArray[np.int64], out: dict[str, Floats], *_args: object, **_options: object
    ) -> None:
        out["F"], out["G"] = evaluate(np.rint(np.asarray(vectors, dtype=np.float64)).astype(np.int64))

    # Made by hand: pymoo is untyped, and a class statement over it would not pass mypy.
    made = type("SpaceProblem", (Problem,), {"_evaluate": _evaluate})
    upper = space.cardinalities - 1
    return made(n_var=len(upper), n_obj=objectives, n_ieq_constr=constraints, xl=0, xu=upper, vtype=int)


def to_botorch(space: Space) -> "torch.Tensor":
    """Returns bounds of the index vectors, shape ``(2, d)``, float64.

    Raises:
        MissingExtraError: when torch is not installed.
    """
    with _needs("botorch"):
        import torch

    upper = torch.as_tensor(space.cardinalities - 1, dtype=torch.float64)
    return torch.stack([torch.zeros_like(upper), upper])


def from_values(space: Space, values: Mapping[str, Any]) -> Configuration:
    """Returns the configuration of named values, as ConfigSpace proposes them.

    Raises:
        InvalidConfigurationError: when a name is missing or unknown, or a value is not a choice.
    """
    listed = [values[name] for name in _complete(space, values)]
    configuration = Configuration(
        float(listed[0]),
        tuple(int(bits) for bits in listed[1 : 1 + space.units]),
        tuple(int(rank) for rank in listed[1 + space.units :]),
    )
    space.validate(configuration)
    return configuration


def from_indices(space: Space, indices: Mapping[str, int]) -> Configuration:
    """Returns the configuration of named indices, as Optuna proposes them.

    Raises:
        InvalidConfigurationError: when a name is missing or unknown, an index is out of range or every rank is 0.
    """
    for name, each in zip(_complete(space, indices), choices(space), strict=True):
        if not 0 <= indices[name] < len(each):
            raise InvalidConfigurationError(
                f"{name} has index {indices[name]}", f"indices are 0 to {len(each) - 1}", "choose one of these"
            )
    configuration = space.decode(np.asarray([[indices[name] for name in names(space)]]))[0]
    space.validate(configuration)
    return configuration


def _complete(space: Space, values: Mapping[str, Any]) -> list[str]:
    expected = names(space)
    for name in [*expected, *values]:
        if (name in values) != (name in expected):
            raise InvalidConfigurationError(
                f"{name} is {'unknown' if name in values else 'missing'}",
                f"names are {expected[0]}, {expected[1]} to {expected[-1]}",
                "give each of these once",
            )
    return expected


@contextmanager
def _needs(package: str) -> Iterator[None]:
    """Wraps a lazy import.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed",
            f"this export needs {package}",
            f'run: pip install "perfmodel[search]" (or {package} alone)',
        ) from error
