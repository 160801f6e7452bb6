"""What was found.

cli             the command line: bench
suite           what a run does, from YAML
run             a suite, its folder, and what both settle
stages          collect, fit, search, validate, report (manifest: which are up to date)
  searching         searchers on the surrogates
  validation_plan   what is fine-tuned to check the front
  record            everything the report says, as plain values
  render            the page, the Markdown and the figures, from the record alone
    verdict findings tables quantity    what it says, in words and numbers
    plots plot_* figures drawing        what it draws (interval_levels)
export, evaluate  the winner as a model on disk, and its scores
fit_report      every surrogate on every split (fit_knowledge, fit_page, fit_tables, fit_drawings)
compare_command searchers against each other (compare_worlds, compare_page, compare_tables, compare_plots, live_backend)
plan            what fits a memory (plan_command, plan_tables, plan_picture)
data_command    the published traces; sense_command: sensitivities
quantizers      what storage formats cost and lose on a model (choices: the README's table of all choices)
progress        what a person who waits sees
"""
