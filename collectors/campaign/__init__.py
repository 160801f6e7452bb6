"""Which trials are run, in which order, and the run itself.

    campaign         Carries out a plan: whatever the store already holds is not run again
    capacity         The plan that asks when the rank matters: few trained parameters, many scored tokens
    cost             How long a trial will take beside others
    design           The design of a published campaign: which configurations of a space are fine-tuned
    pilot            The pilot before a campaign: one axis at a time around uniform NF4 of rank 8
    run_lengths      The plan that asks what a short run tells of a long one
    stratified_plan  Which trials a campaign makes: uniform baselines, configurations spread over the space

May import: ``executors``.
"""
