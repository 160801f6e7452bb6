"""What can be decided: configurations, the space of legal ones, and the recipe held fixed beside them.

    arrays    Many configurations as three arrays, the form in which features are computed
    exports   The space as ConfigSpace, Optuna, pymoo and BoTorch know it; our own JSON stays the source of truth
    methods   How a configuration is carried out: pruning, formats, start and form of the adapters
    metrics   The measured columns: unit, direction and range of each, in one table
    recipe    How a configuration is fine-tuned and judged: everything of a setting that is not the model
    sampling  Stratified draws from a space: the plans of campaigns and the starts of searchers
    space     What is decided: a configuration, and the space of legal ones as a versioned JSON

May import: ``model``.
"""
