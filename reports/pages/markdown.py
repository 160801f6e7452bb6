"""A page as Markdown: the same sentences and tables, with links to the figures."""

from collections.abc import Iterator

from perfmodel.files.markdown_table import markdown_table
from reports.pages.page import Card, Page, Section, Table


def markdown(page: Page) -> str:
    """Returns a page as Markdown.

    Args:
        page: its figures are linked as ``figures/<name>.svg``.
    """
    parts = [
        f"# {escaped(page.title)}",
        *(escaped(sentence) for sentence in page.answer),
        *(_card(card) for card in page.cards),
        table_text(page.beside) if page.beside else "",
        bullets(f"**{label}**: {escaped(value)}" for label, value in page.facts),
        *(part for section in page.sections for part in _section(section)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_text(table: Table) -> str:
    """Returns a table as Markdown, nothing where it has no rows."""
    if not table.rows:
        return ""
    head, *rows = ([escaped(cell) for cell in line] for line in (table.labels, *table.rows))
    return markdown_table(head, rows)


def bullets(lines: Iterator[str]) -> str:
    """Returns a list of lines."""
    return "\n".join(f"- {line}" for line in lines)


def escaped(text: str) -> str:
    """Returns text without what Markdown would take for marks."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    for character in "|*_`[]#":
        plain = plain.replace(character, f"\\{character}")
    return plain


def _card(card: Card) -> str:
    lines = [f"**{escaped(card.question)}: {escaped(card.name)}**", escaped(card.words)]
    lines.append(bullets(f"{label}: {escaped(value)}" for label, value in card.facts))
    if card.command:
        lines.append(f"```\n{card.command}\n```")
    if card.code:
        lines.append(f"```\n{card.code}\n```")
    return "\n\n".join(line for line in lines if line)


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}"
    yield from (escaped(sentence) for sentence in section.sentences)
    yield from (f"![{escaped(drawing.alt)}](figures/{drawing.name}.svg)" for drawing in section.drawings)
    for table in section.shown_tables:
        title = f"### {escaped(table.title)}" if table.title != section.title else ""
        yield f"{title}\n\n{table_text(table)}".strip()
    if not section.drawings and not section.shown_tables:
        yield escaped(section.missing)
    if section.code:
        yield f"```\n{section.code.replace('```', '')}\n```"
    yield from (escaped(note) for note in section.notes)
