"""Memory, time, energy and provenance of a trial.

    energy           Energy of a device over a stretch of work, where the device reports it
    memory_and_time  Peak memory from the allocator's own record, step times, and resident bytes
    provenance       Where a trial ran, and with what

May import: no other folder of ``collectors``.
"""
