"""Refuses a run that cannot end well, before its first fine-tune and before it has a folder."""

from collections.abc import Collection, Sequence

from perfmodel.errors import InfeasibleBudgetError, InvalidSuiteError, InvalidTaskError
from perfmodel.evaluation.selection import MINIMUM_CONFIGURATIONS
from perfmodel.files.sizes import size_text
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.space.metrics import PEAK, WEIGHTS
from perfmodel.space.space import Configuration
from reports.run.run import Run
from reports.run.trial_plans import planned_trials


def check_run(run: Run, stages: Collection[str]) -> None:
    """Checks all that is known without a fine-tune: task, model, space, plan and budget.

    Args:
        run: that is about to begin.
        stages: names of the stages that it will carry out.

    Raises:
        InvalidTaskError: when there is nothing to learn from the task, or none of its examples is short enough.
        InvalidSuiteError: when the plan has too few configurations for a surrogate.
        InfeasibleBudgetError: when the weights of the smallest model that the space allows are above the budget.
        UserError: when the model, the shelf or the space cannot be used.
    """
    _check_answers(run)
    _check_budget(run)
    if "collect" in stages:
        _check_lengths(run)
        if "fit" in stages:
            _check_plan(run)


def _check_answers(run: Run) -> None:
    splits = (run.task.train, run.task.held_out)
    answers = {example.answer if example.right is None else example.right for split in splits for example in split}
    if len(answers) == 1:
        raise InvalidTaskError(
            f"every answer of the task {run.suite.task} is {answers.pop()!r}",
            "a fine-tune learns nothing from one answer alone",
            "give a task with two or more different answers",
        )


def _check_lengths(run: Run) -> None:
    from collectors.scoring.encode import encode
    from datasets_cache import load_tokenizer

    tokenizer, recipe = load_tokenizer(run.base_model), run.suite.recipe
    for examples in (run.task.first_training_examples(recipe.train_examples), run.task.calibration, run.task.held_out):
        encode(examples, tokenizer, recipe.max_length, with_choices=False)  # refuses what is too long


def _check_plan(run: Run) -> None:
    planned = [asked.configuration for asked in planned_trials(run) if asked.setting == run.setting]
    published = [trace.asked.configuration for trace in run.shelf_traces if trace.ok]
    known = len({*planned, *published})
    if known < MINIMUM_CONFIGURATIONS:
        shelf = run.suite.fit.shelf
        beside = f", and {shelf} has {len(set(published))} of this task and recipe" if shelf else ""
        raise InvalidSuiteError(
            f"the run plans fine-tunes of {len(set(planned))} configurations{beside}",
            f"a surrogate needs {MINIMUM_CONFIGURATIONS} or more",
            f"leave collect.configurations out, or write collect.configurations={MINIMUM_CONFIGURATIONS + 2}",
        )


def _check_budget(run: Run) -> None:
    limits = {name: limit for name, limit in run.suite.budget.items() if name in (PEAK, WEIGHTS)}
    if not limits:
        return
    recipe, device = run.suite.recipe, run.device_class
    least = min(
        state_bytes(run.architecture, each, device_class=device, optimizer=recipe.optimizer).weights
        for each in _smallest(run)
    )
    for name, limit in limits.items():
        if limit < least:
            raise InfeasibleBudgetError(
                f"the budget {name} is {size_text(limit) if limit >= 2**20 else f'{limit:g} bytes'}",
                f"the weights of the smallest model of this space take {size_text(least)}",
                f"give more, for example budget={round(2 * least / 1e6)}MB",
            )


def _smallest(run: Run) -> Sequence[Configuration]:
    space = run.space
    rank = min(rank for rank in space.ranks if rank)
    return [
        Configuration.uniform(
            space.units, bits=bits, rank=rank, pruning_rate=max(space.pruning_rates), methods=space.methods
        )
        for bits in space.bits
    ]
