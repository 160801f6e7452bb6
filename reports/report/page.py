"""The page of a run: the answer and its cards first, then why one may believe it, one finding a section."""

from pathlib import Path
from pprint import pformat

from perfmodel.errors import SchemaVersionError
from perfmodel.files.sizes import size_text
from reports.figures.all import Plots, drawings
from reports.figures.quantity import Record
from reports.figures.words import described
from reports.pages.page import Card, Page, Section
from reports.pages.write import write_page
from reports.report import findings, tables
from reports.report import sentences as say
from reports.report.choice import FULL_PRECISION, Choices, Noise, is_measured, peak_of
from reports.report.record import RECORD_VERSION


def write_report(record: Record, folder: Path) -> Path:
    """Returns the path of ``report.html``; ``report.json``, ``report.md``, ``figures`` and ``appendix`` lie beside it.

    Args:
        record: the report's; nothing else is read.
        folder: created where it is missing.

    Raises:
        MissingExtraError: when plotly, jinja2 or matplotlib is not installed.
        OutputFolderError: when the folder cannot be written.
        SchemaVersionError: when another version made the record.
    """
    if record["version"] != RECORD_VERSION:
        raise SchemaVersionError(
            f"the report record has version {record['version']}",
            f"this version draws {RECORD_VERSION}",
            "run bench report again" if record["version"] < RECORD_VERSION else "upgrade perfmodel to draw it",
        )
    scores = {"scores": record["scores"], "surrogates": record["surrogates"]}
    path = write_page(folder, "report", record, report_page(record))
    write_page(folder, "appendix", scores, appendix_page(record))
    return path


def report_page(record: Record) -> Page:
    """Returns the page of a run."""
    found, setting = findings.answer(record), record["setting"]
    chosen = findings.choices_of(record)
    head = (say.answer_sentence(found), say.sureness_sentence(found), say.learnt_sentence(findings.learnt(record)))
    plots = drawings(record)
    return Page(
        f"{setting['model']} on {setting['task']}: which configuration to take",
        f"Quantised LoRA fine-tuning: pruning, bits and LoRA rank layer by layer. Run {record['name']}",
        (
            _front(record, plots),
            _prediction(record, plots),
            _effects(record, plots),
            _layers(plots),
            _search(record, plots),
            _scores(record),
            _repeat(record),
        ),
        tuple(sentence for sentence in head if sentence),
        tables.facts(record),
        _cards(record, chosen),
        tables.beside_table(record),
    )


def appendix_page(record: Record) -> Page:
    """Returns the appendix: the scores of every performance model on every metric."""
    setting = record["setting"]
    section = Section("scores", "All metrics and models", tables=(tables.scores_table(record, everything=True),))
    return Page(
        f"{setting['model']} on {setting['task']}: scores of every performance model",
        f"Appendix to the report of run {record['name']}",
        (section,),
        (_HOW_SCORED,),
    )


def _cards(record: Record, chosen: Choices) -> tuple[Card, ...]:
    budget = record["budget"].get("peak_memory_bytes")
    within = f"Best within {size_text(budget)}" if budget else "Best of all, the smallest within noise"
    asked = (
        ("As good as 16-bit LoRA in the least memory", chosen.as_good),
        (within, chosen.within_budget),
        ("Least memory that still works", chosen.least),
    )
    # One configuration may be the answer to several questions: it has one card.
    questions: dict[str, list[str]] = {}
    for question, name in asked:
        if name is not None:
            questions.setdefault(name, []).append(question)
    return tuple(_card(record, ". ".join(of), name, chosen.recommended) for name, of in questions.items())


