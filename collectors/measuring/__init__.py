"""Memory, time, energy and provenance of a trial.

    memory_and_time  peak memory and seconds of training steps
    energy           energy of a device, where it reports it
    provenance       machine, versions and code that a trial ran on

May import: no other folder of ``collectors``.
"""
