"""Ranks the candidates of a plan by a predictor's held-out loss."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from perfmodel.errors import UserError
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
        UserError: when it is of another family, knows no loss, or knows none of the asked choices.
    """
    record = predictor.record
    if record.architecture.family != question.architecture.family:
        raise UserError(
            f"the predictor is of a {record.architecture.family} model",
            f"the model asked about is of the family {question.architecture.family}",
            "leave the predictor out, or fit one to traces of this family",
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

    Uniform ones always; and where the predictor is of this very architecture, mixed ones drawn from its space. For
    another model of the family, losses are those of the predictor's own model under the same uniform choice.

    Args:
        question: of ``narrowed``.
        predictor: the same.
    """
    record = predictor.record
    layers = len(question.architecture.layers)
    asked = [(bits, rank, rate) for rate in question.rates for bits in question.bits for rank in question.ranks]
    same = record.architecture == question.architecture
    there = record.space.units if same else layers
    known = _uniform(asked, record.space.units, question)
    candidates = _uniform(asked, there, question)
    if same and len(asked) > 1:
        drawn = stratified(Space(there, question.rates, question.bits, question.ranks, question.methods), DRAWN, seed=0)
        mixed = [configuration for configuration in drawn if not configuration.is_uniform]
        known, candidates = known + mixed, candidates + mixed
    table = predictor.predict(known)
    columns = (table[name].tolist() for name in (LOSS, f"{LOSS}_low", f"{LOSS}_high"))
    losses = [Estimate(*ends) for ends in zip(*columns, strict=True)]
    order = np.argsort(table[LOSS].to_numpy(), kind="stable")
    return [(candidates[place], losses[place]) for place in order]


def _uniform(asked: Sequence[tuple[int, int, float]], units: int, question: Question) -> list[Configuration]:
    return [
        Configuration.uniform(units, bits=bits, rank=rank, pruning_rate=rate, methods=question.methods)
        for bits, rank, rate in asked
    ]


def _known(name: str, asked: tuple[Value, ...], known: tuple[Value, ...]) -> tuple[Value, ...]:
    both = tuple(value for value in asked if value in known)
    if not both:
        raise UserError(
            f"{name} to choose from are {', '.join(map(str, asked))}",
            f"the predictor knows {', '.join(map(str, known))}",
            "choose some of these, or leave the predictor out",
        )
    return both
