"""What the best answer that ignores the question reaches on a run's task: below it nothing was learnt."""

from dataclasses import replace

from datasets_cache import load_tokenizer, majority_accuracy, question_blind_loss
from perfmodel.space.metrics import ACCURACY
from reports.run.run import Run


def question_blind(run: Run) -> dict[str, float]:
    """Returns its ``accuracy``, and its ``loss`` in nats for an answer token of the run's held-out examples."""
    from collectors.scoring.encode import encode

    tokenizer, recipe = load_tokenizer(run.base_model), run.suite.recipe
    task = replace(run.task, train=run.task.first_training_examples(recipe.train_examples))
    train = [example.learnt for example in encode(task.train, tokenizer, recipe.max_length)]
    held_out = [example.learnt for example in encode(task.held_out, tokenizer, recipe.max_length)]
    return {
        ACCURACY: majority_accuracy(task),
        "loss": question_blind_loss(train, held_out[: recipe.eval_examples]),
    }
