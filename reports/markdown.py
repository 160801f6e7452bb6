"""The report as a Markdown summary: the same findings and tables, with links to the figures."""

from collections.abc import Sequence

from reports.findings import (
    effects_heading,
    failed_sentence,
    front_heading,
    hypervolume_heading,
    noise_sentence,
    prediction_heading,
    prediction_sentences,
    scores_heading,
)
from reports.interval_levels import level_text
from reports.quantity import Record
from reports.tables import Table, effects_table, facts, provenance_tables, scores_table, validation_table


def markdown(record: Record, figures: Sequence[tuple[str, str]]) -> str:
    """Returns the summary.

    Args:
        record: the report's.
        figures: alternative text and relative path of each figure.
    """
    effects = effects_table(record)
    parts = [
        f"# {_escaped(record['name'])}",
        *(_escaped(sentence) for sentence in record["verdict"]),
        "\n".join(f"- **{label}**: {_escaped(value)}" for label, value in facts(record)),
        f"## {_escaped(front_heading(record))}",
        *(f"![{_escaped(alt)}]({path})" for alt, path in figures),
        _escaped(failed_sentence(record)),
        f"## {_escaped(prediction_heading(record))}",
        *(_escaped(sentence) for sentence in prediction_sentences(record)),
        f"## {_escaped(scores_heading(record))}",
        _table(scores_table(record)),
        f"Brackets hold {level_text(record, 'scores')} intervals over configurations; R² and error / constant's are on "
        "the logarithm for losses and times.",
        f"## {_escaped(hypervolume_heading(record))}",
        f"## {_escaped(effects_heading(record))}",
        _escaped(noise_sentence(record)),
        _table(effects) if effects else _escaped(record.get("effects_reason") or ""),
        "## Validated configurations",
        _table(validation_table(record)),
        f"Brackets hold {level_text(record, 'predicted')} intervals; n counts real runs.",
        "## To repeat it",
        f"```\n{record['command'].replace('```', '')}\n```",
        *(f"### {table.title}\n\n{_table(table)}" for table in provenance_tables(record)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    groups = [name for name, count in table.groups for _ in range(count)] or [""] * len(table.head)
    head = tuple(f"{group}: {cell}" if group else cell for group, cell in zip(groups, table.head, strict=True))
    lines = [head, tuple("---" for _ in table.head), *table.rows]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)


def _escaped(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    for character in "|*_`[]#":
        plain = plain.replace(character, f"\\{character}")
    return plain
