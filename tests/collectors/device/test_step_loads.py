"""The loads of a trial's steps are those of its trainer, and its timed steps those that the trainer times."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from collectors.device.step_loads import step_loads, timed_loads, training_examples
from collectors.scoring.batch import collate
from collectors.trial import finetune as trainer
from collectors.trial.finetune import finetune
from perfmodel.memory.load import BatchLoad

CPU = torch.device("cpu")


@pytest.fixture
def train(monkeypatch, builder):
    """Runs the trainer with steps that do nothing and take a time that names their batch."""
    seen = []

    class NamingClock:
        def __init__(self, device):
            self.seconds = []

        @contextmanager
        def step(self):
            yield
            self.seconds.append(named(load_of(seen[-1])))

    monkeypatch.setattr(trainer, "_step", lambda model, optimizer, batch, recipe, index: seen.append(batch))
    monkeypatch.setattr(trainer, "StepClock", NamingClock)

    def run(asked):
        seen.clear()
        model = nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters())
        training = finetune(
            model,
            optimizer,
            builder.train,
            asked.setting.recipe,
            seed=asked.seed,
            device=CPU,
            resident_bytes=0,
            after_step=lambda _: None,
        )
        return [load_of(batch) for batch in seen], training.step_seconds

    return run


def load_of(batch):
    return BatchLoad(batch.ids.shape[0], batch.ids.shape[1], batch.answer_tokens)


def named(load):
    return load.tokens + load.answer_tokens / 1000


@pytest.mark.parametrize("changes", [{"steps": 9}, {"steps": 9, "seed": 3}, {"steps": 2, "curve_points": 1}])
def test_the_loads_are_those_of_the_trainer(train, builder, make_asked, changes):
    asked = make_asked(**changes)
    trained, seconds = train(asked)

    assert step_loads(asked, builder.train) == trained
    assert [named(load) for load in timed_loads(asked, builder.train)] == list(seconds)


def test_first_and_heaviest_steps_are_not_timed(builder, make_asked):
    asked = make_asked(steps=9)
    loads, timed = step_loads(asked, builder.train), timed_loads(asked, builder.train)

    assert len(set(map(named, loads))) > 3  # batches differ, so the choice matters
    assert 6 <= len(timed) <= 7
    assert max(map(named, timed)) < max(map(named, loads[1:]))


def test_one_step_alone_is_timed(builder, make_asked):
    asked = make_asked(steps=1, curve_points=1)

    assert timed_loads(asked, builder.train) == step_loads(asked, builder.train)
    assert len(step_loads(asked, builder.train)) == 1


def test_training_examples_are_those_of_a_trial(builder, make_setting):
    assert list(training_examples(make_setting())) == list(builder.train)
    assert len(training_examples(make_setting(max_length=24))) < len(builder.train)


def test_a_load_has_the_shape_of_its_batch():
    assert load_of(collate([((5, 6), (7,)), ((5,), (7, 8, 9))], CPU)) == BatchLoad(2, 4, 4)
