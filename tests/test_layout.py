"""The five rooms, the direction of imports, the public names, and what importing costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("perfmodel", "datasets_cache", "collectors", "search", "reports")
MAY_IMPORT = {
    "perfmodel": set(),
    "datasets_cache": {"perfmodel"},
    "collectors": {"perfmodel", "datasets_cache"},
    "search": {"perfmodel"},
    "reports": {"perfmodel", "datasets_cache", "collectors", "search"},
}


def imported_rooms(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names & set(ROOMS)


def test_imported_rooms_sees_every_form():
    source = "import search.pareto\ndef f():\n    from reports import cli\nfrom collectors.trial import x"

    assert imported_rooms(source) == {"search", "reports", "collectors"}


@pytest.mark.parametrize("path", [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))], ids=str)
def test_imports_point_up_the_page_only(path):
    room = path.relative_to(ROOT).parts[0]

    assert imported_rooms(path.read_text()) - {room} <= MAY_IMPORT[room]


def test_no_module_is_called_util():
    forbidden = {"util", "utils", "common", "helpers", "misc"}

    assert not [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.stem in forbidden]


def test_tests_are_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("room", ["perfmodel", "datasets_cache"])
def test_public_names_exist_and_are_sorted(room):
    module = __import__(room)
    constants = [name for name in module.__all__ if name.isupper()]
    others = [name for name in module.__all__ if not name.isupper()]

    assert all(hasattr(module, name) for name in module.__all__)
    assert constants == sorted(constants)
    assert [name for name in others if name[0].isupper()] == sorted(name for name in others if name[0].isupper())
    assert len(set(module.__all__)) == len(module.__all__)


def test_importing_perfmodel_brings_no_torch_and_no_other_room():
    code = f"import sys, perfmodel; print([name for name in {('torch', *ROOMS[1:])!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert found.stdout.strip() == "[]"


def test_help_needs_under_a_second_of_processor_time():
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'reports.cli', '--help'], check=True, stdout=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout)
        for _ in range(3)
    )

    assert seconds < 1.0
