"""The record of one fine-tune, and how records are stored.

    any_file      Traces of a file of either kind, without a caller's asking which
    columns       The columns of a stored trace, their types, and how rows of older versions become rows of this one
    descriptions  What every column of a stored trace means, from the docstrings of the classes that hold the values
    parquet       Traces as Parquet, with the schema's version inside the file and its sha256 beside it
    store         Traces on this machine: one SQLite file, one writer, every trial at most once
    trace         The record of one real fine-tune: what was asked, what was measured, what it ran on

May import: ``space``, ``files``.
"""
