"""The stages of a run, in order.

    outlook          What a run will do and about how long it takes, before it does anything
    searching        Runs the suite's searchers on a predictor and joins what they found into one front
    stages           The stages of a run, in order: collect, fit, search, validate, report
    validation_plan  Which configurations are fine-tuned to check a front: its points, random ones

May import: ``run``, ``report``.
"""
