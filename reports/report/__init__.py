"""The report of a run: what to take, and why one may believe it.

    choice     Which measured configuration is recommended, and which stand on the cards: facts only
    findings   What a run's record bears out, as facts
    sentences  The findings in words
    tables     Every table of the report as plain text cells
    record     Everything that the report says, as plain values read from the run's records
    page       The page of a run and its appendix

May import: ``pages``, ``figures``, ``run``.
"""
