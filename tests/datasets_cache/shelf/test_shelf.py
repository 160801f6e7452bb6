"""The published traces: whole, legal, and what their card says; every shipped task passes the gate."""

import shutil
from collections import Counter
from statistics import mean, stdev

import pytest

from datasets_cache import load_task, majority_accuracy
from datasets_cache.release.card import by_setting, card, noise_and_spread, plain_runs, takes_part_in_scores
from datasets_cache.release.release import question_blind
from datasets_cache.shelf.shelf import EARLIER, PILOT, SHELF_DATA, load_shelf, newest_shelf, shelf_file, shelf_names
from perfmodel.errors import CorruptFileError, UnknownNameError

NAME = "smollm2-pilot-v1"


@pytest.fixture(scope="module", params=shelf_names())
def shelf(request):
    return load_shelf(request.param)


@pytest.fixture(scope="module")
def traces(shelf):
    return shelf.traces


def test_one_release_of_each_kind_is_shipped_and_large_enough():
    campaign, pilot = newest_shelf(), next(name for name in shelf_names() if PILOT in name)
    runs = Counter((trace.asked.setting.task, trace.asked.configuration) for trace in load_shelf(campaign).traces)

    assert set(shelf_names()) == {campaign, pilot} == set(EARLIER)
    assert len({task for task, _ in runs}) >= 5
    assert sum(runs.values()) >= 588 and sum(count >= 3 for count in runs.values()) >= 8


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
def test_every_task_of_a_release_passes_the_gate(traces):
    for task in {trace.asked.setting.task for trace in traces}:
        runs = plain_runs(trace for trace in traces if trace.asked.setting.task == task)
        loss, _ = question_blind(runs[0])
        losses = [trace.measured.held_out_loss for trace in runs]
        accuracies = [trace.measured.accuracy for trace in runs]

        assert len(runs) >= 3
        assert mean(losses) + 3 * stdev(losses) < 0.75 * loss
        assert mean(accuracies) - 3 * stdev(accuracies) > majority_accuracy(load_task(task))


@pytest.mark.real
def test_card_is_what_the_traces_say(shelf):
    file = shelf_file(shelf.name)

    assert card(shelf.name, shelf.traces, file.with_suffix(".notes.md").read_text(), file, question_blind) == shelf.card


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("smollm2-v1b", "929abae142141c0a0c4eacd7099d0b9f7f046b0606527d4ecedcfd21f4f1a9ba"),
        ("smollm2-pilot-v1", "c4dcd83727df69744150ab4270d388313079669a83e27a3ab4af57bcdf7de742"),
    ],
)
def test_published_traces_keep_their_bytes(name, sha256):
    assert load_shelf(name).sha256 == sha256


def test_a_shelf_that_is_not_here_is_refused_with_what_to_do():
    with pytest.raises(UnknownNameError, match="here are smollm2-pilot-v1, smollm2-v1b"):
        load_shelf("smollm2-v9")
    for later, earlier in EARLIER.items():
        for name in earlier:
            with pytest.raises(
                UnknownNameError, match=f"no longer shipped.* {later} holds all its traces; use {later}"
            ):
                load_shelf(name)


def test_one_flipped_byte_is_noticed(tmp_path, monkeypatch):
    shutil.copytree(SHELF_DATA / NAME, tmp_path / NAME)
    file = tmp_path / NAME / f"{NAME}.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr("datasets_cache.shelf.shelf.SHELF_DATA", tmp_path)

    assert shelf_names() == (NAME,)
    with pytest.raises(CorruptFileError, match="sha256"):
        load_shelf(NAME)
