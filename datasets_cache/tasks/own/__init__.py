"""A user's own data as a task.

    rows    the rows of a file or of a folder of files: JSON lines, JSON, CSV, Parquet
    forms   what the columns mean: question and answer, prompt and completion, Alpaca, text and label
    read    the task: its examples in three splits

May import: ``examples``.
"""
