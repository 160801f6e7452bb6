"""What was found, and the commands.

run             one run: its suite, its folder, its manifest
figures         figures, interactive and for print
training_files  files by which PEFT, TRL and others fine-tune a configuration
pages           how every page is made: plain data, HTML, Markdown
report          the report of a run: record, words, tables, page
stages          collect, fit, search, validate, report
fit             how far surrogates can be trusted
comparison      searchers compared at equal cost
live            the same on real fine-tunes
challenge       uniform choices against what the search offers
plan            what fits before any run
cli             the command line
suites          suites that come with the package

Each may import those above it, and every other room.
"""
