"""Configurations and traces as arrays of numbers for learned models.

    columns              Names of the columns that describe a configuration to a learned model
    featurizer           Configurations as feature columns, for index vectors of a space and for traces alike
    matrix               Features as one array with named columns
    monotone             What is known of a metric's slope before any trace: columns in which it cannot fall
    sensitivities        What each unit of a base model costs when it is touched alone: cheap measurements
    sensitivity_columns  Columns from sensitivities: what the chosen widths
    table                A table that is not ours as training data: its own metric, inputs and labels
    training_data        Traces as the arrays that a surrogate is fitted to: of one setting
    unit_bytes           Parameters and bytes of every unit of a model pruned at one rate

May import: ``memory``, ``files``, ``model``, ``space``, ``traces``.
"""
