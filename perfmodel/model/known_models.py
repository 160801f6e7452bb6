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


def known_config(name: str) -> dict[str, Any] | None:
    """Returns the config of a known model with the fields that memory depends on, None where there is none.

    Args:
        name: a whole name of ``known_models`` or its hub id; case does not matter.
    """
    for entry in known_models().values():
        if name.lower() in (entry["name"].lower(), entry["hub_id"].lower()):
            config: dict[str, Any] = entry["config"]
            return config
    return None
