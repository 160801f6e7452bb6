"""The shapes of well-known models by name, so that a plan needs neither a download nor a licence."""

from pathlib import Path
from typing import Any

from perfmodel.files.json_file import read_json

KNOWN_FILE = Path(__file__).with_name("known_models.json")


def known_models() -> dict[str, dict[str, Any]]:
    """Returns the known models by name; each holds its ``hub_id``, ``parameters`` and ``config``.

    Source: publishers' figures, written down by hand; the published number of parameters of each comes out exactly.
    """
    listed = read_json(KNOWN_FILE)["models"]
    return {entry["name"]: entry for entry in listed}


def known_model(name: str) -> dict[str, Any] | None:
    """Returns what is known of one model, None where it is none of these.

    Args:
        name: a whole name of ``known_models`` or its hub id; case does not matter.
    """
    entries = known_models().values()
    return next((each for each in entries if name.lower() in (each["name"].lower(), each["hub_id"].lower())), None)
