"""Every searcher of several objectives reaches a stated share of a known front's hypervolume on ZDT and DTLZ problems.

Bars lie a little below the least of three seeds. Draws are stratified over the means of bits and ranks, so they hold
the ends of a space, where ZDT1 and DTLZ7 have their fronts: three of these methods have no lead on them there. The additive problem is for the methods of one budget at a time, whose
program is exact there (``test_additive_program``).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from integer_forms import Form, IntegerForm

from perfmodel.features.sensitivities import Sensitivities
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.space import Space
from search import hypervolume, reference_point, run, searcher
from search.contract.knowledge import Knowledge

# All that there is to choose; what methods of an unpruned base choose; widths alone, half of the units along the front.
WHOLE = Space(6, pruning_rates=(0.0, 0.2, 0.5), ranks=(2, 8, 32))
PAIRS = Space(6, pruning_rates=(0.0,), ranks=(2, 8, 32))
WIDTHS = Space(10, pruning_rates=(0.0,), bits=(2, 4, 8), ranks=(8,))
ALONG = {WHOLE: None, PAIRS: None, WIDTHS: 5}


@dataclass(frozen=True)
class Case:
    """A searcher on a problem: the share of the exact hypervolume that it reaches, and that draws do not."""

    name: str
    form: Form
    evaluations: int
    bar: float
    ahead: float | None = None
    space: Space = WHOLE
    objectives: int = 2
    options: tuple[tuple[str, int], ...] = ()
    slow: bool = False


def options(**values: int) -> tuple[tuple[str, int], ...]:
    return tuple(values.items())


CASES = (
    Case("nsga2", "zdt1", 1000, 0.97, 0.01, options=options(population=40)),
    Case("nsga2", "dtlz2", 1000, 0.97, 0.2, options=options(population=40)),
    Case("nsga2", "dtlz7", 1000, 0.97, 0.02, options=options(population=40)),
    Case("nsga2", "dtlz2", 2000, 0.95, 0.3, objectives=3, options=options(population=60)),
    Case("nsga2", "dtlz7", 2000, 0.97, 0.1, objectives=3, options=options(population=60)),
    Case("joint", "zdt1", 64, 0.97, 0.15),
    Case("joint", "dtlz2", 64, 0.72, 0.4),
    Case("joint", "dtlz7", 64, 0.97, 0.15),
    Case("parego", "zdt1", 72, 0.91, 0.05, options=options(initial=24), slow=True),
    Case("parego", "dtlz2", 72, 0.50, 0.35, options=options(initial=24)),
    Case("parego", "dtlz7", 72, 0.63, 0.04, options=options(initial=24), slow=True),
    Case("parego", "dtlz2", 96, 0.55, 0.4, objectives=3, options=options(initial=24), slow=True),
    Case("apq", "zdt1", 72, 0.84, 0.04, slow=True),
    Case("apq", "dtlz2", 72, 0.78, 0.35),
    Case("apq", "dtlz7", 72, 0.84, 0.1, slow=True),
    # On DTLZ2, whose front lies at the middle of every level, qLogNEHVI found nothing of it in 72: no bar holds.
    Case("qlognehvi", "zdt1", 40, 0.82, 0.04),
    Case("qlognehvi", "dtlz7", 40, 0.62, slow=True),
    Case("optuna_tpe", "zdt1", 120, 0.50, slow=True),
    Case("optuna_tpe", "dtlz2", 140, 0.18, 0.05, slow=True),
    # On DTLZ7 one of three seeds of TPE had no point of the front's range after 120: no bar holds.
    Case("optuna_nsga2", "zdt1", 300, 0.85, options=options(population=20), slow=True),
    Case("optuna_nsga2", "dtlz2", 300, 0.79, 0.12, options=options(population=20)),
    Case("optuna_nsga2", "dtlz7", 300, 0.59, options=options(population=20), slow=True),
    Case("autoqra", "zdt1", 120, 0.92, 0.03, space=PAIRS, slow=True),
    Case("autoqra", "dtlz2", 120, 0.89, 0.25, space=PAIRS),
    Case("autoqra", "dtlz7", 120, 0.62, space=PAIRS, slow=True),
    Case("qr_adaptor", "zdt1", 72, 0.72, space=PAIRS, slow=True),
    Case("qr_adaptor", "dtlz2", 72, 0.50, 0.02, space=PAIRS),
    Case("amq", "zdt1", 90, 0.92, 0.02, space=WIDTHS, options=options(initial=30, fresh=10, highest=16), slow=True),
    Case("amq", "dtlz2", 60, 0.81, 0.1, space=WIDTHS, options=options(initial=30, fresh=10, highest=16)),
    Case("amq", "dtlz7", 90, 0.96, 0.25, space=WIDTHS, options=options(initial=30, fresh=10, highest=16), slow=True),
)


def alike(problem: IntegerForm) -> Knowledge:
    """Returns the second objective as a known one, and sensitivities that treat all units alike."""
    space = problem.space
    damage = np.tile(4.0 ** -np.asarray(space.bits, dtype=float), (space.units, 1))
    fields: dict[str, Any] = dict.fromkeys(("kl", "loss_change", "weight_error", "output_error"), damage)
    fields |= {"gradient_norm": damage[:, 0], "information": damage[:, 0]}
    fields |= dict.fromkeys(("rates", "taylor_mass"), np.asarray(space.pruning_rates))
    sensitivities = Sensitivities(
        model="tiny",
        model_sha256="a" * 64,
        task="forms",
        task_sha256="b" * 64,
        methods=DEFAULT_METHODS,
        unit="layer",
        widths=space.bits,
        examples=4,
        **fields,
    )
    return Knowledge(sensitivities, lambda vectors: problem.measure(vectors)[:, 1])


def reached(case: Case, name: str, seed: int) -> float:
    """Returns the share of the exact hypervolume that a searcher reaches in the evaluations of a case."""
    problem = IntegerForm(case.form, case.space, case.objectives, ALONG[case.space])
    front = problem.front()
    reference = reference_point(front)
    chosen = dict(case.options) if name == case.name else {}
    made = searcher(name, problem.space, case.objectives, seed, alike(problem), **chosen)
    found = run(made, problem, case.evaluations, 8).objectives
    return hypervolume(found, reference) / hypervolume(front, reference)


def identity(case: Case) -> str:
    return f"{case.name}-{case.form}-{case.objectives}"


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=identity(each), marks=[pytest.mark.slow] * each.slow) for each in CASES]
)
def test_the_stated_share_of_the_hypervolume_is_reached(case: Case) -> None:
    share = reached(case, case.name, 0)
    assert share >= case.bar
    if case.ahead is not None:
        assert share >= reached(case, "random", 0) + case.ahead


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(each, id=identity(each)) for each in CASES])
def test_other_seeds_reach_it_too(case: Case) -> None:
    for seed in (1, 2):
        share = reached(case, case.name, seed)
        assert share >= case.bar
        if case.ahead is not None:
            assert share >= reached(case, "random", seed) + case.ahead
