"""The package's front door: a complete ``__all__`` and a light import."""

import subprocess
import sys

import search

HEAVY = ("torch", "botorch", "gpytorch", "pymoo", "moocore", "collectors", "datasets_cache", "reports")


def test_all_is_complete_and_sorted() -> None:
    public = {name for name, value in vars(search).items() if getattr(value, "__module__", "").startswith("search.")}
    assert public | {"SEARCHERS"} == set(search.__all__)
    assert len(search.__all__) == len(set(search.__all__))


def test_import_brings_nothing_heavy_and_nothing_from_above() -> None:
    code = f"import search, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
