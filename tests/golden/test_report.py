"""A whole run on a fake runner leaves the records and pages that it left: JSON, Markdown and HTML.

``assets/run`` holds its suite, its base model (a checkpoint of one tensor) and its task; ``assets/report`` what it left.
What differs from machine to machine is masked in the record, and the pages are drawn from the masked record; plotly's
library and matplotlib's pictures are cut out of the page. Surrogates are boosted trees: the other fits, of a memory without noise, follow the
rounding of the processor's linear algebra.
"""

import json
import re
import runpy
import shutil
from pathlib import Path

import pytest
from compared import ASSETS, assert_texts_agree, json_text
from project_names import InlineExecutor, Run, packed_plotly, parse_suite, run_stages, write_report

STORED, INPUTS = ASSETS / "report", ASSETS / "run"

RECORDS = ("search/history.json", "search/front.json", "validate/plan.json", "fit/effects.json")
FILES = ("report.html", "report.json", "report.md", *(name.replace("/", "-") for name in RECORDS))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Returns the folder of a finished run, and the texts that are compared by name."""
    folder = tmp_path_factory.mktemp("golden")
    return folder, texts(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_run_leaves_what_is_stored(finished, name):
    assert_texts_agree(finished[1][name], (STORED / name).read_text(encoding="utf-8"))


def test_the_pages_of_the_run_are_those_of_its_record(finished):
    left, drawn = finished[0] / "run" / "report", finished[0] / "again"
    write_report(json.loads((left / "report.json").read_text(encoding="utf-8")), drawn)

    for name in ("report.html", "report.json", "report.md"):
        assert (left / name).read_bytes() == (drawn / name).read_bytes(), name


def texts(folder):
    """Returns the texts of the records and pages of a run that is made in a folder, by the names of ``FILES``."""
    run = made(folder)
    masked = folder / "masked"
    record = json.loads((run / "report" / "report.json").read_text(encoding="utf-8"))
    write_report(without_what_varies(record), masked)
    found = {name: (masked / name).read_text(encoding="utf-8") for name in ("report.html", "report.json", "report.md")}
    found["report.html"] = without_library(without_explanations(found["report.html"]))
    for name in RECORDS:
        values = json.loads((run / name).read_text(encoding="utf-8"))
        found[name.replace("/", "-")] = json_text(values)
    return found


def made(folder):
    """Returns the folder of a run whose every stage is done; model and task have names without a path."""
    fake_runner = runpy.run_path(str(Path(__file__).parent.parent / "reports" / "conftest.py"))["FakeRunner"]
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    suite = parse_suite(json.loads((folder / "suite.json").read_text(encoding="utf-8")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = Run(suite, Path("run"), "bench run fake", str, lambda run: InlineExecutor(fake_runner()))
        run_stages(run, "report")
    return folder / "run"


def without_what_varies(record):
    """Returns a record without its time, its machine, its versions, and checksums of files that hold these."""
    environment = {"device_name": "machine", "driver": "", "cores": 1, "threads": 1, "code_version": "code"}
    times = {"created_at": "2026-01-01T00:00:00+00:00", "environment": {**record["environment"], **environment}}
    times["environment"] |= {"versions": {"torch": "0"}, "started_at": times["created_at"]}
    return {**record, **times, "checksums": dict.fromkeys(record["checksums"], "0" * 64)}


def without_explanations(html):
    """Returns a page without the explanations of its words, which change with ``docs/concepts.md``."""
    marked = re.compile(r'<span class="term"[^>]*>(.*?)</span>', re.DOTALL)
    assert marked.search(html)
    return marked.sub(r"\1", html)


def without_library(html):
    assert packed_plotly() in html
    html = html.replace(packed_plotly(), "plotly.js")
    return re.sub(r'(?<=<div class="picture">).*?</svg>', "<svg></svg>", html, flags=re.DOTALL)


def write():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(Path(folder)).items():
            (STORED / name).write_text(text, encoding="utf-8")
