"""Which trials are run, in which order, and the run itself.

    campaign         runs a plan and stores its traces
    cost             how long a trial takes beside others, so that the longest go first
    stratified_plan  a plan: uniform baselines, configurations spread over the space, repeats over seeds
    design           the design of a published campaign
    capacity         load, rank and learning rate together: where a rank is too small
    run_lengths      configurations of several qualities at several numbers of steps
    pilot            the pilot before a campaign: one axis at a time

May import: ``executors``.
"""
