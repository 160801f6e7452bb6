"""Every interactive figure of a report, by the section that shows it.

drawing           a figure as plain data, colours and axes
plot_front        1  predicted front and real runs
plot_prediction   2  predicted against measured
plot_hypervolume  4  searchers against random search
plot_effects      5  axes against seed noise
plot_layers       6  bits and ranks, layer by layer
"""

from perfmodel.space.metrics import PEAK
from reports.figures.effects import effects_drawing
from reports.figures.figure import Drawing
from reports.figures.front import front_drawing, front_panels
from reports.figures.hypervolume import hypervolume_drawing
from reports.figures.layers import layer_rows, layers_drawing
from reports.figures.prediction import prediction_drawing
from reports.figures.quantity import Record, quantities, quantity

SECTIONS = ("front", "prediction", "hypervolume", "effects", "layers")


def drawings(record: Record) -> dict[str, list[Drawing]]:
    """Returns the figures of each of ``SECTIONS``; a section without data has none."""
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
    return {section: [entry for entry in found[section] if entry is not None and entry.data] for section in SECTIONS}
