"""A predictor as other optimisers know problems.

    pymoo  A predictor as a problem, and a problem as pymoo knows it

May import: ``contract``.
"""
