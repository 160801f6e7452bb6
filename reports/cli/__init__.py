"""The command line.

    choices          The overview of what each dimension can be, with the source of each choice
    data             ``bench data``: the published traces: list, show, verify, fetch, export
    evaluate         Scores an exported model on a task, by this project's own scoring and, where asked
    export           Writes a validated configuration of a run, as it was fine-tuned, to a folder that others can load
    hang_up          Ends a command within two seconds of a hang-up or a request to terminate
    help_pages       How ``bench --help`` is arranged: commands grouped by use, and two examples under each
    main             The command line: ``bench``. Everything heavy is imported when it is needed
    options          What several commands are given alike: a suite with its overrides and its folder
    plan             ``bench plan`` and ``bench calibrate``
    quantizers       ``bench quantizers``: what every storage format costs and loses on a base model
    runs             ``bench status`` and ``bench open``
    search_commands  The commands that compare searchers, on surrogates and on real fine-tunes
    sense            ``bench sense``: measures sensitivities, writes the record and shows it
    suite_keys       ``bench suite``: every key of a suite with what it may be, its default and its meaning
    traces           ``bench traces``: the traces of a run as a Parquet file, and back into a run's store

May import: all of ``reports``.
"""
