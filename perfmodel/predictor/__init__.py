"""The public predictor: fit, predict, save and load.

    botorch_model    A fitted predictor as a BoTorch model, for BoTorch's own acquisition functions
    fitting          How a predictor is fitted: for each metric the candidate of the lowest out-of-fold error
    pymoo_problem    A fitted predictor as a pymoo problem, for pymoo's own algorithms
    prediction       What a predictor answers: arrays first, a data frame where one is asked for
    predictor        The public object: what a configuration will cost and what it will be worth
    record           What a saved predictor's folder holds besides its surrogates
    regressor        A surrogate as scikit-learn knows regressors: for pipelines
    shipped          Predictors that come with the package, by name: fitted to the traces of a published release

May import: all of the above but ``timing``.
"""
