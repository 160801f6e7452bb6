"""Which choices matter, judged against what a change of seed does.

    axis_effects        Which axes matter in a setting, judged against what a change of seed does by itself
    bits_against_ranks  Two questions that published claims answer in opposite ways, put to measured traces
    noise_ceiling       The best score that any predictor can reach against single noisy runs: the noise ceiling
    one_at_a_time       What one axis does around a middle, one departure after the other
    resolved            Which axes the traces of a predictor cannot tell apart from a change of seed
    repeats             The runs of each configuration, on the scale on which their metric is modelled
    variance_shares     What share of a metric's variance is the rate, the bits and the ranks by depth

May import: ``surrogates``, ``features``, ``statistics``, ``space``, ``traces``.
"""
