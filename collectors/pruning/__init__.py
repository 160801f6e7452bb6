"""Structured pruning, and the importances that decide what goes.

    calibration_texts  Which calibration texts importances are measured on, and how much of each
    input_moments      Second moments of what every linear module is given, over the calibration tokens, in one pass
    prune              Structured pruning: whole key/value groups with their query heads, and MLP channels
    scope              What pruning leaves of every layer, decided from scores alone: within each layer
    importances        How much a model needs each key/value group and each MLP channel

May import: no other folder of ``collectors``.
"""
