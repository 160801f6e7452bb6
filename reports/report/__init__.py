"""The report of a run: record, words, tables, page.

    headings         What each section's heading says: a finding where the record bears it out, else what is shown
    interval_levels  Which share of cases each kind of interval in a report should hold
    markdown         The report as a Markdown summary: the same findings and tables, with links to the figures
    record           Everything the report says, as plain values read from the run's records
    render           Writes a report from its record: the record itself, one self-contained page
    tables           Every table of a report as plain text cells, for the page and for the Markdown summary alike
    verdict          The report's first sentences: what came out, in words, each with its number of runs

May import: ``run``, ``figures``.
"""
