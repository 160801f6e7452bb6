"""Ranks the candidates of a plan by a predictor's held-out loss."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from perfmodel.errors import UserError
from perfmodel.model.architecture import Architecture
from perfmodel.planner.question import Question
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from perfmodel.statistics.interval import Estimate

DRAWN = 192
"""Mixed configurations that are tried beside the uniform ones."""

Value = TypeVar("Value", int, float)


def narrowed(question: Question, predictor: Predictor) -> Question:
    """Returns the question with the choices that the predictor knows, and its methods.

    Raises:
        UserError: when it is of another model, knows no loss, or knows none of the asked choices.
    """
    record = predictor.record
    if record.architecture != question.architecture:
        raise UserError(
            f"the predictor is of {record.setting.model}, {_shape(record.architecture)}",
            f"the model asked about is {_shape(question.architecture)}",
            "leave --predictor out, or fit one to fine-tunes of this model",
        )
    if LOSS not in predictor.metrics:
        raise UserError(
            f"the predictor knows {', '.join(predictor.metrics)}",
            f"a plan is ranked by {LOSS}",
            "fit one with that metric, or leave the predictor out",
        )
    space = record.space
    return replace(
        question,
        bits=_known("bits", question.bits, space.bits),
        ranks=_known("ranks", question.ranks, space.ranks),
        rates=_known("rates", question.rates, space.pruning_rates),
        methods=space.methods,
    )


def by_loss(question: Question, predictor: Predictor) -> list[tuple[Configuration, Estimate]]:
    """Returns the candidates with their predicted loss, least first.

    Uniform ones always, and where more than one choice was asked for, mixed ones drawn from the predictor's space.

    Args:
        question: a question that ``narrowed`` returned.
        predictor: the predictor that ``narrowed`` was given.
    """
    units = predictor.record.space.units
    asked = [(bits, rank, rate) for rate in question.rates for bits in question.bits for rank in question.ranks]
    candidates = [
        Configuration.uniform(units, bits=bits, rank=rank, pruning_rate=rate, methods=question.methods)
        for bits, rank, rate in asked
    ]
    if len(asked) > 1:
        space = Space(units, question.rates, question.bits, question.ranks, question.methods)
        candidates += [each for each in stratified(space, DRAWN, seed=0) if not each.is_uniform]
    table = predictor.predict(candidates)
    columns = (table[name].tolist() for name in (LOSS, f"{LOSS}_low", f"{LOSS}_high"))
    losses = [Estimate(*ends) for ends in zip(*columns, strict=True)]
    order = np.argsort(table[LOSS].to_numpy(), kind="stable")
    return [(candidates[place], losses[place]) for place in order]


def _shape(architecture: Architecture) -> str:
    return f"{architecture.family} of {len(architecture.layers)} layers, width {architecture.hidden}"


def _known(name: str, asked: tuple[Value, ...], known: tuple[Value, ...]) -> tuple[Value, ...]:
    both = tuple(value for value in asked if value in known)
    if not both:
        raise UserError(
            f"{name} to choose from are {', '.join(map(str, asked))}",
            f"the predictor knows {', '.join(map(str, known))}",
            "choose some of these, or leave the predictor out",
        )
    return both
