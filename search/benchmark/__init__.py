"""Problems that searchers are compared on, and what their evaluations cost.

    backends          One problem, three back ends: measured traces, a surrogate of them with their noise
    costs             The seconds that a trial would take: by the time model of a device
    known_fronts      A problem whose front is known exactly, to try a searcher on any space in no time
    nearest_measured  A search among measured configurations alone: the nearest stands for what is asked for
    noise             The noise of a change of seed, as repeated runs measured it, drawn anew for any configuration
    problem           The problem that every searcher is compared on: any of three back ends
    truncated_traces  A trace as a search sees it: what a training cut short had measured, and how long it took

May import: ``contract``.
"""
