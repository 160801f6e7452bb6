"""One run: its suite, its folder, its manifest.

    checks          Refuses a run that cannot end well, before its first fine-tune and before it has a folder
    known           What the searches of a run know before its first fine-tune
    manifest        Which stages are up to date: the checksums of what went in and of what came out
    plain_console   A console of rich on which names of files, models and tasks are nothing but text
    predicted       What a predictor says of a configuration, as plain values
    progress        What a person who waits sees: one bar a stage, and a line when something is said
    question_blind  What the best answer that ignores the question reaches on a run's task
    run             One run: a suite, its folder, and what both settle (model, task, setting, space)
    sections        The sections of a suite: every key with its allowed values, its default, and what it means
    suite           What a run does: the suite file, validated, with ``key=value`` overrides
    suite_faults    What is wrong with a suite, in words that say what to write in its place
    terminal        Where answers are printed: standard output, wide enough for tables where it is no terminal
    trial_time      How long a fine-tune takes, from its record
    trial_plans     Which trials the collect stage makes: the suite's ``collect.plan`` names one of these
    unique_keys     YAML of which every key is given once

May import: no other folder of ``reports``.
"""
