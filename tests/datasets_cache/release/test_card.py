"""The data card: what it says of coverage, of tasks that are left out, and of too few traces."""

from dataclasses import replace

import numpy as np
import pytest
from first_traces import first_traces

from datasets_cache.release.card import by_setting, card, noise_and_spread, takes_part_in_scores
from datasets_cache.release.coverage import draw_coverage, shelf_coverage
from datasets_cache.shelf.shelf import newest_shelf, shelf_file
from perfmodel.space.space import Configuration


@pytest.fixture(scope="module")
def traces():
    return first_traces(73, "chain_sum")


def with_loss(trace, loss):
    return replace(trace, measured=replace(trace.measured, held_out_loss=loss))


def with_setting(trace, **changes):
    return replace(trace, asked=replace(trace.asked, setting=replace(trace.asked.setting, **changes)))


def test_a_task_within_ten_times_its_noise_takes_no_part_in_scores(traces):
    rng = np.random.default_rng(0)
    flat = [with_loss(trace, 1.0 + 0.1 * float(rng.standard_normal())) for trace in traces]
    text = card("flat", flat, "Notes.", shelf_file(newest_shelf()), lambda _: (1.0, 0.0))
    (row,) = [line for line in text.splitlines() if line.startswith("| chain_sum |") and "**no**" in line]

    assert takes_part_in_scores(traces) is True
    assert takes_part_in_scores(flat) is False
    assert takes_part_in_scores(flat[:1]) is None
    assert float(row.split("|")[-3]) < 10
    assert f"{len(flat)} real fine-tunes" in text
    # Too few have both bits and ranks that vary, and the card says so instead of giving a number.
    assert "Not enough traces of chain_sum: there are 30 different configurations in which" in text


def test_noise_and_spread_of_known_losses(traces):
    one, other = traces[0], next(t for t in traces if t.asked.configuration != traces[0].asked.configuration)
    known = [with_loss(one, 1.0), with_loss(one, 1.2), with_loss(other, 2.1)]

    noise, spread = noise_and_spread(known)
    assert noise == pytest.approx(0.02**0.5) and spread == pytest.approx(0.5**0.5)
    assert noise_and_spread([with_loss(one, 1.0), with_loss(other, 2.0)])[0] is None


def test_devices_are_never_mixed(traces):
    on_gpu = [with_setting(trace, device_class="cuda") for trace in traces[:3]]
    groups = by_setting([*traces, *on_gpu])

    assert list(by_setting(traces)) == ["chain_sum"]
    assert [len(group) for group in groups.values()] == [len(traces), 3]
    assert all(label.startswith(f"chain_sum, {device}, setting ") for label, device in zip(groups, ("cpu", "cuda"), strict=True))  # fmt: skip


def test_configurations_are_counted_once_by_tenth_and_rate(traces, tmp_path):
    def at(bits, rate, seed=0):
        configuration = Configuration(rate, (bits,) * 30, (8,) * 30)
        return replace(traces[0], asked=replace(traces[0].asked, configuration=configuration, seed=seed))

    found = shelf_coverage([at(2, 0.0), at(2, 0.0, seed=1), at(16, 0.5), at(8, 0.2), at(3, 0.0)])

    assert found.counts.sum() == 4 and found.counts.shape == (10, 6)
    assert (found.counts[0, 0], found.counts[9, 5], found.counts[4, 2]) == (2, 1, 1)
    assert (found.tenths, found.covered_rates, found.cells) == (0, 0, 0)
    assert shelf_coverage([at(bits, 0.1) for bits in (2, 3)] + [at(2, 0.2)]).tenths == 1

    draw_coverage({"one": found, "two": found}, tmp_path / "picture.png")
    first = (tmp_path / "picture.png").read_bytes()
    draw_coverage({"one": found, "two": found}, tmp_path / "picture.png")
    assert first[:4] == b"\x89PNG" and (tmp_path / "picture.png").read_bytes() == first


def test_a_pilot_is_told_by_axis_and_stays_out_of_the_other_tables(traces):
    middle = Configuration.uniform(30, bits=16, rank=8)
    fast = replace(traces[0].asked.setting.recipe, learning_rate=3e-3)
    of_middle = next(trace for trace in traces if trace.asked.configuration == middle)
    departed = with_loss(with_setting(of_middle, recipe=fast), 10.0)
    text = card("pilot", [*traces, departed], "Notes.", shelf_file(newest_shelf()), lambda _: (1.0, 0.0))

    assert "One axis at a time" not in card("all", traces, "", shelf_file(newest_shelf()), lambda _: (1.0, 0.0))
    (row,) = [line for line in text.splitlines() if "| learning rate |" in line and "| 0.003 |" in line]
    assert "| 10.000 |" in row
    assert "| chain_sum |" in text and "learning_rate" not in text.split("## One axis")[0]
