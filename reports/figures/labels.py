"""Where the labels of points stand, so that no two overlap: at the width of a desk and at that of a phone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SIZES = (*((290.0, height) for height in (250.0, 280.0, 305.0, 330.0)), (960.0, 390.0))
"""Width and height of the plot inside its axes, in pixels: on a phone, below a long and a short legend; on a desk."""

_LETTER, _HEIGHT, _MARKER = 7.4, 19.0, 7.0
_RADII = (6.0, 16.0, 28.0, 42.0, 58.0, 76.0, 96.0)
_ANGLES = tuple(
    math.radians(degrees) for degrees in (90, 45, 135, 0, 180, -45, -135, -90, 67, 112, 22, 157, -22, -157, -67, -112)
)


@dataclass(frozen=True)
class Box:
    """A rectangle on a plot.

    Args:
        x: of its centre, in pixels from the left.
        y: of its centre, in pixels from the bottom.
        width: in pixels.
        height: in pixels.
    """

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: "Box") -> float:
        """Returns the area that two rectangles share, in square pixels."""
        across = (self.width + other.width) / 2 - abs(self.x - other.x)
        up = (self.height + other.height) / 2 - abs(self.y - other.y)
        return max(0.0, across) * max(0.0, up)

    def outside(self, width: float, height: float) -> float:
        """Returns by how many pixels it leaves a plot of this size."""
        across = max(0.0, self.width / 2 - self.x, self.x + self.width / 2 - width)
        return across + max(0.0, self.height / 2 - self.y, self.y + self.height / 2 - height)


def offsets(
    points: Sequence[tuple[float, float, str]],
    markers: Sequence[tuple[float, float]] = (),
    lines: Sequence[tuple[str, float, str]] = (),
) -> list[tuple[float, float]]:
    """Returns how far the centre of each label stands from its point, in pixels to the right and up.

    Args:
        points: place of each labelled point as shares of the plot's width and height, and its label.
        markers: places of further points that no label should cover, as shares.
        lines: labels of straight lines, as ``rule_label`` places them: along which axis, the share, and the text.
    """
    places = [*((x, y) for x, y, _ in points), *markers]
    taken = {size: [_marker(*place, *size) for place in places] for size in SIZES}
    for size, boxes in taken.items():
        boxes += [_line_label(*line, *size) for line in lines]
    found = [(0.0, 0.0)] * len(points)
    # The longest find a place hardest, so they choose first.
    for place in sorted(range(len(points)), key=lambda place: -len(points[place][2])):
        x, y, text = points[place]
        best = min(
            _candidates(text),
            key=lambda offset: sum(_cost(label_box(x, y, text, offset, *size), taken[size], *size) for size in SIZES),
        )
        for size in SIZES:
            taken[size].append(label_box(x, y, text, best, *size))
        found[place] = best
    return found


def label_box(x: float, y: float, text: str, offset: tuple[float, float], width: float, height: float) -> Box:
    """Returns where a label stands.

    Args:
        x: of its point, as a share of the plot's width.
        y: of its point, as a share of the plot's height.
        text: of the label.
        offset: of its centre from the point, in pixels to the right and up.
        width: of the plot, in pixels.
        height: of the plot, in pixels.
    """
    return Box(x * width + offset[0], y * height + offset[1], _LETTER * len(text), _HEIGHT)


def _candidates(text: str) -> Iterator[tuple[float, float]]:
    for radius in _RADII:
        for angle in _ANGLES:
            across, up = math.cos(angle), math.sin(angle)
            yield across * (radius + _LETTER * len(text) / 2), up * (radius + _HEIGHT / 2)


def _cost(box: Box, taken: Sequence[Box], width: float, height: float) -> float:
    return sum(box.overlap(other) for other in taken) + 100 * box.outside(width, height)


def _marker(x: float, y: float, width: float, height: float) -> Box:
    return Box(x * width, y * height, 2 * _MARKER, 2 * _MARKER)


def _line_label(along: str, share: float, text: str, width: float, height: float) -> Box:
    """Returns the label of a line: of a level one at its right end, above it; of an upright one along its foot."""
    long = 6.2 * len(text)
    if along == "y":
        return Box(width - long / 2, share * height + _HEIGHT / 2, long, _HEIGHT)
    return Box(share * width + _HEIGHT / 2, long / 2, _HEIGHT, long)
