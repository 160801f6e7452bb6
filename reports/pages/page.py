"""A page as plain data: what every page of this project is made of."""

from dataclasses import dataclass, field

from reports.figures.figure import Drawing


@dataclass(frozen=True)
class Table:
    """One table.

    Args:
        title: what it shows, in a few words.
        head: name of each column.
        rows: cells as printed; each row has one cell a column, and its first cell names it.
        groups: heads above the columns, each with the number of columns that it spans; empty for none.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, int], ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Returns the full name of each column: its group's, where it has one, and its own."""
        groups = [name for name, count in self.groups for _ in range(count)] or [""] * len(self.head)
        return tuple(f"{group}: {cell}" if group else cell for group, cell in zip(groups, self.head, strict=True))


@dataclass(frozen=True)
class Card:
    """One recommended choice at the head of a page.

    Args:
        question: what it is the answer to, such as ``least memory that still works``.
        name: of the configuration, as every table, figure and command calls it.
        words: what the configuration is, in a sentence.
        facts: label and value of each measured number.
        command: that exports it; empty for none.
        code: how PEFT is told of its adapters; empty for none.
        chosen: whether it is the recommended one.
    """

    question: str
    name: str
    words: str
    facts: tuple[tuple[str, str], ...]
    command: str = ""
    code: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Args:
        identifier: unique on the page; the element is called ``section-<identifier>``.
        title: the finding in a few words.
        sentences: what the reader should know first.
        drawings: figures, in order.
        tables: folded where there are figures, open otherwise; those without rows are left out.
        notes: how to read it.
        missing: said where there is neither a figure nor a table.
        pairs: whether two figures stand side by side where there is room.
        folded: whether the whole section is closed at first.
        code: text to be copied as it is; empty for none.
    """

    identifier: str
    title: str
    sentences: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""
    pairs: bool = False
    folded: bool = False
    code: str = ""

    @property
    def shown_tables(self) -> tuple[Table, ...]:
        """Returns the tables that have rows."""
        return tuple(each for each in self.tables if each.rows)


@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        title: its heading.
        kind: a line above the heading: what sort of page it is.
        sections: in order.
        answer: sentences at the head, the most important first.
        facts: label and value of each fact in the strip at the head.
        cards: recommended choices; empty for none.
        beside: a table below the cards, to compare them with; None for none.
    """

    title: str
    kind: str
    sections: tuple[Section, ...]
    answer: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    cards: tuple[Card, ...] = field(default=())
    beside: Table | None = None

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Returns every figure of the page, in order."""
        return tuple(drawing for section in self.sections for drawing in section.drawings)
