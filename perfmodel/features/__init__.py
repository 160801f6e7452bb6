"""Configurations and traces as arrays of numbers for learned models.

    columns              Columns that describe a configuration to a learned model: few
    hat_basis            Hat functions over depth: what units add, weighted by where in the model they lie
    matrix               Features as one array with named columns
    monotone             What is known of a metric's slope before any trace: columns in which it cannot fall
    sensitivities        What each unit of a base model costs when it is touched alone: cheap measurements
    sensitivity_columns  Columns from sensitivities: what the chosen widths
    table_columns        Features of a space's index vectors by table look-up
    training_data        Traces as the arrays that a surrogate is fitted to: of one setting

May import: ``memory``, ``files``, ``model``, ``space``, ``traces``.
"""
