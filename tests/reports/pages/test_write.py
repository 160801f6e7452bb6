"""A report is whole, self-contained, the same every time, and never takes a name for markup."""

import json
import re
import subprocess
import sys

import pytest

from perfmodel.errors import MissingExtraError, OutputFolderError, SchemaVersionError
from reports.figures.print import figure_files
from reports.pages.html import html as html_of
from reports.pages.html import packed_plotly
from reports.report.page import report_page, write_report
from reports.report.record import RECORD_VERSION

FIGURES = (
    "effects",
    "front-peak_memory_bytes",
    "hypervolume",
    "layers-bits",
    "layers-ranks",
    "prediction-held_out_loss",
    "prediction-peak_memory_bytes",
)
PAGES = [f"{stem}.{ending}" for stem in ("appendix", "report") for ending in ("html", "json", "md")]
FILES = sorted([*PAGES, *(f"figures/{name}.{ending}" for name in FIGURES for ending in ("png", "svg"))])


def page(record):
    shown = report_page(record)
    return html_of(shown, figure_files(shown.drawings))


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def without_scripts(html):
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", without_scripts(html)))


def test_every_file_is_written(record, tmp_path):
    assert write_report(record, tmp_path / "new" / "report") == tmp_path / "new" / "report" / "report.html"
    assert files(tmp_path / "new" / "report") == FILES


def test_the_record_comes_back(record, tmp_path):
    write_report(record, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == record


def test_the_same_record_gives_the_same_bytes(record, tmp_path):
    write_report(record, tmp_path / "a")
    write_report(json.loads((tmp_path / "a" / "report.json").read_text(encoding="utf-8")), tmp_path / "b")
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_bare_record_is_written(bare_record, tmp_path):
    write_report(bare_record, tmp_path)
    assert "figures/prediction-held_out_loss.svg" not in files(tmp_path)
    html = text_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "No real run was made to compare with." in html
    assert "held_out_loss has 0 repeated runs of a configuration" in html


def test_nothing_comes_from_outside(record):
    html = page(record)
    addresses = re.findall(r"""(?:src|href|action|srcset)\s*=\s*["']?([^"'\s>]*)""", without_scripts(html))
    assert all(each.startswith(("#", "data:")) for each in addresses)
    assert not re.search(r"<script[^>]+src|@import|url\((?!#)", without_scripts(html))
    assert re.search(r'Content-Security-Policy" content="default-src \'none\'', html)


def test_a_page_stays_small_and_has_every_figure_as_a_picture_too(record):
    html = page(record)
    assert len(html.encode()) < 5_000_000
    pictures = re.findall(r'<div class="picture">\s*<svg', html)
    assert len(pictures) == html.count("data-plot=") == len(FIGURES)


def test_markup_in_names_is_text(record):
    nasty = "<script>alert(1)</script>"
    record["name"] = nasty
    record["validation"][0]["name"] = nasty
    record["setting"]["task_description"] = nasty
    record["hypervolume"]["searchers"][nasty] = record["hypervolume"]["searchers"].pop("nsga2")
    html = page(record)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_unknown_numbers_are_words(record):
    html = text_of(page(record))
    assert "not measured" in html
    assert "1 diverged: the loss was not finite at step 7" in html
    assert not re.search(r"\b(None|nan|NaN|null)\b", html)


def test_single_runs_are_counted(record):
    html = text_of(page(record))
    assert "0.930, n = 1" in html
    assert "n = 3" in html


@pytest.mark.parametrize(("times", "unit"), [(1, "MiB"), (100, "GiB")])
def test_memory_is_in_binary_units(record, times, unit):
    for entry in record["front"]:
        for end in ("value", "low", "high"):
            entry["predicted"]["peak_memory_bytes"][end] *= times
    assert f"Peak training memory ({unit})" in text_of(page(record))


def test_a_configuration_that_was_never_run(record):
    record["validation"][-1] |= {"status": {}, "reason": ""}
    assert "not run" in text_of(page(record))


@pytest.mark.parametrize(("change", "message"), [(1, "upgrade perfmodel"), (-1, "run bench report again")])
def test_a_record_of_another_version_is_refused(record, tmp_path, change, message):
    with pytest.raises(SchemaVersionError, match=message):
        write_report(record | {"version": RECORD_VERSION + change}, tmp_path)


def test_a_folder_that_is_a_file_is_refused(record, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputFolderError, match="choose another folder"):
        write_report(record, tmp_path / "taken")


@pytest.mark.parametrize("package", ["plotly", "jinja2", "matplotlib"])
def test_a_missing_package_is_named(record, tmp_path, monkeypatch, package):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    packed_plotly.cache_clear()
    with pytest.raises(MissingExtraError, match=r'pip install "perfmodel\[report\]"') as caught:
        write_report(record, tmp_path)
    assert package in caught.value.given
    assert files(tmp_path) == []


def test_the_import_brings_no_drawing_library():
    code = "import sys, reports.report.page; print([n for n in ('plotly', 'jinja2', 'matplotlib') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
