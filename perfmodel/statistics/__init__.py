"""Statistics that several parts need: intervals, seed noise and rank correlations.

    bootstrap           Percentile bootstrap over configurations
    conformal_quantile  What a new score stays below with a promised probability
    finding             A finding as facts: what was found and its numbers
    interval            A number with its interval, and Student's interval of a mean
    rank_correlation    Spearman's and Kendall's rank correlation of weighted rows, for many weightings at once
    seed_noise          The pooled variance of runs of one configuration
    weighted            Ratios, deviations and quadratic forms of weighted rows, for many weightings at once

May import: ``perfmodel.errors`` only.
"""
