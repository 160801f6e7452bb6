"""The page on searches on real fine-tunes.

    backend  Live trials for a search: the function that ``search.benchmark.backends.LiveBackend`` is handed
    command  ``bench live``: searchers on real fine-tunes, and the page that compares them
    record   Searches on real fine-tunes: every searcher spends the same number of them, with a seed that no model saw

May import: ``comparison``, ``run``, ``stages``.
"""