def _card(record: Record, question: str, name: str, recommended: str | None) -> Card:
    row, full = findings.named(record["validation"], name), findings.named(record["validation"], FULL_PRECISION)
    peak, weights, loss, accuracy, runs = tables.measures(row, Noise.of(record["effects"], record["validation"]))
    if is_measured(full) and full["name"] != name:
        peak += f" ({100 * peak_of(row) / peak_of(full):.0f}\u00a0% of 16-bit LoRA)"
    facts = (
        ("Peak memory", peak),
        ("Weights", weights),
        ("Held-out loss", loss),
        ("Accuracy", accuracy),
        ("Real runs", runs),
    )
    quoted = f"'{name}'" if " " in name else name
    command = f"bench export {record['folder']} my-model --configuration {quoted}"
    words = described(row["configuration"])
    # The arguments of PEFT alone: a reader who trains elsewhere takes them over as they are.
    lora = row.get("lora")
    code = f"LoraConfig(**{pformat(lora, width=60, sort_dicts=False)})" if lora else ""
    return Card(question, name, words[:1].upper() + words[1:], facts, command, code, chosen=name == recommended)


def _front(record: Record, plots: Plots) -> Section:
    found = findings.front(record)
    failed = say.failed_sentence(found)
    return Section(
        "front",
        say.front_title(found),
        (failed,) if failed else (),
        plots["front"],
        (tables.validation_table(record),),
        (
            "The line is what the models predict; letters and names are real runs. Bars are 90\u00a0% intervals; a "
            "point without one is a single run. Dotted links lead from a prediction to its measurement. Circled points "
            "lie outside the range that was learnt from. Traces beyond the frame are left out. A click on a point "
            "marks its row in the table.",
        ),
        "No configuration has both objectives.",
    )


def _prediction(record: Record, plots: Plots) -> Section:
    found = findings.predictions(record)
    return Section(
        "prediction",
        say.prediction_title(found),
        tuple(map(say.prediction_sentence, found)),
        plots["prediction"],
        notes=(
            "Predicted before the runs were made. References are left out of the counts, because models may have "
            "learnt from them. A bar that crosses the dashed line holds the measured value.",
        ),
        missing="No real run was made to compare with.",
        pairs=True,
    )


def _effects(record: Record, plots: Plots) -> Section:
    found = findings.axes(record)
    return Section(
        "effects",
        say.axes_title(found),
        say.axes_sentences(found),
        plots["effects"],
        tables.effects_table(record),
        (
            "What going from one end of an axis to the other changes, the others held; bits by the quantisation error "
            "they cause. Dotted lines stand at one seed deviation, dashed ones at three: an axis matters when its "
            "95\u00a0% interval lies wholly beyond three.",
        )
        if record["effects"]
        else (),
        record["effects_reason"] or "Seeds made no difference at all: there is no ratio to draw.",
    )


def _layers(plots: Plots) -> Section:
    return Section(
        "layers",
        "Where bits and ranks go, layer by layer",
        drawings=plots["layers"],
        notes=(
            "Rows from the smallest peak memory to the largest; the number after the name is the share pruned. Layers "
            "run from the input on the left to the output on the right.",
        ),
        missing="There is no configuration to show.",
    )


def _search(record: Record, plots: Plots) -> Section:
    return Section(
        "search",
        say.search_title(findings.search(record)),
        drawings=plots["hypervolume"],
        notes=(
            "Hypervolume: the space that each searcher's front dominates on the performance model; 1 is the largest "
            "that any reached. One seed tests no difference.",
        ),
        missing="No searcher's course was recorded.",
    )


_HOW_SCORED = (
    "Cross-validated by configuration; brackets hold 95\u00a0% intervals over configurations. RMSE is in the metric's "
    "unit; R² and error / constant's are on the logarithm for losses and times. Below 1, error / constant's beats "
    "answering the mean; coverage should be near 90\u00a0%."
)


def _scores(record: Record) -> Section:
    return Section(
        "scores",
        say.surrogates_title(findings.surrogates(record)),
        tables=(tables.scores_table(record, everything=False),),
        notes=(_HOW_SCORED, "The scores of all models on all metrics are in appendix.html beside this page."),
        missing="The performance models were not scored.",
    )


def _repeat(record: Record) -> Section:
    return Section(
        "repeat",
        "How to repeat it: command, setting, recipe, environment, checksums",
        tables=tables.provenance_tables(record),
        notes=(record["setting"]["task_description"],),
        folded=True,
        code=record["command"],
    )
