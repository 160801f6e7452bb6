"""Tasks: questions with answers in three splits.

    examples        What a task is: questions with answers, in three disjoint splits, and how an answer is scored
    generate        Makes the shipped tasks from their sources
    own             a user's own data: files and folders in the forms that people keep them
    question_blind  The held-out loss of the best answer that ignores the question
    shipped         Reads the tasks that come with the package: Parquet files, and a registry with their checksums
    tasks           Finds a task by name or file, and the accuracy of the commonest answer
    sources         Where the questions of shipped tasks come from, and how each task is made
    hub             Tasks for people who are online: well-known data sets of the Hugging Face hub

May import: ``files``.
"""
