"""Labels stand beside their points and never on each other, at either width."""

import random
from itertools import combinations

import pytest

from reports.figures.labels import SIZES, Box, label_box, offsets


@pytest.mark.parametrize("seed", range(5))
def test_no_two_labels_overlap(seed):
    rng = random.Random(seed)
    points = [(rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), text) for text in ("A", "B", "C", "QLoRA", "16-bit LoRA")]
    points.append((points[0][0] + 0.01, points[0][1], "8-bit LoRA"))
    found = offsets(points, lines=[("y", 0.5, "best answer without the question: 1.449")])
    for size in SIZES:
        boxes = [label_box(*point, offset, *size) for point, offset in zip(points, found, strict=True)]
        assert all(one.overlap(other) == 0 for one, other in combinations(boxes, 2))
        assert all(box.outside(*size) == 0 for box in boxes)


def test_boxes_share_an_area_where_they_meet():
    assert Box(0, 0, 10, 10).overlap(Box(5, 5, 10, 10)) == 25
    assert Box(0, 0, 10, 10).overlap(Box(20, 0, 10, 10)) == 0
