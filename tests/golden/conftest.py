"""Lets the golden tests import what they share: ``project_names`` and ``compared`` beside this file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
