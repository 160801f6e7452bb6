"""One configuration in, one trace out: complete, repeatable, and with a status whatever happens."""

from dataclasses import fields, replace

import pytest
import torch

import collectors.trial.finetune
import collectors.trial.trial
from collectors.scoring.evaluate import Scores
from collectors.trial.trial import TrialRunner, is_out_of_memory
from perfmodel.errors import InvalidConfigurationError, UserError
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Measured

TOO_MUCH = 2**48


@pytest.fixture(scope="module")
def runner():
    return TrialRunner(1, "tiny")


@pytest.fixture(scope="module")
def trace(runner, make_asked):
    return runner(make_asked(bits=4, rate=0.3))


def allocate_too_much(*args, **kwargs):
    return torch.empty(TOO_MUCH)


def values_of(measured):
    return {field.name: getattr(measured, field.name) for field in fields(Measured)}


def test_a_good_trace_is_complete(trace, make_asked):
    assert trace.ok
    assert trace.asked == make_asked(bits=4, rate=0.3)
    missing = {name for name, value in values_of(trace.measured).items() if value is None}
    assert missing == {"energy_j", "peak_reserved_bytes", "resumed_from_step"}
    assert len(trace.measured.kv_groups) == 8
    assert len(trace.measured.channels) == 8
    assert len(set(trace.measured.channels)) == 2
    assert trace.measured.reason == ""


def test_the_curve_has_the_recipe_s_steps_and_ends_at_the_result(trace):
    measured = trace.measured
    assert measured.curve_steps == trace.asked.setting.recipe.curve_steps() == (0, 1, 3)
    assert len(measured.curve_losses) == 3
    assert measured.curve_losses[-1] == measured.held_out_loss
    assert len(set(measured.curve_losses)) == 3
    assert measured.accuracy_examples == 8
    assert 0 <= measured.accuracy <= 1


def test_times_and_bytes_make_sense(trace, builder):
    measured = trace.measured
    closed = state_bytes(builder.architecture, trace.asked.configuration, device_class="cpu")
    assert measured.weight_bytes == pytest.approx(closed.weights, rel=1e-3)
    assert measured.adapter_bytes == closed.adapters
    assert measured.optimizer_bytes == pytest.approx(closed.optimizer, rel=0.01)
    assert measured.peak_memory_bytes > closed.total
    assert closed.weights < measured.evaluation_peak_bytes < measured.peak_memory_bytes
    assert measured.left_out == (0, 0, 0)
    assert 0 < measured.step_time_s <= measured.step_time_p95_s
    assert min(measured.prepare_time_s, measured.eval_time_s, measured.tokens_per_s) > 0


def test_it_says_where_it_ran(trace):
    ran_on = trace.ran_on
    assert (ran_on.campaign, ran_on.threads, ran_on.driver) == ("tiny", 1, "")
    assert ran_on.device_name
    assert ran_on.cores >= 1
    assert ran_on.versions["torch"] == torch.__version__
    assert "absent" not in ran_on.versions.values()
    assert ran_on.started_at.endswith("+00:00")


def test_the_seed_decides_the_loss(runner, make_asked):
    every_width = Configuration(0.3, (16, 8, 4, 3, 2, 8, 16, 4), (4, 0, 8, 2, 4, 4, 0, 16))

    def measure(runner, seed):
        return runner(replace(make_asked(seed=seed), configuration=every_width)).measured

    first, other, again = measure(runner, 1), measure(runner, 2), measure(runner, 1)
    fresh = measure(TrialRunner(1, "fresh"), 1)
    assert again.curve_losses == pytest.approx(first.curve_losses, abs=1e-4)
    assert fresh.curve_losses == pytest.approx(first.curve_losses, abs=1e-4)
    assert other.curve_losses[0] == pytest.approx(first.curve_losses[0], abs=1e-4)  # before training there is no seed
    assert other.held_out_loss != pytest.approx(first.held_out_loss, abs=1e-4)
    assert again.peak_memory_bytes == pytest.approx(first.peak_memory_bytes, rel=0.005)


