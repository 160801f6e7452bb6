"""The shapes of well-known models by name, so that a plan needs neither a download nor a licence."""

import json
from pathlib import Path
from typing import Any

KNOWN_FILE = Path(__file__).with_name("known_models.json")


def known_models() -> dict[str, dict[str, Any]]:
    """Returns the known models by name; each holds its ``hub_id``, ``parameters`` and ``config``.

    Source: the config.json of each hub id.
    """
    listed = json.loads(KNOWN_FILE.read_text(encoding="utf-8"))["models"]
    return {entry["name"]: entry for entry in listed}


def known_model(name: str) -> dict[str, Any] | None:
    """Returns what is known of one model, None where it is none of these.

    Args:
        name: a whole name of ``known_models`` or its hub id; case does not matter.
    """
    entries = known_models().values()
    return next((each for each in entries if name.lower() in (each["name"].lower(), each["hub_id"].lower())), None)
