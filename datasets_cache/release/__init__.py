"""How a release of the shelf is made: card, picture, metadata, predictors.

    card           The data card of a release: what a reader must know before using it, computed from the traces alone
    card_analysis  The sections of a data card that are computed with intervals
    card_pilot     The section of a data card about a pilot: the effect of each axis, one at a time
    coverage       Which combinations of mean bits and pruning rate a release covers
    croissant      Croissant metadata of a release: what its file holds, column by column
    predictors     Fits the predictors that come with the package
    release        Makes a shelf release: ``python -m datasets_cache.release.release NAME STORE...``

May import: ``base_models``, ``shelf``, ``tasks``.
"""
