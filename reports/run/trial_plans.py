"""Which trials the collect stage makes: the suite's ``collect.plan`` names one of these."""

from collections.abc import Callable, Mapping
from typing import Final

from collectors.campaign.capacity import capacity
from collectors.campaign.design import design
from collectors.campaign.pilot import pilot
from collectors.campaign.run_lengths import run_lengths
from collectors.campaign.stratified_plan import plan
from perfmodel.traces.trace import Asked
from reports.run.run import Run
from reports.run.suite import TrialPlan


def planned_trials(run: Run) -> list[Asked]:
    """Returns the trials of a run's plan in the order in which they teach most, at most ``collect.trials`` of them."""
    section = run.suite.collect
    return _PLANS[section.plan](run)[: section.trials]


def _stratified(run: Run) -> list[Asked]:
    section = run.suite.collect
    return plan(
        run.space,
        run.setting,
        configurations=section.configurations,
        repeated=section.repeated,
        seeds=section.seeds,
        plan_seed=section.plan_seed,
        with_baselines=section.baselines,
    )


def _design(run: Run) -> list[Asked]:
    section = run.suite.collect
    return design(run.space, run.setting, seeds=section.seeds, plan_seed=section.plan_seed)


def _pilot(run: Run) -> list[Asked]:
    return pilot(run.space, run.setting, seeds=run.suite.collect.seeds)


def _capacity(run: Run) -> list[Asked]:
    return capacity(run.space, run.setting, run.architecture, seeds=run.suite.collect.seeds)


def _run_lengths(run: Run) -> list[Asked]:
    section = run.suite.collect
    return run_lengths(run.space, run.setting, seeds=section.seeds, plan_seed=section.plan_seed)


_PLANS: Final[Mapping[TrialPlan, Callable[[Run], list[Asked]]]] = {
    "stratified": _stratified,
    "design": _design,
    "pilot": _pilot,
    "capacity": _capacity,
    "run_lengths": _run_lengths,
}
