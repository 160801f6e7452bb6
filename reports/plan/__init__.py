"""Plans: what fits before any run.

    command   ``bench plan`` and ``bench calibrate``: from options to printed answers and an exit status
    figures   The breakdown of a plan's choices as stacked bars beside the budget
    page      The page on a plan, and its picture as a file
    record    ``bench plan``: what a fine-tune takes, and the best one that fits, as a table, as JSON and as a picture
    sentence  A plan in one sentence, and a choice in a few words
    tables    A plan as tables for people and as plain values for programs

May import: ``pages``, ``figures``, ``run``, ``training_files``.
"""
