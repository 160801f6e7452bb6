"""One thread each: two torch processes with two threads on two cores slow each other tenfold. Known facts to search by."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from perfmodel.features.sensitivities import Sensitivities
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace
from search.benchmark.known_fronts import AdditiveProblem
from search.contract.knowledge import Knowledge


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Holds torch to one thread while these tests run."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def known() -> Callable[..., Knowledge]:
    """Returns the maker of what may be known of an additive problem: its bytes, and each unit's damage by its widths."""

    def made(problem: AdditiveProblem, **fields: Any) -> Knowledge:
        space = problem.space
        damage = np.asarray([table[:, 0] for table in problem._tables[1 : 1 + space.units]])
        sensitivities = Sensitivities(
            model="tiny",
            model_sha256="a" * 64,
            task="sums",
            task_sha256="b" * 64,
            methods=DEFAULT_METHODS,
            unit="layer",
            widths=space.bits,
            examples=4,
            kl=damage,
            loss_change=damage,
            weight_error=np.tile(4.0 ** -np.asarray(space.bits, dtype=float), (space.units, 1)),
            output_error=damage,
            gradient_norm=np.sqrt(damage[:, 0]),
            information=damage[:, 0],
            rates=np.asarray(space.pruning_rates),
            taylor_mass=np.asarray(space.pruning_rates),
        )
        return Knowledge(**{"sensitivities": sensitivities, "memory": lambda v: problem.measure(v)[:, 1], **fields})

    return made


@pytest.fixture(scope="session")
def make_trace() -> Callable[..., Trace]:
    """Returns the maker of a trace of two layers: 24 steps with curve points at 12 and 24."""

    def made(configuration: Configuration, seed: int = 0, loss: float = 1.0, **fields: Any) -> Trace:
        setting = Setting("tiny", "a" * 64, "sums", "b" * 64, Recipe(steps=24, curve_points=2), "cpu")
        measured = {
            "held_out_loss": loss,
            "curve_steps": (0, 12, 24),
            "curve_losses": (3.0, 1.5 * loss, loss),
            "peak_memory_bytes": 1000,
            "step_time_s": 2.0,
            "prepare_time_s": 5.0,
            "eval_time_s": 1.0,
        }
        ran_on = RanOn("CPU", "", 1, 1, {}, "c0de", "2026-01-01T00:00:00Z", "fake")
        return Trace(Asked(setting, configuration, seed, "plan"), Measured("ok", **{**measured, **fields}), ran_on)

    return made
