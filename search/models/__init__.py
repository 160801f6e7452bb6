"""Models that searchers fit to what they were told.

    botorch_gp            Gaussian processes over index vectors and the acquisition value of candidates, by BoTorch
    predicted_objectives  Objectives of configurations that were not evaluated: exact where a closed form is known
    sklearn_gp            One Gaussian process of one value and the expected improvement of candidates, by scikit-learn
    targets               What a Gaussian process is fitted to: losses and violations on scales where one suits them
    transferred_network   A small network trained on cheap pairs and adapted to few dear ones, by scikit-learn

May import: ``contract``.
"""
