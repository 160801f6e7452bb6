"""What a person who waits sees, on a terminal and in a log."""

import io
import logging

import pytest

from reports.run import progress
from reports.run.plain_console import PlainConsole


@pytest.fixture
def shown(monkeypatch):
    def use(*, terminal):
        text = io.StringIO()
        console = PlainConsole(file=text, force_terminal=terminal, width=160)
        monkeypatch.setattr(progress, "console", console)
        return text

    return use


@pytest.mark.parametrize("terminal", [True, False])
def test_a_note_with_brackets_is_shown_as_it_is(shown, terminal):
    """A reason such as ``RuntimeError: [/x]`` is no markup; read as such, it would end the campaign."""
    text = shown(terminal=terminal)
    with progress.bar("2 fine-tunes [tiny]", 2) as advance:
        advance("failed: no [/red] here")

    assert "failed: no [/red] here" in text.getvalue()
    assert "2 fine-tunes [tiny]" in text.getvalue()


def test_in_a_log_every_note_is_a_line(shown):
    text = shown(terminal=False)
    with progress.bar("trials", 2) as advance:
        advance("loss 1.0")
        advance("loss 0.9")

    assert text.getvalue().splitlines() == ["trials: 1 of 2: loss 1.0", "trials: 2 of 2: loss 0.9"]


def test_what_is_said_is_shown_as_it_is(shown):
    text = shown(terminal=False)
    progress.say("folder [/tmp]")

    assert text.getvalue() == "folder [/tmp]\n"


def test_a_step_that_several_workers_log_is_shown_once(shown):
    text = shown(terminal=False)
    logger = logging.Logger("trials")
    logger.addHandler(progress.Steps())
    for step in ("loading [tiny]", "loading [tiny]", "importance"):
        logger.info(step)

    assert text.getvalue().splitlines() == ["loading [tiny]", "importance"]