def test_dropout_is_the_seed_s_too(runner, make_asked):
    losses = [runner(make_asked(dropout=0.3, seed=seed)).measured.held_out_loss for seed in (1, 1, 2)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[0] != pytest.approx(losses[2], abs=1e-4)


def test_another_recipe_is_another_setting_and_is_used(runner, make_asked):
    short = runner(make_asked(steps=2, curve_points=1, max_length=27))
    assert short.measured.curve_steps == (0, 2)
    assert short.measured.largest_batch_tokens <= 4 * 27
    assert short.measured.left_out[0] > 0


def test_a_real_failed_allocation_is_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(TOO_MUCH)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (collectors.trial.finetune, "answer_logits"),
        (collectors.trial.trial, "evaluate"),
        (collectors.trial.model_builder, "move_rest_to_device"),
    ],
)
def test_memory_that_runs_out_anywhere_is_a_status(runner, make_asked, monkeypatch, module, name):
    with monkeypatch.context() as patch:
        patch.setattr(module, name, allocate_too_much)
        lost = runner(make_asked())
    assert lost.measured.status == "oom"
    assert "allocate memory" in lost.measured.reason
    assert "\n" not in lost.measured.reason
    empty = Measured("oom", lost.measured.reason)
    assert lost.measured == empty  # nothing is made up
    assert runner(make_asked()).ok  # and the runner lives on


def test_divergence_is_a_status(runner, make_asked):
    measured = runner(make_asked(learning_rate=1e30)).measured
    assert measured.status == "diverged"
    assert "the training loss is" in measured.reason
    assert measured.held_out_loss is None


def test_a_final_loss_that_is_not_finite_is_divergence(runner, make_asked, monkeypatch):
    monkeypatch.setattr(collectors.trial.trial, "evaluate", lambda *_, **__: Scores(float("inf"), 0.0, 8))
    measured = runner(make_asked()).measured
    assert measured.status == "diverged"
    assert measured.reason == "the held-out loss is inf after the last step"


def test_any_other_error_is_a_failed_trial_with_its_reason(runner, make_asked, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("no such module\nand a long tail")

    monkeypatch.setattr(collectors.trial.trial, "finetune", broken)
    measured = runner(make_asked()).measured
    assert measured.status == "failed"
    assert measured.reason.startswith("KeyError: 'no such module")
    assert "\n" not in measured.reason


@pytest.mark.parametrize("field", ["model_sha256", "task_sha256"])
def test_files_that_are_not_the_plan_s_fail_the_trials_that_need_them(runner, make_asked, field):
    asked = make_asked()
    measured = runner(replace(asked, setting=replace(asked.setting, **{field: "0" * 64}))).measured
    assert measured == Measured("failed", measured.reason)
    assert "make the plan again" in measured.reason
    assert runner(asked).ok


def test_a_rank_larger_than_the_layer_is_refused(runner, make_asked):
    with pytest.raises(InvalidConfigurationError, match=r"rank 64 is larger than the layer; .* side of 32"):
        runner(make_asked(rank=64))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_on_a_machine_without_it_is_refused(runner, make_asked):
    with pytest.raises(UserError, match="no CUDA device"):
        runner(make_asked(device_class="cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; torch finds none here")
@pytest.mark.parametrize("bits", [16, 8, 4, 3, 2])
def test_a_trial_on_cuda(runner, make_asked, bits):
    found = runner(make_asked(bits=bits, rate=0.3, device_class="cuda"))
    assert found.ok, found.measured.reason
    assert found.ran_on.driver
    assert {name for name, value in values_of(found.measured).items() if value is None} == {"energy_j"}
    assert found.measured.peak_memory_bytes > found.measured.weight_bytes
    again = runner(make_asked(bits=bits, rate=0.3, device_class="cuda"))
    assert again.measured.held_out_loss == pytest.approx(found.measured.held_out_loss, abs=1e-2)
