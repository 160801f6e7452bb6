"""Which stages are up to date: the checksums of what went in and of what came out."""

from pathlib import Path
from typing import Any

from perfmodel.files.checksum import sha256_of, sha256_of_json
from perfmodel.files.json_file import refusing_damage
from reports.run.run import Run

FILE = "manifest.json"


class Manifest:
    """The checksums of a run's stages, kept in ``manifest.json``.

    Args:
        run: whose.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stages: dict[str, Any] = run.read_json(FILE) if (run.folder / FILE).is_file() else {}
        with refusing_damage(str(run.folder / FILE), "delete it; trials in the store are not repeated"):
            for stage in self._stages.values():
                dict(stage)["inputs"], dict(stage["outputs"])

    def is_current(self, stage: str, inputs: str) -> bool:
        """Returns whether a stage ran on these inputs and its output is still as it left it."""
        known = self._stages.get(stage)
        return known is not None and known["inputs"] == inputs and known["outputs"] == self._outputs(stage)

    def record(self, stage: str, inputs: str) -> None:
        """Notes that a stage has run on these inputs."""
        self._stages[stage] = {"inputs": inputs, "outputs": self._outputs(stage)}
        self._run.write_json(FILE, self._stages)

    def checksums(self) -> dict[str, str]:
        """Returns the sha256 of every output of every stage recorded so far, by file."""
        return {file: digest for stage in self._stages.values() for file, digest in stage["outputs"].items()}

    def digest(self, stages: tuple[str, ...], values: object) -> str:
        """Returns the checksum of a stage's inputs: earlier stages' outputs, and plain values."""
        outputs = {stage: self._stages.get(stage, {}).get("outputs") for stage in stages}
        return sha256_of_json([outputs, values])

    def _outputs(self, stage: str) -> dict[str, str]:
        folder = self._run.folder / stage
        return {str(path.relative_to(self._run.folder)): sha256_of(path) for path in sorted(_files(folder))}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
