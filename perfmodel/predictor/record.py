"""What a saved predictor's folder holds besides its surrogates: one JSON with the sha256 of every other file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, UserError
from perfmodel.evaluation.named_splits import SPLIT
from perfmodel.evaluation.score_lines import Line
from perfmodel.files.checksum import sha256_of
from perfmodel.files.state_file import read_state, write_state
from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Space
from perfmodel.statistics.interval import Estimate
from perfmodel.surrogates.feasibility import Feasibility
from perfmodel.traces.trace import Setting

PREDICTOR_VERSION = 6
"""Up to version 5 nothing was said of axes that are not resolved. Version 3 had no closed form of the peak. Up to
version 4 scores were fields of their own, two with other names."""

OLDEST_VERSION = 3
"""Versions 1 and 2 knew neither learning curves nor statuses."""

FILE = "predictor.json"

_RENAMED = {"coverage": "coverage_90", "relative_width": "width_90"}


@dataclass(frozen=True)
class PredictorRecord:
    """Everything of a predictor that is plain values.

    Args:
        setting: that all traces were of.
        architecture: of the unpruned base model.
        space: of the configurations that can be asked about.
        chosen: name of each metric's surrogate.
        scores: out-of-fold scores of every candidate.
        domain: lowest and highest value of each domain column in the training set.
        n_traces: number of usable traces for each metric.
        curve_steps: steps before the last at which the loss is modelled too, rising.
        feasibility: probability that a trial ends well.
        half_widths: half width of each metric's 90 % interval in standard deviations, calibrated on configurations left
            out of the fit.
        load: the batch that peaks, where a metric follows from a closed form.
        unresolved: by metric, the axes whose effect the traces do not show; see ``effects.resolved``.
    """

    setting: Setting
    architecture: Architecture
    space: Space
    chosen: Mapping[str, str]
    scores: tuple[Line, ...]
    domain: Mapping[str, tuple[float, float]]
    n_traces: Mapping[str, int]
    curve_steps: tuple[int, ...]
    feasibility: Feasibility
    half_widths: Mapping[str, float]
    load: BatchLoad | None = None
    unresolved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def write(self, folder: Path, golden: Mapping[str, Any]) -> None:
        """Writes ``predictor.json`` over the surrogates' files that lie in the folder already.

        Args:
            folder: that the predictor is saved to.
            golden: index vectors and the means predicted for them, checked on load.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        folders = [folder / metric for metric in self.chosen] + [curve_folder(folder, s) for s in self.curve_steps]
        paths = sorted(path for each in folders for path in each.rglob("*") if path.is_file())
        body = {**asdict(self), "space": self.space.to_json(), "golden": dict(golden)}
        body["feasibility"] = self.feasibility.to_dict()
        body["files"] = {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
        write_state(folder / FILE, "predictor", PREDICTOR_VERSION, body)

    @classmethod
    def read(cls, folder: Path) -> tuple["PredictorRecord", dict[str, Any]]:
        """Returns the record and the golden predictions, after every file's sha256 has been checked.

        Raises:
            UserError: when the folder holds no predictor.
            CorruptFileError: when a file is missing or damaged.
            SchemaVersionError: when a newer version wrote it, or version 2 or less.
        """
        if not (folder / FILE).is_file():
            raise UserError(
                f"there is no predictor in {folder}", f"a folder with {FILE} is needed", "fit and save a predictor"
            )
        body = read_state(folder / FILE, "predictor", PREDICTOR_VERSION, oldest=OLDEST_VERSION)
        for name, digest in body["files"].items():
            if not (folder / name).is_file() or sha256_of(folder / name) != digest:
                raise CorruptFileError(
                    f"{folder / name} is missing or changed",
                    f"its sha256 must be {digest}",
                    "copy the predictor again, or fit it again",
                )
        return cls._from_body(body), body["golden"]

    @classmethod
    def _from_body(cls, body: Mapping[str, Any]) -> "PredictorRecord":
        architecture = dict(body["architecture"])
        architecture["layers"] = tuple(LayerShape(**layer) for layer in architecture["layers"])
        return cls(
            setting=Setting(**{**body["setting"], "recipe": Recipe(**body["setting"]["recipe"])}),
            architecture=Architecture(**architecture),
            space=Space.from_json(body["space"]),
            chosen=body["chosen"],
            scores=tuple(_line(entry) for entry in body["scores"]),
            domain={column: (low, high) for column, (low, high) in body["domain"].items()},
            n_traces=body["n_traces"],
            curve_steps=tuple(body["curve_steps"]),
            feasibility=Feasibility.from_dict(body["feasibility"]),
            half_widths=body.get("half_widths") or body["reaches"],
            load=BatchLoad(**body["load"]) if body.get("load") else None,
            unresolved={metric: tuple(axes) for metric, axes in body.get("unresolved", {}).items()},
        )


def curve_folder(folder: Path, step: int) -> Path:
    """Returns where the model of the loss after so many steps lies in a predictor's folder."""
    return folder / f"held_out_loss_at_{step}"


def _line(values: Mapping[str, Any]) -> Line:
    entries = dict(values)
    if "scores" not in entries:  # up to version 4
        named = {name: entries.pop(name) for name, value in values.items() if isinstance(value, dict)}
        entries |= {"split": SPLIT, "scores": {_RENAMED.get(name, name): value for name, value in named.items()}}
    entries["scores"] = {name: Estimate(**value) for name, value in entries["scores"].items()}
    entries["calibration"] = ()
    return Line(**entries)
