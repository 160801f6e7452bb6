"""The published traces: whole, legal, and what their card says; every shipped task passes the gate."""

from collections import Counter
from statistics import mean, stdev

import pytest

from datasets_cache import load_task, majority_accuracy, task_names
from datasets_cache.release.card import by_setting, card, noise_and_spread, plain_runs, takes_part_in_scores
from datasets_cache.release.release import question_blind
from datasets_cache.shelf.shelf import PILOT, SHELF_DATA, load_shelf, newest_shelf, shelf_names
from perfmodel.errors import CorruptFileError, UnknownNameError

NAME = "smollm2-v0"


@pytest.fixture(scope="module", params=shelf_names())
def shelf(request):
    return load_shelf(request.param)


@pytest.fixture(scope="module")
def traces(shelf):
    return shelf.traces


def test_release_is_as_large_as_the_first_shelf_must_be(traces):
    ok = [trace for trace in traces if trace.ok]
    runs = Counter((trace.asked.setting.task, trace.asked.configuration) for trace in ok)

    assert len(ok) >= 60
    assert len({trace.asked.setting.task for trace in ok}) >= 2
    assert sum(count >= 3 for count in runs.values()) >= 8


def test_traces_carry_the_data_that_is_shipped(traces):
    for of_task in by_setting(traces).values():
        task = of_task[0].asked.setting.task
        assert {trace.asked.setting.task_sha256 for trace in of_task} == {load_task(task).sha256}


def test_noise_is_small_beside_the_spread(traces):
    for label, of_one in by_setting(traces).items():
        if len(of_one) > 10:
            noise, spread = noise_and_spread(of_one)

            assert spread > 10 * noise, label
            assert takes_part_in_scores(of_one)


@pytest.mark.real
@pytest.mark.parametrize("task", task_names())
def test_a_shipped_task_passes_the_gate(traces, task):
    runs = plain_runs(trace for trace in traces if trace.asked.setting.task == task)
    loss, _ = question_blind(runs[0])
    losses = [trace.measured.held_out_loss for trace in runs]
    accuracies = [trace.measured.accuracy for trace in runs]

    assert len(runs) >= 3
    assert mean(losses) + 3 * stdev(losses) < 0.75 * loss
    assert mean(accuracies) - 3 * stdev(accuracies) > majority_accuracy(load_task(task))


@pytest.mark.real
def test_card_is_what_the_traces_say(shelf):
    notes = (SHELF_DATA / f"{shelf.name}.notes.md").read_text()

    assert card(shelf.name, shelf.traces, notes, SHELF_DATA / f"{shelf.name}.parquet", question_blind) == shelf.card


def test_a_later_release_keeps_every_trace_of_the_first():
    first, later = (load_shelf(name).traces for name in (NAME, "smollm2-v0b"))
    assert len(later) > len(first)
    assert {trace.asked.key: trace for trace in first}.items() <= {trace.asked.key: trace for trace in later}.items()


def test_the_newest_release_is_the_one_with_the_latest_traces():
    campaigns = [name for name in shelf_names() if PILOT not in name]
    latest = {name: max(trace.ran_on.started_at for trace in load_shelf(name).traces) for name in campaigns}

    assert set(campaigns) < set(shelf_names())
    assert latest[newest_shelf()] == max(latest.values())


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("smollm2-v0", "12f66c89939b94ea12e7e7381082ef9f7d12bf6c8aaecf5a573a056928e1f3a2"),
        ("smollm2-v0b", "f295fa2d3e284e43d37dab9bacc690827788623a9da06a3d7d3350b76c0d75b8"),
    ],
)
def test_published_traces_keep_their_bytes(name, sha256):
    assert load_shelf(name).sha256 == sha256


def test_unknown_shelf_is_refused_by_name():
    with pytest.raises(UnknownNameError, match="smollm2-v0"):
        load_shelf("smollm2-v9")


def test_one_flipped_byte_is_noticed(tmp_path, monkeypatch):
    for path in SHELF_DATA.glob(f"{NAME}.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    file = tmp_path / f"{NAME}.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr("datasets_cache.shelf.shelf.SHELF_DATA", tmp_path)

    assert shelf_names() == (NAME,)
    with pytest.raises(CorruptFileError, match="sha256"):
        load_shelf(NAME)
