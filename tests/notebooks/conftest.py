"""Lets the tests of notebooks import ``with_outputs`` beside this file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
