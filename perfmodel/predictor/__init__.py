"""The public predictor: fit, predict, save and load.

    botorch_model    A fitted predictor as a BoTorch model, for BoTorch's own acquisition functions
    fitting          How a predictor is fitted: for each metric the candidate of the lowest out-of-fold error
    joint_basis      Products and bumps of several Gaussian processes at once: what depends on their training sets
    joint_damage     Terms of damage of several models at once, for each amount of damage that one of them tolerates
    joint_posterior  Predictions of all metrics at once for index vectors of one space
    joint_ridge      Linear models and Gaussian processes of several metrics at once
    joint_trees      Bags of trees of several metrics at once: all their trees are asked at once
    link_space       From link space to the metrics' units, for all metrics at once
    pymoo_problem    A fitted predictor as a pymoo problem, for pymoo's own algorithms
    prediction       What a predictor answers: arrays first, a data frame where one is asked for
    predictor        The public object: what a configuration will cost and what it will be worth
    record           What a saved predictor's folder holds besides its surrogates
    regressor        A surrogate as scikit-learn knows regressors: for pipelines
    shipped          Predictors that come with the package, by name: fitted to the traces of a published release

May import: all of the above but ``timing`` and ``effects``.
"""
