"""The page on a fit: how far surrogates can be trusted.

    figures    The figures of the page on a fit: learning curves, calibration, transfer
    knowledge  What knowledge is worth to the surrogates, as plain values: each group of features
    page       Writes the scores of a fit: the record, a page that needs nothing from outside
    record     How far the surrogates can be trusted, on one page: every surrogate, split and score
    tables     The scores of a fit as tables and sentences; what falls short is said as plainly as what does not

May import: ``report``, ``figures``, ``run``, ``stages``.
"""
