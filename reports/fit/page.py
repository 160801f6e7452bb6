"""Writes the scores of a fit: the record, a page that needs nothing from outside, and the same as Markdown."""

from collections.abc import Iterator
from pathlib import Path

from perfmodel.statistics.interval import LEVEL
from reports.figures.quantity import Record
from reports.fit import tables as fit_tables
from reports.fit.figures import fit_drawings
from reports.report.markdown import escaped, table_text
from reports.report.render import embedded, rendered, write_page

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

_TABLES = (
    fit_tables.scores_table,
    fit_tables.curve_table,
    fit_tables.control_table,
    fit_tables.worth_table,
    fit_tables.transfer_table,
    fit_tables.starts_table,
)


def write_fit_page(record: Record, folder: Path) -> Path:
    """Writes ``scores.json``, ``scores.html`` and ``scores.md``; each appears whole or not at all.

    Args:
        record: of ``reports.fit.record``.
        folder: created where it is missing.

    Returns:
        The path of ``scores.html``.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
        OutputFolderError: when the folder cannot be written.
    """
    html = rendered(
        "fit_report.html",
        record=record,
        tables=fit_tables,
        drawings=fit_drawings,
        embedded=embedded,
        notes=NOTES,
    )
    return write_page(folder, "scores", record, fit_markdown(record), html)


def fit_markdown(record: Record) -> str:
    """Returns the sentences and tables as Markdown."""
    setting = record["setting"]
    parts = [
        f"# Scores of the surrogates: {escaped(setting['model'])} on {escaped(setting['task'])}",
        "\n".join(f"- **{name}**: {escaped(value)}" for name, value in fit_tables.facts(record)),
        *(part for entry in record["metrics"].values() for part in _section(entry)),
        "## How to read it",
        *(escaped(note) for note in NOTES),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(entry: Record) -> Iterator[str]:
    yield f"## {escaped(fit_tables.label(entry['metric']))}"
    yield escaped(fit_tables.ceiling_sentence(entry))
    yield "\n".join(f"- {escaped(sentence)}" for sentence in fit_tables.sentences(entry))
    for make in _TABLES:
        if text := table_text(made := make(entry)):
            yield f"### {escaped(made.title)}\n\n{text}"
