"""Every interactive figure of a run's report, by the section that shows it."""

from collections.abc import Mapping

from perfmodel.space.metrics import PEAK
from reports.figures.effects import effects_drawing
from reports.figures.figure import Drawing
from reports.figures.front import front_drawing, front_panels
from reports.figures.hypervolume import hypervolume_drawing
from reports.figures.layers import layer_rows, layers_drawing
from reports.figures.prediction import prediction_drawing
from reports.figures.quantity import Record, quantities, quantity

Plots = Mapping[str, tuple[Drawing, ...]]
"""The figures of each section."""


def drawings(record: Record) -> Plots:
    """Returns the figures of each section; a section without data has none."""
    known = quantities(record)
    memory = known.get(PEAK) or quantity(PEAK, ())
    panels = [(known.get(x) or quantity(x, ()), known[y]) for x, y in front_panels(record)]
    rows = layer_rows(record)
    found: dict[str, list[Drawing | None]] = {
        "front": [front_drawing(record, x, y) for x, y in panels],
        "prediction": [prediction_drawing(record, entry) for entry in known.values()],
        "hypervolume": [hypervolume_drawing(record)],
        "effects": [effects_drawing(record)],
        "layers": [layers_drawing(rows, "bits", memory), layers_drawing(rows, "ranks", memory)],
    }
    return {name: tuple(each for each in made if each is not None and each.data) for name, made in found.items()}
