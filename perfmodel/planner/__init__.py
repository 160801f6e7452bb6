"""What a fine-tune needs before any run, and what fits a budget.

    gpu_cards        GPU cards by name
    largest          The largest batch or length whose peak is within a budget
    measured_kinds   What kinds of fine-tunes have been measured, so that an answer can say whether its own kind was
    planner          The planner: what a configuration takes, which ones fit a budget, which of those is best
    published_peaks  Peaks on GPUs that others measured and published, and what the closed form says of them
    question         What is asked of the planner, and what it answers
    ranking          Ranks the candidates of a plan by a predictor's held-out loss
    usual_practice   The candidates of a plan that no evidence ranks
    weight_change    How much of a model's weights a configuration changes

May import: ``predictor``, ``timing``, ``memory``, ``model``, ``space``, ``traces``.
"""
