"""Help: every command has two examples that its own options read, and every key of a suite is explained."""

import shlex

import pytest
import typer
from typer.testing import CliRunner

from perfmodel import __version__
from reports.cli.help_pages import EXAMPLES
from reports.cli.main import app
from reports.cli.suite_keys import suite_keys
from reports.run.suite import load_suite


def commands(group, under=""):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{under}{name} ")
        else:
            yield under + name, command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_every_command_has_examples():
    assert set(COMMANDS) == set(EXAMPLES)


@pytest.mark.parametrize(("name", "example"), [(name, each) for name, both in EXAMPLES.items() for each in both])
def test_an_example_is_read_by_its_command_and_shown_in_its_help(name, example):
    bench, *rest = shlex.split(example)
    own = len(name.split())

    assert bench == "bench" and " ".join(rest[:own]) == name
    assert COMMANDS[name].make_context(name, rest[own:], resilient_parsing=False).params
    assert example in COMMANDS[name].epilog


def test_version():
    assert CliRunner().invoke(app, ["--version"]).output == f"perfmodel {__version__}\n"


def test_every_key_of_a_suite_is_explained_with_its_default():
    keys = {key.name: key for key in suite_keys()}
    suite = load_suite("default").model_dump(by_alias=True)

    nested = {f"{name}.{inner}" for name, value in suite.items() if isinstance(value, dict) for inner in value}
    assert (
        set(keys) == {name for name, value in suite.items() if not isinstance(value, dict) or name == "budget"} | nested
    )
    assert all(key.allowed and key.meaning for key in keys.values())
    assert keys["validate.front"].allowed == "whole number >= 1 <= 26" and keys["validate.front"].default == "3"
