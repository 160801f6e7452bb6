"""The documents are true: links lead somewhere, commands and suites are legal, examples run, every folder is named."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from reports.cli.main import app
from reports.run.suite import load_suite, shipped_suites

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "datasets_cache" / "shelf").rglob("smollm2-*v1*.md")),
]
ROOMS = ("perfmodel", "datasets_cache", "collectors", "search", "reports")
WORDS = """configuration unit setting trace trial campaign shelf metric surrogate posterior searcher front suite
noise ceiling,held-out loss,seed noise,interval,peak,NF4,bits,rank,pruning rate,hypervolume,regret,coverage,out of fold"""


def blocks(path, language):
    """Returns the texts between fences of a language, "" for fences that name none."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", path.read_text(), re.DOTALL | re.MULTILINE)
    return [text for named, text in found if named == language]


def commands(path):
    text = "\n".join(block.replace("\\\n", "") for block in blocks(path, ""))
    return [line.strip() for line in text.splitlines() if line.strip().startswith("bench ")]


COMMANDS = sorted({(path.name, command) for path in DOCUMENTS for command in commands(path)})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    assert [each for each in targets if "://" not in each and not (path.parent / each).exists()] == []


@pytest.fixture
def own_suite(tmp_path, monkeypatch):
    """The guide's suite lies where the commands are given."""
    (text,) = blocks(ROOT / "docs" / "guide.md", "yaml")
    (tmp_path / "my-suite.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets_cache").symlink_to(ROOT / "datasets_cache")
    return yaml.safe_load(text)


def parsed(command):
    """Returns the path of a command and its parameters, parsed as the command line does, without running it."""
    words = shlex.split(command, comments=True)
    group, context = get_command(app), None
    name, rest = words[0], words[1:]
    while hasattr(group, "resolve_command"):
        context = group.make_context(name, [*rest], parent=context)
        name, group, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    return group.make_context(name, rest, parent=context).params


@pytest.mark.parametrize(("document", "command"), COMMANDS)
def test_every_command_is_legal(document, command, own_suite):
    asked = parsed(command)
    if asked.get("suite"):
        load_suite(asked["suite"], asked.get("overrides") or [])


def test_a_command_that_is_not_legal_is_noticed(own_suite):
    for wrong in ("bench run default --speed 2", "bench walk", "bench live default --trials many"):
        with pytest.raises(Exception, match=r"No such|valid integer"):
            parsed(wrong)
    assert own_suite["name"] == "mine" and "default" in shipped_suites() and len(COMMANDS) > 25


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "docs/adding.md"])
def test_examples_run(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = blocks(ROOT / name, "python")
    for example in examples:
        exec(compile(example, name, "exec"), {"__name__": "example"})
    assert examples


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 100


def test_architecture_names_every_folder():
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"^\| (\S+/\S+) \|", text, re.MULTILINE))
    folders = {f"{room}/{path.name}" for room in ROOMS for path in (ROOT / room).iterdir() if any(path.glob("*.*"))}
    assert named == {each for each in folders if "__pycache__" not in each}


def test_each_concept_is_one_short_paragraph():
    parts = re.split(r"^## ", (ROOT / "docs" / "concepts.md").read_text(), flags=re.MULTILINE)[1:]
    concepts = {head: text.strip() for head, _, text in (part.partition("\n") for part in parts)}
    assert len(concepts) == len(parts)
    assert {word for line in WORDS.splitlines() for word in (line.split(",") if "," in line else line.split())} <= set(
        concepts
    )
    for text in concepts.values():
        assert "\n\n" not in text and 1 <= len(re.findall(r"[.:](?=\s|$)", text)) <= 4
