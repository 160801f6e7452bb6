"""Live trials for a search: the function that ``search.benchmark.backends.LiveBackend`` is handed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collectors.campaign.campaign import run_campaign
from perfmodel.errors import CorruptFileError
from perfmodel.space.space import Configuration
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Setting, Trace
from reports.run.progress import outcome
from reports.run.run import Run


@dataclass(frozen=True)
class LiveTrials:
    """Fine-tunes configurations in a run's setting; what its store holds is not run again.

    Args:
        run: its setting, store and executor.
        source: recorded as who proposed the trials.
    """

    run: Run
    source: str = "search"

    def __call__(self, configurations: Sequence[Configuration], at: float, seed: int) -> list[Trace]:
        """Returns the traces of the trials, in order.

        Args:
            configurations: to fine-tune.
            at: share of the recipe's steps after which they stop; the schedule keeps its horizon, so that they measure
                what a whole training would have measured there.
            seed: of every trial.

        Raises:
            CorruptFileError: when a trial left no trace.
        """
        setting = stopped_at(self.run.setting, at)
        trials = [Asked(setting, configuration, seed, self.source) for configuration in configurations]
        with TraceStore.writer(self.run.store_path) as store:
            run_campaign(
                trials,
                store,
                self.run.executor("nothing"),
                lambda trace: self.run.say(f"{self.source}, seed {seed}: {outcome(trace)}"),
                say=self.run.say,
            )
            wanted = {asked.key for asked in trials}
            found = {trace.asked.key: trace for trace in store if trace.asked.key in wanted}
        missing = wanted - set(found)
        if missing:
            raise CorruptFileError(
                f"{len(missing)} of {len(trials)} trials left no trace", "one a trial", "search again: it goes on"
            )
        return [found[asked.key] for asked in trials]


def stopped_at(setting: Setting, at: float) -> Setting:
    """Returns the setting of trials that stop at a share of the steps, under the horizon of the whole training."""
    recipe = setting.recipe
    steps = round(at * recipe.steps)
    if steps == recipe.steps:
        return setting
    points = min(recipe.curve_points, steps)
    return replace(setting, recipe=replace(recipe, steps=steps, curve_points=points, schedule_steps=recipe.horizon))
