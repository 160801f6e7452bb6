"""The loads of a trial's steps, drawn again as its trainer drew them: what its step time was measured on."""

from collections.abc import Sequence

import torch

from collectors.scoring.batch import Batch
from collectors.scoring.encode import Encoded, EncodedExamples, encode
from collectors.trial.finetune import batches, heaviest
from datasets_cache import load_task, load_tokenizer, resolve
from perfmodel.memory.load import BatchLoad
from perfmodel.traces.trace import Asked, Setting


def training_examples(setting: Setting) -> EncodedExamples:
    """Returns the training examples of a setting as a trial encodes them."""
    tokenizer, recipe = load_tokenizer(resolve(setting.model)), setting.recipe
    examples = load_task(setting.task).first_training_examples(recipe.train_examples)
    return encode(examples, tokenizer, recipe.max_length, with_choices=False)


def step_loads(asked: Asked, train: Sequence[Encoded]) -> list[BatchLoad]:
    """Returns the load of every step of a trial.

    Args:
        asked: the trial.
        train: of ``training_examples``.
    """
    return [_load(batch) for batch in _drawn(asked, train)]


def timed_loads(asked: Asked, train: Sequence[Encoded]) -> list[BatchLoad]:
    """Returns the loads of the steps whose times ``step_time_s`` is the median of, for a trial that ran through.

    The trainer leaves out the first step and those that it profiles, where others remain.

    Args:
        asked: the trial.
        train: of ``training_examples``.
    """
    drawn = _drawn(asked, train)
    untimed = {0} | heaviest(drawn, 0)
    return [_load(batch) for step, batch in enumerate(drawn) if step not in untimed] or [_load(each) for each in drawn]


def _drawn(asked: Asked, train: Sequence[Encoded]) -> list[Batch]:
    return list(batches(train, asked.setting.recipe, asked.seed, torch.device("cpu")))


def _load(batch: Batch) -> BatchLoad:
    return BatchLoad(batch.ids.shape[0], batch.ids.shape[1], batch.answer_tokens)
