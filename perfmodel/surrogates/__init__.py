"""The learned models: one contract, one model a file.

    additive             A linear model with a cost per layer, shrunk towards the same cost in every layer
    boosted              A bag of gradient-boosted trees: spread over the bag is what the model does not know
    closed_form          The peak of memory by its closed form
    constant             The mean of the training set: the baseline that every other surrogate has to beat
    contract             The contract of a learned model: fit on features and a target, answer with a posterior
    damage               A linear model of damage that adds up, saturates, and is repaired where there are adapters
    feasibility          The probability that a trial ends well, with an interval that knows how few have failed
    gaussian_process     Gaussian process regression on a few summary columns, fitted by scikit-learn
    learning_curve       Loss after fewer steps: a model for each recorded step of the learning curves
    registry             The surrogates by name: an extension is one file and one line here
    ridge                Ridge regression over blocks of columns
    sign_constrained     Penalised least squares whose coefficients keep to known signs
    terms                Columns as linear models read them: squared errors, logarithms of ranks and of bytes
    tree_bag             Many small regression trees at once: the same leaves as XGBoost's, without its cost of a call

May import: ``features``, ``memory``, ``files``, ``model``, ``space``, ``traces``.
"""
