"""The report as a Markdown summary: the same findings and tables, with links to the figures."""

from collections.abc import Sequence

from reports.figures.quantity import Record
from reports.report.headings import (
    effects_heading,
    failed_sentence,
    front_heading,
    hypervolume_heading,
    noise_sentence,
    prediction_heading,
    prediction_sentences,
    scores_heading,
)
from reports.report.interval_levels import level_text
from reports.report.tables import Table, effects_table, facts, provenance_tables, scores_table, validation_table


def markdown(record: Record, figures: Sequence[tuple[str, str]]) -> str:
    """Returns the summary.

    Args:
        record: the report's.
        figures: alternative text and relative path of each figure.
    """
    effects = effects_table(record)
    parts = [
        f"# {escaped(record['name'])}",
        *(escaped(sentence) for sentence in record["verdict"]),
        "\n".join(f"- **{label}**: {escaped(value)}" for label, value in facts(record)),
        f"## {escaped(front_heading(record))}",
        *(f"![{escaped(alt)}]({path})" for alt, path in figures),
        escaped(failed_sentence(record)),
        f"## {escaped(prediction_heading(record))}",
        *(escaped(sentence) for sentence in prediction_sentences(record)),
        f"## {escaped(scores_heading(record))}",
        table_text(scores_table(record)),
        f"Brackets hold {level_text(record, 'scores')} intervals over configurations; R² and error / constant's are on "
        "the logarithm for losses and times.",
        f"## {escaped(hypervolume_heading(record))}",
        f"## {escaped(effects_heading(record))}",
        escaped(noise_sentence(record)),
        table_text(effects) if effects else escaped(record.get("effects_reason") or ""),
        "## Validated configurations",
        table_text(validation_table(record)),
        f"Brackets hold {level_text(record, 'predicted')} intervals; n counts real runs.",
        "## To repeat it",
        f"```\n{record['command'].replace('```', '')}\n```",
        *(f"### {table.title}\n\n{table_text(table)}" for table in provenance_tables(record)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_text(table: Table) -> str:
    """Returns a table as Markdown, nothing where it has no rows."""
    if not table.rows:
        return ""
    groups = [name for name, count in table.groups for _ in range(count)] or [""] * len(table.head)
    head = tuple(f"{group}: {cell}" if group else cell for group, cell in zip(groups, table.head, strict=True))
    lines = [head, tuple("---" for _ in table.head), *table.rows]
    return "\n".join("| " + " | ".join(escaped(cell) for cell in line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Returns text without what Markdown would take for marks."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    for character in "|*_`[]#":
        plain = plain.replace(character, f"\\{character}")
    return plain
