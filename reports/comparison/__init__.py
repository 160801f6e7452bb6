"""The page on a comparison of searchers.

    command  ``bench compare``: from options to runs, a record and a page
    figures  The figures of a comparison: regret with bands, attainment surfaces, ranks with the critical difference
    page     Writes a comparison from its record: the record, one self-contained page, and a Markdown summary
    tables   The tables of a comparison as plain text cells: every figure with its interval and the number of seeds

May import: ``report``, ``figures``, ``run``.
"""
