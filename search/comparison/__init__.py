"""Searchers compared at equal cost: runs, figures, and the answer.

    ablations          What each stage of a method is worth: the regret of the method without it
    answer             The answer to "what should I use" as findings, from the figures of a comparison alone
    contenders         Who takes part in a comparison: every searcher
    metrics            What a comparison says: figures over seeds, each with its interval and the number of seeds
    optima             What the found optima have in common: over seeds
    ranks              Who ranks before whom over all tasks and seeds, and by how much ranks must differ to mean it
    runs               Searchers x tasks x seeds on one problem each, every run a small file
    sentences          The findings of a comparison in words, one sentence each
    summary            A comparison's runs as one record: everything that its page shows, in plain values
    task_findings      What won and what did not on each task, as findings
    tasks              Tasks to search on: predictors of measured traces, measured noise, known memory, simulated cost

May import: ``benchmark``, ``contract``, the registry and ``knowledge_of``.
"""
