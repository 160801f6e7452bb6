"""The reach grows with success and shrinks without, and holds what is proposed."""

import numpy as np

from search.joint.trust_region import TrustRegion


def test_length_follows_success_and_opens_again() -> None:
    region = TrustRegion(40)
    assert region.reach == 20
    region.update(better=True)
    assert region.reach == 40
    region.update(better=True)
    assert region.reach == 40
    for _ in range(2):
        region.update(better=False)
    assert region.reach == 20
    region.update(better=False)
    region.update(better=True)
    assert region.reach == 40
    for _ in range(8):
        region.update(better=False)
    assert region.reach == 2
    for _ in range(2):
        region.update(better=False)
    assert region.reach == 20


def test_at_most_the_reach_changes_and_only_what_was_moved() -> None:
    region, rng = TrustRegion(20), np.random.default_rng(0)
    for _ in range(2):
        region.update(better=False)
    centres = np.zeros((500, 20), dtype=np.int64)
    moved = (rng.random((500, 20)) < 0.5).astype(np.int64)
    held = region.hold(centres, moved, rng)
    assert region.reach == 5
    assert held.sum(axis=1).max() == 5
    assert (held <= moved).all()
    few = moved.sum(axis=1) <= 5
    assert (held[few] == moved[few]).all()
    assert (held.sum(axis=0) > 50).all()  # no dimension is preferred
