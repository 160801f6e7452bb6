"""``bench sense``: measures sensitivities, writes the record and shows it."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.table import Table

from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.space import Unit
from reports.run.progress import bar, say
from reports.run.terminal import output_console

if TYPE_CHECKING:
    from perfmodel.features.sensitivities import Sensitivities

CAPTION = (
    "KL: nats per answer token when only that unit is stored at so many bits; loss, output error: change of the loss "
    "and relative squared error of the outputs at the fewest bits"
)

NARROWEST = 100
"""Columns of the table where the output is no terminal."""


def sense_command(model: str, task: str, unit: str, examples: int, max_length: int, to: Path | None) -> Path:
    """Returns the file that the record was written to.

    Args:
        model: as ``datasets_cache.resolve`` takes it.
        task: as ``datasets_cache.load_task`` takes it.
        unit: ``layer`` or ``module``.
        examples: most calibration examples.
        max_length: tokens that an example may have.
        to: the file, or None for the one in the cache that ``load_sensitivities`` finds.

    Raises:
        UserError: when the model, the task or the unit cannot be used.
        OutputFolderError: when the file cannot be written.
    """
    kinds: dict[str, Unit] = {kind: kind for kind in get_args(Unit)}
    if unit not in kinds:
        raise InvalidConfigurationError(f"the unit {unit!r}", f"allowed are {', '.join(kinds)}", "choose one of these")
    from collectors.sensitivities import measure_sensitivities, steps_of
    from datasets_cache import load_task, resolve
    from datasets_cache.shelf.sensitivities import sensitivities_path

    asked, base = load_task(task, progress=say), resolve(model, progress=say)
    with bar("sensitivities", steps_of(base, kinds[unit])) as advance:
        found = measure_sensitivities(
            base, asked, unit=kinds[unit], examples=examples, max_length=max_length, advance=advance
        )
    path = to or sensitivities_path(base.name, asked.name, kinds[unit])
    found.save(path)
    print_table(found)
    return path


def print_table(found: "Sensitivities") -> None:
    """Prints one row for each unit."""
    title = f"{found.model} on {found.task}: {found.examples} calibration examples, by {found.unit}"
    table = Table(title=title, caption=CAPTION)
    for name in (found.unit, *(f"KL {width}" for width in found.widths)):
        table.add_column(name, justify="right")
    for name in (f"loss {found.widths[0]}", f"output error {found.widths[0]}", "gradient", "information"):
        table.add_column(name, justify="right")
    for row in range(len(found.kl)):
        figures = (
            *found.kl[row],
            found.loss_change[row, 0],
            found.output_error[row, 0],
            found.gradient_norm[row],
            found.information[row],
        )
        table.add_row(str(row), *(f"{figure:.4f}" for figure in figures))
    mass = ", ".join(f"{rate:g}: {share:.3f}" for rate, share in zip(found.rates, found.taylor_mass, strict=True))
    console = output_console(NARROWEST)
    console.print(table)
    console.print(f"share of the Taylor importance that pruning removes, by rate: {mass}")
