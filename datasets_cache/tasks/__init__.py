"""Tasks: questions with answers in three splits.

    examples        What a task is: questions with answers, in three disjoint splits, and how an answer is scored
    generate        Makes the shipped tasks from their sources
    jsonl           Reads a user's own task: a ``.jsonl`` file with one example a line
    question_blind  The held-out loss of the best answer that ignores the question
    shipped         Reads the tasks that come with the package: Parquet files, and a registry with their checksums
    tasks           Finds a task by name or file, and the accuracy of the commonest answer
    sources         Where the questions of shipped tasks come from, and how each task is made
    hub             Tasks for people who are online: well-known data sets of the Hugging Face hub

May import: ``files``.
"""
