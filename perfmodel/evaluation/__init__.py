"""How well surrogates predict what they did not see.

    ablation        What each group of features is worth: the out-of-fold error without it less that with it
    conformal       Intervals that hold as often as they say: a posterior's spread
    named_splits    Splits by what will be asked: a new configuration, or a new label of a column
    out_of_fold     Predictions of traces by models that did not see their configuration, with conformal intervals
    peak_intervals  Intervals of the closed form of the peak: it learns nothing of a configuration
    score_lines     Scores of out-of-fold predictions by name, each with a bootstrap interval over configurations
    score_sheet     All that is known of how good the surrogates of one metric are: every split, every score
    score_table     Every statistic of out-of-fold predictions by name: one line in one table
    scores          What can be said of predictions, each statistic for many weightings at once
    selection       How good a surrogate is on configurations it never saw
    splits          Which traces train and which are predicted: easy splits and hard ones, as scikit-learn splitters
    step_0_losses   What losses before fine-tuning are worth: a quantised
    transfer        What traces of other tasks are worth on a new one

May import: ``effects``, ``surrogates``, ``features``, ``statistics``, ``space``, ``traces``.
"""
