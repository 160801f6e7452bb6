"""The rooms and their folders, the direction of imports, the public names, and what importing costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_ENTRIES = 16
MOST_LINES = 300
ROOMS = {
    "perfmodel": set(),
    "datasets_cache": {"perfmodel"},
    "collectors": {"perfmodel", "datasets_cache"},
    "search": {"perfmodel"},
    "reports": {"perfmodel", "datasets_cache", "collectors", "search"},
}
"""Which other rooms a room may import."""

FOLDERS = {
    "perfmodel": [
        "errors files statistics model space traces memory timing features surrogates effects evaluation predictor planner"
    ],
    "datasets_cache": ["files base_models tasks shelf release"],
    "collectors": [
        "pruning quantizers initializers adapters measuring scoring trial executors campaign sensitivities device"
    ],
    "search": [
        "contract moves models allocation general published joint registry knowledge_of benchmark comparison best_within_budget"
    ],
    "reports": ["run figures training_files pages report stages fit comparison live challenge plan cli"],
}
"""The folders and modules of each room in order: each may import those before it."""


def modules(root: Path = ROOT) -> list[Path]:
    return [path.relative_to(root) for room in ROOMS for path in sorted((root / room).rglob("*.py"))]


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden_imports(path: Path, source: str) -> set[str]:
    """Returns what a module imports although it may not: other rooms, or folders of its room that come after its own."""
    room, *rest = path.with_suffix("").parts
    order = " ".join(FOLDERS[room]).split()
    found = set()
    for name in imported(source):
        top, *inner = name.split(".")
        if top in ROOMS and top != room and top not in ROOMS[room]:
            found.add(top)
        inside = top == room and inner and {inner[0], rest[0]} <= set(order)
        if inside and order.index(inner[0]) > order.index(rest[0]):
            found.add(f"{top}.{inner[0]}")
    return found


def test_forbidden_imports_sees_every_form():
    above = Path("perfmodel/space/space.py")

    assert forbidden_imports(above, "import search.contract\ndef f():\n    from reports.cli import main") == {
        "search",
        "reports",
    }
    assert forbidden_imports(above, "from perfmodel import planner\nfrom perfmodel.memory.peak import x") == {
        "perfmodel.planner",
        "perfmodel.memory",
    }
    assert not forbidden_imports(above, "import numpy\nfrom perfmodel.model.formats import FORMATS")


def test_imports_point_up_the_page_only():
    found = {path: forbidden_imports(path, (ROOT / path).read_text()) for path in modules()}

    assert not {str(path) for path, names in found.items() if names}


def test_every_folder_of_a_room_has_its_place_in_the_order():
    for room, order in FOLDERS.items():
        folders = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
        files = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
        assert folders | files == set(" ".join(order).split()), room


def crowded(root: Path) -> dict[str, int]:
    """Returns the folders with too many entries; hidden ones, caches and ignored outputs do not count."""
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    kept = [each for each in folders if not any(map(_ignored, each.relative_to(root).parts))]
    counts = {each: sum(not _ignored(entry.name) for entry in each.iterdir()) for each in kept}
    return {str(each.relative_to(root)): count for each, count in counts.items() if count > MOST_ENTRIES}


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in {"__pycache__", "runs", "build", "dist"} or name.endswith(".egg-info")


def long_files(root: Path) -> dict[str, int]:
    """Returns the Python files with too many lines, tests and benchmarks included."""
    paths = [path for name in (*ROOMS, "benchmarks") for path in (root / name).rglob("*.py")]
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in paths}
    return {name: length for name, length in lengths.items() if length > MOST_LINES}


def unnamed(root: Path) -> dict[str, set[str]]:
    """Returns what each package's docstring fails to name: its modules and folders, and what it may import."""
    found = {}
    for path in [path for room in ROOMS for path in (root / room).rglob("__init__.py")]:
        names = {each.stem for each in path.parent.glob("*.py")} - {"__init__"}
        names |= {each.parent.name for each in path.parent.glob("*/__init__.py")}
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        missing = names - set(text.replace("`", " ").replace(":", " ").replace(",", " ").split())
        if "mport" not in text:
            missing.add("what it may import")
        if missing:
            found[str(path.relative_to(root))] = missing
    return found


def test_no_folder_is_crowded_and_no_file_is_long():
    assert crowded(ROOT) == {}
    assert long_files(ROOT) == {}


def test_every_package_names_its_modules_and_what_it_may_import():
    assert unnamed(ROOT) == {}


def test_the_gates_can_fail(tmp_path):
    room = tmp_path / "perfmodel"
    room.mkdir()
    (room / "__init__.py").write_text('"""Holds nothing that it names."""\n')
    for number in range(MOST_ENTRIES):
        (room / f"module_{number}.py").write_text("x = 1\n" * (MOST_LINES + (number == 0)))

    assert crowded(tmp_path) == {"perfmodel": MOST_ENTRIES + 1}
    assert long_files(tmp_path) == {"perfmodel/module_0.py": MOST_LINES + 1}
    assert unnamed(tmp_path)["perfmodel/__init__.py"] >= {"module_0", "what it may import"}


def test_no_module_is_called_util():
    assert not [path for path in modules() if path.stem in {"util", "utils", "common", "helpers", "misc"}]


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
    code = f"import sys, perfmodel; print([name for name in {('torch', *list(ROOMS)[1:])!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert found.stdout.strip() == "[]"
