"""Shares of variance against functions whose shares are known."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.effects.variance_shares import AXES, PARTS, part_columns, variance_shares
from perfmodel.errors import NotEnoughTracesError
from perfmodel.space.space import Configuration

BITS, RANKS, RATES = (2, 3, 16), (0, 2, 8, 64), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
THIRDS = (4, 3, 3)  # of the tiny model's ten layers


def independent(count, rng):
    """Configurations whose rate, thirds of bits and thirds of ranks are drawn independently."""

    def by_third(choices):
        return tuple(int(value) for size in THIRDS for value in [rng.choice(choices)] * size)

    return [Configuration(float(rng.choice(RATES)), by_third(BITS), (*by_third(RANKS)[:9], 2)) for _ in range(count)]


@pytest.fixture
def decomposed(fake_traces):
    """Decomposes log loss = sum of coefficient * standardised column or product of columns, plus noise."""
    template = fake_traces(1)[0]

    def run(coefficients, noise, *, count=160, repeated=60, configurations=None, seed=0):
        rng = np.random.default_rng(seed)
        drawn = configurations or independent(count, rng)
        x = part_columns(drawn)
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        columns = {
            names: np.prod([x[:, PARTS.index(name)] for name in names.split("*")], axis=0) for names in coefficients
        }
        value = sum(gain * columns[names] for names, gain in coefficients.items())
        traces = []
        for index, (configuration, log_loss) in enumerate(zip(drawn, value, strict=True)):
            for run in range(3 if index < repeated else 1):
                loss = float(np.exp(log_loss + noise * rng.standard_normal()))
                asked = replace(template.asked, configuration=configuration, seed=run)
                traces.append(replace(template, asked=asked, measured=replace(template.measured, held_out_loss=loss)))
        return variance_shares(traces)

    return run


def holds(estimate, truth, within):
    return estimate.value == pytest.approx(truth, abs=within) and estimate.low <= truth <= estimate.high


def test_known_shares_are_found(decomposed):
    gains = {"pruning_rate": 0.4, "bits_first": 0.3, "bits_last": 0.1, "pruning_rate*bits_first": 0.12}
    total = 0.4 + 0.3 + 0.1 + 0.12 + 0.08
    assert total == pytest.approx(1)
    found = decomposed({names: share**0.5 for names, share in gains.items()}, 0.08**0.5)

    assert holds(found.axes["pruning_rate"], 0.4, 0.08)
    assert holds(found.parts["bits_first"], 0.3, 0.08)
    assert holds(found.parts["bits_middle"], 0.0, 0.03)
    assert holds(found.parts["bits_last"], 0.1, 0.06)
    assert holds(found.axes["bits"], 0.4, 0.08)
    assert holds(found.axes["rank"], 0.0, 0.03)
    assert holds(found.axes["interactions"], 0.12, 0.06)
    assert holds(found.axes["noise"], 0.08, 0.03)
    assert found.axes["unexplained"].value == pytest.approx(0, abs=0.03)


def test_shares_add_up_to_one(decomposed):
    found = decomposed({"rank_middle": 1.0, "bits_first*rank_last": 0.5}, 0.5, count=40, repeated=10)

    assert list(found.parts) == list(PARTS)
    assert list(found.axes) == [*AXES, "interactions", "noise", "unexplained"]
    assert sum(share.value for share in found.axes.values()) == pytest.approx(1)
    for axis in AXES:
        of_parts = sum(share.value for name, share in found.parts.items() if name.startswith(axis))
        assert found.axes[axis].value == pytest.approx(of_parts)


def test_parts_that_always_move_together_share_alike(decomposed):
    rng = np.random.default_rng(3)
    tied = [replace(each, bits=(int(rng.choice(BITS)),) * 10) for each in independent(80, rng)]
    found = decomposed({"bits_first": 1.0}, 0.1, configurations=tied)

    for third in ("first", "middle", "last"):
        assert found.parts[f"bits_{third}"].value == pytest.approx(1 / 3, abs=0.02)
    assert found.axes["bits"].value == pytest.approx(0.99, abs=0.02)


def test_what_no_part_explains_is_unexplained(decomposed):
    found = decomposed({"pruning_rate*bits_first*rank_last": 1.0}, 0.1)

    assert found.axes["unexplained"].value > 0.8
    assert abs(found.axes["noise"].value) < 0.05


def test_pure_noise_is_noise(decomposed):
    found = decomposed({"pruning_rate": 0.0}, 0.3)

    assert found.axes["noise"].value == pytest.approx(1, abs=0.3)
    assert all(abs(found.axes[axis].value) < 0.1 for axis in AXES)


def test_an_axis_that_was_not_varied_has_no_share(decomposed):
    rng = np.random.default_rng(4)
    unpruned = [replace(each, pruning_rate=0.0) for each in independent(40, rng)]
    unpruned[0] = replace(unpruned[0], pruning_rate=1e-13)  # rounding is no variation
    found = decomposed({"bits_first": 1.0}, 0.1, configurations=unpruned, repeated=10)

    assert found.axes["pruning_rate"].value == pytest.approx(0, abs=1e-9)


def test_too_few_configurations_are_refused(decomposed, fake_traces):
    with pytest.raises(NotEnoughTracesError, match="at least 30 are needed"):
        decomposed({"bits_first": 1.0}, 0.1, count=29, repeated=10)
    with pytest.raises(NotEnoughTracesError, match="repeated runs"):
        variance_shares(fake_traces(40))
