"""Published methods for bits and ranks, one a file.

    amq                 AMQ: sensitive units frozen at the highest width, then a predictor and NSGA-II in rounds
    apq                 APQ-style predictor transfer: a network taught by cheap pairs, then by few fine-tuned ones
    automixq            AutoMixQ: widths of 4 or 8 bits at one rate and one rank
    autoqra             AutoQRA: evolution at low fidelity guided by importance, promotion by a surrogate
    hawq                HAWQ-style allocation: an integer program over errors weighted by curvature
    milp                The additive mixed-integer program of LQ-LoRA, over pairs of (bits, rank) and over rates
    predicted_front     The front of a predictor, by NSGA-II
    qpruner             QPruner: widths bought by mutual information
    qr_adaptor          QR-Adaptor: a start from sensitivities, a small genetic search
    sensitivity_greedy  Widths bought one step at a time where they save the most divergence per byte

May import: ``contract``, ``allocation``, ``general``, ``models``, ``moves``.
"""
