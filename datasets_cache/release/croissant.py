"""Croissant metadata of a release: a description of its file and columns that other programs can read.

Source: Croissant format specification 1.0, MLCommons, http://mlcommons.org/croissant/1.0 (a vocabulary over
schema.org, written as JSON-LD); Akhtar et al. 2024, arXiv 2403.19546.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perfmodel.files.checksum import sha256_of
from perfmodel.traces.columns import COLUMNS, LISTS, columns_of
from perfmodel.traces.descriptions import column_descriptions
from perfmodel.traces.parquet import trace_version
from perfmodel.traces.trace import Trace

LICENSE = "https://spdx.org/licenses/Apache-2.0.html"
DATA_TYPES = {
    "text": "sc:Text",
    "whole": "sc:Integer",
    "real": "sc:Float",
    "wholes": "sc:Integer",
    "reals": "sc:Float",
}

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""As the specification gives it, section "Croissant Context"."""


def croissant_file(parquet: Path) -> Path:
    """Returns where the metadata of a Parquet file lie.

    Args:
        parquet: the Parquet file of a release.
    """
    return parquet.with_name(f"{parquet.stem}.croissant.json")


def write_croissant(parquet: Path, traces: Sequence[Trace]) -> None:
    """Writes the metadata of a release beside its Parquet file.

    Args:
        parquet: the Parquet file of the release.
        traces: every trace in it, at least one.
    """
    text = json.dumps(croissant(parquet, traces), indent=1) + "\n"
    croissant_file(parquet).write_text(text, encoding="utf-8")


def croissant(parquet: Path, traces: Sequence[Trace]) -> dict[str, Any]:
    """Returns the metadata of a release as JSON-LD.

    Args:
        parquet: the Parquet file of the release.
        traces: all of it, at least one.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": parquet.stem,
        "description": _description(traces),
        "license": LICENSE,
        "url": f"{parquet.stem}.md",
        **_version(parquet.stem),
        "datePublished": max(trace.ran_on.started_at for trace in traces)[:10],
        "citeAs": f"{parquet.stem}: measured traces of quantised LoRA fine-tunes, sha256 {sha256_of(parquet)}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": parquet.name,
                "name": parquet.name,
                "description": "All traces, one a row.",
                "contentUrl": parquet.name,
                "contentSize": f"{parquet.stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": sha256_of(parquet),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "traces",
                "name": "traces",
                "description": "One real fine-tune a record: what was asked, what was measured, what it ran on.",
                "key": {"@id": "traces/key"},
                "field": [_field(name, parquet.name) for name in columns_of(trace_version(parquet))],
            }
        ],
    }


def _field(name: str, file: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"traces/{name}",
        "name": f"traces/{name}",
        "description": column_descriptions()[name],
        "dataType": DATA_TYPES[COLUMNS[name]],
        **({"repeated": True} if name in LISTS else {}),
        "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
    }


def _version(name: str) -> dict[str, str]:
    """Returns the version that a release's name tells: 1.1.0 for smollm2-v1b; nothing where it has none."""
    found = re.search(r"-v(\d+)([a-z]?)$", name)
    return {"version": f"{found[1]}.{ord(found[2] or 'a') - ord('a')}.0"} if found else {}


def _description(traces: Sequence[Trace]) -> str:
    def listed(values: set[str]) -> str:
        return ", ".join(sorted(values))

    models = listed({trace.asked.setting.model for trace in traces})
    tasks = listed({trace.asked.setting.task for trace in traces})
    devices = listed({trace.asked.setting.device_class for trace in traces})
    return (
        f"{len(traces)} real fine-tunes of {models} on {tasks} ({devices}): pruning rate, bits and LoRA rank by layer, "
        "with the held-out loss, accuracy, memory and time that each of them had. Nothing is interpolated or generated."
    )
