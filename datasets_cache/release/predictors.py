"""Fits the predictors that come with the package: ``python -m datasets_cache.release.predictors NAME``.

One for each setting of the release that has traces of ``LEAST_CONFIGURATIONS`` configurations or more. They replace
those written for the release before. Each takes some minutes.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from datasets_cache.release.card import by_setting
from datasets_cache.shelf.shelf import load_shelf
from datasets_cache.shelf.verify import known_architectures
from perfmodel.errors import NotEnoughTracesError, PerfModelError
from perfmodel.files.state_file import write_state
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.shipped import PREDICTOR_DATA
from perfmodel.space.space import Space, Unit
from perfmodel.traces.trace import Trace

LEAST_CONFIGURATIONS = 20
"""Of ended fine-tunes: twice what fitting needs at least, so that each of five folds has four or more."""

FITTED_TO = "fitted_to.json"
KIND, VERSION = "release predictors", 1

Fit = Callable[[Sequence[Trace]], Predictor]


def fit_predictor(traces: Sequence[Trace]) -> Predictor:
    """Returns the predictor of one setting, of the default space over its units with its methods.

    Args:
        traces: traces of one setting, at least 10 configurations.
    """
    asked = traces[0].asked
    architecture = known_architectures()[asked.setting.model]
    unit: Unit = "layer" if len(asked.configuration.bits) == len(architecture.layers) else "module"
    space = Space.for_architecture(architecture, unit=unit, methods=asked.configuration.methods)
    return Predictor.fit(traces, space, architecture)


def write_predictors(name: str, folder: Path = PREDICTOR_DATA, fit: Fit = fit_predictor) -> Iterator[Path]:
    """Yields the folder of each predictor of a release as it is written.

    Args:
        name: name of a release, such as ``smollm2-v1b``.
        folder: where the predictors of all releases lie.
        fit: returns the predictor of the traces of one setting.

    Raises:
        UnknownNameError: when there is no release of that name.
        NotEnoughTracesError: when no setting has enough configurations.
        OutputFolderError: when the folder cannot be written.
    """
    shelf = load_shelf(name)
    groups = {
        label.replace(", ", "--").replace(" ", "-"): traces
        for label, traces in by_setting(shelf.traces).items()
        if len({trace.asked.configuration.identifier for trace in traces if trace.ok}) >= LEAST_CONFIGURATIONS
    }
    if not groups:
        raise NotEnoughTracesError(
            f"no setting of {name} has {LEAST_CONFIGURATIONS} configurations that ended well",
            "predictors are shipped of such settings only",
            "collect more traces",
        )
    shutil.rmtree(folder / name, ignore_errors=True)
    body = {"shelf": name, "sha256": shelf.sha256, "traces": {label: len(traces) for label, traces in groups.items()}}
    write_state(folder / name / FITTED_TO, KIND, VERSION, body)
    for label, traces in groups.items():
        fit(traces).save(folder / name / label)
        yield folder / name / label


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of the command.

    Args:
        arguments: words of the command line; those of the process when left out.
    """
    parser = argparse.ArgumentParser(prog="python -m datasets_cache.release.predictors", description=__doc__)
    parser.add_argument("name", help="of the release")
    parser.add_argument("--into", type=Path, default=PREDICTOR_DATA, help="folder of the predictors of all releases")
    chosen = parser.parse_args(arguments)
    try:
        for path in write_predictors(chosen.name, chosen.into):
            size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
            print(f"{path} {size / 1e3:.0f} kB", flush=True)  # noqa: T201 - this module is also a command
    except PerfModelError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a command
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
