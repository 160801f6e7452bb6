"""General searchers that know nothing of fine-tuning.

    nsga2            NSGA-II over index vectors, by pymoo's operators and survival
    optuna_samplers  Optuna's samplers behind this contract
    parego           ParEGO: one Gaussian process on a scalarisation whose weights are drawn anew for every proposal
    qlognehvi        Bayesian optimisation of fronts by qLogNEHVI: few evaluations, each dear
    random_search    Random search: stratified draws over rate, mean bits, mean rank and depth, whatever the results
    uniform          The uniform grid: one width and one rank everywhere, at every rate

May import: ``contract``, ``models``, ``moves``.
"""
