"""Which trials the collect stage makes: the suite's ``collect.plan`` names one of these."""

from collections.abc import Callable, Mapping
from typing import Final

from collectors.campaign.capacity import capacity
from collectors.campaign.design import design
from collectors.campaign.pilot import pilot
from collectors.campaign.run_lengths import run_lengths
from collectors.campaign.stratified_plan import plan
from perfmodel.evaluation.selection import MINIMUM_CONFIGURATIONS
from perfmodel.traces.trace import Asked
from reports.run.run import Run
from reports.run.sections import TrialPlan


def planned_trials(run: Run) -> list[Asked]:
    """Returns the trials of a run's plan in the order in which they teach most, at most ``collect.trials`` of them."""
    section = run.suite.collect
    return _PLANS[section.plan](run)[: section.trials]


def published_configurations(run: Run) -> int:
    """Returns how many configurations of this run's setting the published traces hold, those that failed left out."""
    return len({trace.asked.configuration for trace in run.shelf_traces if trace.ok})


def _stratified(run: Run) -> list[Asked]:
    section = run.suite.collect
    few = published_configurations(run) < MINIMUM_CONFIGURATIONS
    wanted = MINIMUM_CONFIGURATIONS if few else 2
    return plan(
        run.space,
        run.setting,
        configurations=wanted if section.configurations is None else section.configurations,
        repeated=section.repeated,
        seeds=section.seeds,
        plan_seed=section.plan_seed,
        with_baselines=few if section.baselines is None else section.baselines,
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
