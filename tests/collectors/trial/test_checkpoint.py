"""A trial that is extended is the trial that ran through."""

import json
from dataclasses import replace

import pytest
import torch

from collectors.trial.checkpoint import Checkpoints, lineage
from collectors.trial.trial import TrialRunner
from perfmodel.errors import CorruptFileError
from perfmodel.space.methods import Methods


@pytest.fixture
def staged(make_asked):
    """Makes a trial of some steps of a training of 8, its learning curve halving down to step 2."""

    def make(steps, **changes):
        points = {2: 1, 4: 2, 8: 3}[steps]
        return make_asked(steps=steps, curve_points=points, schedule_steps=8, dropout=0.1, **changes)

    return make


def runner(tmp_path, retention="checkpoint"):
    return TrialRunner(1, "test", checkpoints=tmp_path, retention=retention)


@pytest.mark.parametrize("changes", [{"optimizer": "adamw_8bit"}, {"bits": 4, "rank": 2, "rate": 0.3}])
def test_an_extended_trial_gives_the_curve_of_one_that_ran_through(tmp_path, staged, changes):
    through = TrialRunner(1, "test")(staged(8, **changes)).measured
    extended = runner(tmp_path)
    first = extended(staged(2, **changes)).measured
    second = extended(staged(4, **changes)).measured
    last = extended(staged(8, **changes)).measured

    assert (through.reason, first.reason, last.reason) == ("", "", "")
    assert (first.resumed_from_step, second.resumed_from_step, last.resumed_from_step) == (None, 2, 4)
    assert last.curve_steps == through.curve_steps == (0, 2, 4, 8)
    assert last.curve_losses == pytest.approx(through.curve_losses, abs=1e-6)
    assert last.curve_accuracies == through.curve_accuracies
    assert second.curve_losses == pytest.approx(through.curve_losses[:3], abs=1e-6)
    assert last.peak_memory_bytes == pytest.approx(through.peak_memory_bytes, rel=0.02)
    assert last.optimizer_bytes == through.optimizer_bytes


def test_extending_really_leaves_out_the_steps_before(tmp_path, staged, monkeypatch):
    from collectors.trial import finetune

    made = []
    step = finetune._step
    monkeypatch.setattr(finetune, "_step", lambda *args: (made.append(args[-1]), step(*args)))
    extended = runner(tmp_path)
    extended(staged(4))
    extended(staged(8))
    assert made == [0, 1, 2, 3, 4, 5, 6, 7]


def test_without_its_generators_the_curve_would_differ(tmp_path, staged, monkeypatch):
    """Dropout draws from torch's generator: a checkpoint that forgot it would pass unnoticed at no dropout."""
    through = TrialRunner(1, "test")(staged(8)).measured
    extended = runner(tmp_path)
    extended(staged(4))
    monkeypatch.setattr(torch, "set_rng_state", lambda state: None)
    assert extended(staged(8)).measured.curve_losses[-1] != pytest.approx(through.curve_losses[-1], abs=1e-6)


def test_only_trials_that_differ_in_steps_share_a_lineage(staged):
    first = staged(4)
    assert lineage(first) == lineage(staged(8))
    configuration = first.configuration
    others = [
        replace(first, seed=first.seed + 1),
        replace(first, configuration=replace(configuration, ranks=(2, *configuration.ranks[1:]))),
        replace(first, configuration=replace(configuration, methods=Methods(initializer="eva"))),
        staged(4, learning_rate=1e-4),
        staged(4, schedule="linear"),
    ]
    assert len({lineage(first), *map(lineage, others)}) == 1 + len(others)


def test_a_checkpoint_that_lacks_a_point_of_the_curve_is_not_used(tmp_path, staged, make_asked):
    extended = runner(tmp_path)
    extended(make_asked(steps=4, curve_points=1, schedule_steps=8, dropout=0.1))
    assert extended(staged(8)).measured.resumed_from_step is None


def test_adapters_alone_are_no_checkpoint_but_can_be_found(tmp_path, staged):
    asked = staged(4)
    runner(tmp_path, retention="adapter")(asked)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest(staged(8)) is None
    assert checkpoints.finished(asked).name == "adapter.safetensors"
    assert checkpoints.finished(staged(8)) is None
    assert not list(tmp_path.rglob("optimizer.safetensors"))


def test_nothing_is_kept_unasked(tmp_path, staged):
    runner(tmp_path, retention="nothing")(staged(4))
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("name", ["adapter.safetensors", "optimizer.safetensors"])
def test_a_damaged_checkpoint_is_named(tmp_path, staged, name):
    extended = runner(tmp_path)
    extended(staged(4))
    (file,) = tmp_path.rglob(name)
    file.write_bytes(file.read_bytes()[:100])
    trace = extended(staged(8))
    assert trace.measured.status == "failed"
    assert "checkpoint" in trace.measured.reason and "remove that folder" in trace.measured.reason


def test_a_checkpoint_of_another_version_is_left_alone(tmp_path, staged):
    extended = runner(tmp_path)
    extended(staged(4))
    (state,) = tmp_path.rglob("state.json")
    state.write_text(json.dumps({**json.loads(state.read_text()), "version": 99}))
    assert extended(staged(8)).measured.resumed_from_step is None


def test_a_damaged_checkpoint_says_what_to_do(tmp_path, staged, builder):
    from collectors.trial.checkpoint import restore
    from collectors.trial.optimizers import make_optimizer

    asked = staged(4)
    runner(tmp_path)(asked)
    built = builder.build(replace(asked.configuration, ranks=(2,) * 8), seed=0)
    optimizer = make_optimizer([p for p in built.model.parameters() if p.requires_grad], asked.setting.recipe)
    with pytest.raises(CorruptFileError, match="remove that folder"):
        restore(Checkpoints(tmp_path).latest(asked), built.model, optimizer)


def test_a_full_disk_costs_the_adapters_and_not_the_trial(tmp_path, staged, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    trace = runner(tmp_path, retention="adapter")(staged(2))
    assert trace.ok and trace.measured.held_out_loss is not None
    assert "could not be kept" in caplog.text
    assert not list(tmp_path.rglob("*.safetensors"))
