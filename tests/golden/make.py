"""Writes the golden files anew from the code of today: ``python tests/golden/make.py [predictors memory searchers report]``.

For changes of behaviour that are meant; the commit says which and why.
"""

import importlib
import sys
from pathlib import Path

NAMES = ("predictors", "memory", "searchers", "report")


def main(asked):
    root = Path(__file__).parent.parent.parent
    sys.path[:0] = [str(root), str(Path(__file__).parent)]
    for name in asked or NAMES:
        importlib.import_module(f"test_{name}").write()


if __name__ == "__main__":
    main(sys.argv[1:])
