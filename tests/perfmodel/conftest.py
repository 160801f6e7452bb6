"""Fake traces with a known formula, for the tests of the learned models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from perfmodel.features.columns import relative_error
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace

LAYERS = 10
SETTING = Setting("tiny", "a" * 64, "counting", "b" * 64, Recipe(), "cuda")
RAN_ON = RanOn("H100", "1", 8, 1, {"torch": "2.13.0"}, "c0de", "2026-01-01T00:00:00Z", "fake")


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    """A Llama of ten layers, grouped queries, tied embeddings."""
    return Architecture.from_config(
        {
            "model_type": "llama",
            "hidden_size": 128,
            "vocab_size": 2048,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "intermediate_size": 512,
            "tie_word_embeddings": True,
        }
    )


@pytest.fixture(scope="session")
def tiny_space(tiny: Architecture) -> Space:
    """The default space over its layers."""
    return Space.for_architecture(tiny)


@pytest.fixture(scope="session")
def draw_configurations(tiny_space: Space) -> Callable[..., list[Configuration]]:
    """Draws configurations stratified over mean bits, mean rank and rate."""

    def draw(count: int, seed: int = 0) -> list[Configuration]:
        rng = np.random.default_rng(seed)
        made = []
        for _ in range(count):
            low_bits, low_rank = rng.integers(len(tiny_space.bits) - 1), rng.integers(len(tiny_space.ranks) - 1)
            bits = np.array(tiny_space.bits)[low_bits + (rng.random(LAYERS) < rng.random())]
            ranks = np.array(tiny_space.ranks)[low_rank + (rng.random(LAYERS) < rng.random())]
            ranks[0] = max(2, ranks[0])
            rate = float(rng.choice(tiny_space.pruning_rates))
            made.append(Configuration(rate, tuple(bits.tolist()), tuple(ranks.tolist())))
        return made

    return draw


@pytest.fixture(scope="session")
def fake_traces(tiny: Architecture, draw_configurations: Callable[..., list[Configuration]]) -> Callable[..., Any]:
    """Makes traces: log loss rises with rate and squared error (most in early layers), rank does ``rank_gain``."""

    def make(
        count: int, *, seeds: int = 1, repeated: int | None = None, noise: float = 0.01, seed: int = 0, **gains: float
    ) -> list[Trace]:
        rng = np.random.default_rng(seed + 10_000)
        traces = []
        for index, configuration in enumerate(draw_configurations(count, seed)):
            runs = seeds if repeated is None or index < repeated else 1
            traces += [_trace(tiny, configuration, run, noise, rng, **gains) for run in range(runs)]
        return traces

    return make


def _trace(
    architecture: Architecture,
    configuration: Configuration,
    run: int,
    noise: float,
    rng: np.random.Generator,
    *,
    rate_gain: float = 1.2,
    bits_gain: float = 6.0,
    rank_gain: float = 0.0,
) -> Trace:
    errors = relative_error(np.array(configuration.bits), Methods()) ** 2
    sensitivity = np.linspace(2.0, 0.0, LAYERS)
    log_loss = (
        np.log(0.7)
        + rate_gain * configuration.pruning_rate
        + bits_gain * float(np.mean(sensitivity * errors))
        - rank_gain * float(np.mean(np.log2(1.0 + np.array(configuration.ranks))))
    )
    loss = float(np.exp(log_loss + noise * rng.standard_normal()))
    slow = float(np.mean([bits < 4 for bits in configuration.bits]))
    step = 0.2 * (1 - 0.5 * configuration.pruning_rate) * (1 + 0.5 * slow)
    state = state_bytes(architecture, configuration)
    measured = Measured(
        status="ok",
        held_out_loss=loss,
        accuracy=float(np.clip(0.9 - 0.3 * loss + 0.01 * rng.standard_normal(), 0, 1)),
        accuracy_examples=128,
        peak_memory_bytes=int(state.total + 4e6 * (1 - 0.5 * configuration.pruning_rate)),
        step_time_s=step * float(np.exp(0.02 * rng.standard_normal())),
    )
    return Trace(Asked(SETTING, configuration, run, "plan"), measured, RAN_ON)


@pytest.fixture
def failed() -> Callable[[Trace], Trace]:
    """Turns a trace into the record of a trial that ran out of memory."""
    return lambda trace: replace(trace, measured=Measured(status="oom", reason="out of memory"))
