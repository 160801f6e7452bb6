"""The page on a challenge of uniform choices.

    command  ``bench challenge``: from a suite to real runs of uniform choices against what the search proposes
    record   Uniform choices challenged on real runs: for a better loss at their memory
    tables   What came of a challenge: paired differences over seeds with their interval, and whether the limits held

May import: ``live``, ``run``, ``stages``.
"""
