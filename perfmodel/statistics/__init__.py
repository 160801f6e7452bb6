"""Statistics that several parts need: bootstrap intervals and rank correlations.

    bootstrap         Percentile bootstrap over configurations
    finding           A finding as facts: what was found and its numbers
    rank_correlation  Spearman's and Kendall's rank correlation of weighted rows, for many weightings at once

May import: ``perfmodel.errors`` only.
"""
