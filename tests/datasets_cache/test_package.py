"""The room's door: what it offers, and that opening it is light."""

import subprocess
import sys
from pathlib import Path

import datasets_cache

HEAVY = ("torch", "transformers", "pyarrow", "pandas", "huggingface_hub", "datasets", "reasoning_gym")


def test_all_is_sorted_and_there() -> None:
    # Constants, then classes, then functions: the order that the formatter's rule RUF022 keeps.
    constants = [name for name in datasets_cache.__all__ if name.isupper()]
    classes = [name for name in datasets_cache.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in datasets_cache.__all__ if name.islower()]
    assert datasets_cache.__all__ == [*sorted(constants), *sorted(classes), *sorted(functions)]
    assert all(hasattr(datasets_cache, name) for name in datasets_cache.__all__)


def test_nothing_heavy_is_imported_at_the_door() -> None:
    code = (
        f"import sys, datasets_cache, datasets_cache.tasks.generate; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    root = Path(datasets_cache.__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_module_stands_in_the_table_of_contents() -> None:
    modules = {path.stem for path in Path(datasets_cache.__file__).parent.glob("*.py")} - {"__init__"}
    words = set((datasets_cache.__doc__ or "").split())
    assert modules <= words
