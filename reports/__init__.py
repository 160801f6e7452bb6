"""What was found.

cli             the command line: bench
suite           what a run does, from YAML
run             a suite, its folder, and what both settle
stages          collect, fit, search, validate, report (manifest: which are up to date)
  searching         searchers on the surrogates
  validation_plan   what is fine-tuned to check the front
  record            everything the report says, as plain values
  render            the page, the Markdown and the figures, from the record alone
quantizers      what storage formats cost and lose on a model
progress        what a person who waits sees
"""
