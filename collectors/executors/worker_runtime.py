"""What runs inside a worker, whether that is a process of this machine or an actor of a cluster."""

from collections.abc import Callable

from collectors.executors.executor import Runner
from collectors.measuring.provenance import ran_on
from perfmodel.errors import PerfModelError
from perfmodel.traces.trace import Asked, RanOn, Trace


class WorkerRuntime:
    """Runs the trials of one worker with one runner, which is made at the first trial.

    Args:
        make_runner: makes the runner.
        threads: threads of torch, 1 or more, for the record of the machine.
        campaign: name of the campaign, for the same record.
    """

    def __init__(self, make_runner: Callable[[], Runner], threads: int, campaign: str) -> None:
        self._make_runner = make_runner
        self._threads = threads
        self._campaign = campaign
        self._runner: Runner | None = None

    def begin(self, asked: Asked) -> RanOn | None:
        """Returns where the trial is about to run, for the trace if the worker is lost; None where it cannot run here.

        Args:
            asked: trial that ``run`` is called with next.
        """
        try:
            return ran_on(asked.setting.device_class, self._campaign, self._threads)
        except PerfModelError:
            return None

    def run(self, asked: Asked) -> Trace | PerfModelError:
        """Returns the trial's trace, or the error that ends the campaign.

        Args:
            asked: trial to run.
        """
        try:
            self._runner = self._runner or self._make_runner()
            return self._runner(asked)
        except PerfModelError as error:
            return error
