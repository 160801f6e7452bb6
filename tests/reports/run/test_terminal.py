"""Names are printed as text: no markup of rich, no escape sequence of a terminal."""

import pytest
from rich.table import Table

from reports.run.plain_console import PlainConsole
from reports.run.terminal import printable

HOSTILE = ("[/nope]", "[bold red]x[/]", "\x1b[2J\x1b]0;title\x07", "a\rb", "\x9b31m")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(name, capsys):
    table = Table("name")
    table.add_row(name)
    for each in (PlainConsole(), PlainConsole(stderr=True)):
        each.print(name)
        each.print(table)
    out, err = capsys.readouterr()
    assert out.count(printable(name)) == err.count(printable(name)) == 2
    assert not set(out + err) & {"\x1b", "\x07", "\r", "\x9b"}


def test_ends_of_lines_and_letters_stay():
    assert printable("é\n\tß") == "é\n\tß"
    assert printable("\x1b[31m") == "\\x1b[31m"
