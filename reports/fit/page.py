"""The page on a fit: how far the surrogates can be trusted, one section a metric."""

from collections.abc import Mapping
from typing import Any

from perfmodel.statistics.interval import LEVEL
from reports.figures.quantity import Record
from reports.fit import tables
from reports.fit.figures import fit_drawings
from reports.pages.page import Page, Section

NOTES = (
    f"Brackets hold {100 * LEVEL:g}\u00a0% bootstrap intervals over configurations. R², shares of it and errors are "
    "taken on the logarithm for losses and times. Scores are of single runs that the model did not see, averaged over "
    "repeats of the split; over several tasks they are taken within each task.",
    "Splits: random holds out traces, so that other seeds of a configuration may train; all others hold out whole "
    "configurations. Leave one searcher out predicts what one source proposed from the rest; leave one task or model "
    "out predicts configurations that are new, too, without one trace of that task or model.",
    "Share of the ceiling is a score over the best that the noise between seeds allows. Sparse Kendall rounds observed "
    "values to that noise. Precision is the part of the predicted best 10\u00a0% that belongs to the best.",
    "Negative log likelihood, CRPS and calibration error are of the model's own posterior. Intervals are conformal: "
    "the posterior's spread is stretched by what the model got wrong on configurations of other folds, each "
    "configuration counting once; for the best 10\u00a0%, which is a single fold, on configurations of its training "
    "part. Relative width is over the mean of the observed values.",
    "Learning curve: the same held-out traces, predicted from fewer. Shuffled targets: a model that still ranks the "
    "held-out traces has seen them; one interval in twenty leaves 0 out by chance. Transfer: models of other tasks as "
    "the prior mean, a line to this task's scale, and from 20 traces on a model of what is left; no source trace is of "
    "a configuration that is predicted.",
    "Worth of features: the error on the modelled scale without a group less that with it, so positive helps; same "
    "splits, paired by configuration. A group may be worth nothing because another says the same.",
    "Losses before fine-tuning: of the quantised, pruned model at step 0. Measured: known of every configuration that "
    "trains or is predicted, as one more column. Predicted: by a model of the same losses of this task's other "
    "configurations, none of the bits and rate that are predicted. From other tasks and step 0: models of how the "
    "other tasks end from where they start.",
)


def fit_page(record: Record) -> Page:
    """Returns the page of a record of ``reports.fit.record``."""
    setting = record["setting"]
    return Page(
        f"Scores of the surrogates: {setting['model']} on {setting['task']}",
        "Quantised LoRA fine-tuning: how far the performance models can be trusted",
        (*map(_section, record["metrics"].values()), Section("notes", "How to read it", notes=NOTES)),
        facts=tuple(tables.facts(record)),
    )


def _section(entry: Mapping[str, Any]) -> Section:
    return Section(
        entry["metric"],
        tables.label(entry["metric"]),
        (tables.ceiling_sentence(entry), *tables.sentences(entry)),
        tuple(fit_drawings(entry)),
        (
            tables.scores_table(entry),
            tables.curve_table(entry),
            tables.control_table(entry),
            tables.worth_table(entry),
            tables.transfer_table(entry),
            tables.starts_table(entry),
        ),
        pairs=True,
    )
