"""The page, the Markdown and the figures of a comparison say the record's figures, and nothing is loaded from outside."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.figures import comparison_drawings, contender_looks, rank_drawings
from reports.comparison.page import comparison_page
from reports.comparison.tables import (
    ablations_table,
    details_table,
    failed_table,
    optima_table,
    ranks_table,
    regret_table,
)
from reports.figures.print import figure_files
from reports.figures.quantity import UNKNOWN
from reports.pages.html import html
from reports.pages.markdown import markdown
from reports.pages.write import write_page
from search.comparison.summary import summary

BUDGETS = [1, 2]


def page_of(record: dict[str, Any]) -> str:
    page = comparison_page(record)
    return html(page, figure_files(page.drawings))


def run(name: str, seed: int, true: list[list[float]]) -> dict[str, Any]:
    n = len(true)
    return {
        "contender": name,
        "task": "sums<b>",
        "seed": seed,
        "status": "ok",
        "vectors": [[0, row, seed, 0, row] for row in range(n)],
        "shares": [1.0] * n,
        "observed": true,
        "true": true,
        "violations": [0.0] * n,
        "seconds": [60.0] * n,
        "overhead_s": 1.5,
    }


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    known = {
        "front": [[0.5, 2e8], [1.0, 1e8]],
        "uniform": [0.9, 1.9e8],
        "evaluations": 9,
        "objectives": ["held_out_loss", "peak_memory_bytes"],
        "space": {"units": 2},
    }
    good, bad = [[2.0, 3e8], [0.8, 1.5e8]], [[2.0, 3e8], [1.0, 1e8]]
    runs = [
        run(name, seed, good if name == "joint" else bad) for name in ("joint", "random", "nsga2") for seed in (0, 1)
    ]
    # Bits and ranks of opposite order, in a search that leaves a stage out.
    runs += [
        {**run("joint_without_batch", seed, bad), "vectors": [[0, 0, 1, 1, 0], [0, 0, 1, 1, 0]]} for seed in (0, 1)
    ]
    runs.append({"contender": "milp", "task": "sums<b>", "seed": 0, "status": "failed", "reason": "no <memory>"})
    found = summary(runs, {"sums<b>": known}, BUDGETS)
    setting = {
        "live": False,
        "suite": None,
        "shelf": "smollm2-v1b",
        "seeds": 2,
        "batch": 8,
        "contenders": ["joint", "random", "nsga2"],
    }
    return {**found, "setting": setting}


def test_every_sentence_figure_and_failure_is_on_the_page(record: dict[str, Any]) -> None:
    # Words of the glossary are marked where they stand in a sentence.
    page = re.sub(r'<span class="term"[^>]*>([^<]*)</span>', r"\1", page_of(record))
    assert all(sentence.replace("<b>", "&lt;b&gt;") in page for sentence in record["sentences"])
    for name in ("over_trainings", "over_seconds", "attainment"):
        assert f'id="{name}-1"' in page
    assert 'id="ranks-2"' in page
    for line in record["answer"]:
        assert line.replace("<b>", "&lt;b&gt;") in page
    assert (
        page.index(record["answer"][0].replace("<b>", "&lt;b&gt;"))
        < page.index("Task by task")
        < page.index('id="over_trainings-1"')
    )
    assert "no &lt;memory&gt;" in page
    written = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "sums<b>" not in written
    assert not re.search(r'(src|href)="https?:', written)
    assert "95\u00a0%" in page


def test_tables_have_intervals_and_counts_best_first(record: dict[str, Any]) -> None:
    entry = record["tasks"]["sums<b>"]
    rows = regret_table("sums", entry, BUDGETS).rows
    assert rows[0][0] == "joint"
    assert all(re.fullmatch(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\], n = 2", cell) for row in rows for cell in row[1:])
    details = {row[0]: row[1:] for row in details_table("sums", entry).rows}
    assert details["joint"][:3] == ("2 of 2", "2.0 [2.0, 2.0], n = 2", "120 [120, 120], n = 2")
    assert details["random"][:2] == ("0 of 2", UNKNOWN)
    optima = {row[0]: row[1:] for row in optima_table(record).rows}
    assert optima["joint_without_batch"] == ("-1.00", "-1.00 to -1.00", "2", "1", "units of low bits get high ranks")
    assert optima["random"][1:] == (UNKNOWN, "1", "1", UNKNOWN)
    (row,) = ablations_table(record).rows
    assert row[:3] == ("joint", "batch", "0.000 [0.000, 0.000], n = 2")
    assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], n = 2", row[3])
    assert ranks_table(record).rows[-1] == ("blocks (task and seed)", "2", "2")
    assert failed_table(record).rows == (("milp", "sums<b>", "0", "no <memory>"),)


def test_figures_have_a_band_a_line_and_the_best_front(record: dict[str, Any]) -> None:
    plots = comparison_drawings(record)["sums<b>"]
    for drawing in plots["regret"]:
        assert sum(trace.get("fill") == "toself" for trace in drawing.data) == 4
        assert sum(trace.get("mode") == "lines" for trace in drawing.data) == 4
    names = [trace["name"] for trace in plots["attainment"][0].data]
    assert names == ["joint", "random", "nsga2", "joint_without_batch", "best known", "uniform 4-bit"]
    looks = contender_looks(record)
    assert len(set(looks.values())) == 4
    (first, second) = rank_drawings(record, looks)
    assert first.name == "ranks-1"
    assert first.layout["yaxis"]["type"] == "category"  # on a linear one plotly draws no name at all
    assert second.data[0]["error_x"]["value"] == record["ranks"]["2"]["critical_difference"] / 2


def test_three_objectives_are_drawn_in_space_with_the_loss_upright(record: dict[str, Any]) -> None:
    known = {
        "front": [[0.5, 2e8, 1.0], [1.0, 1e8, 2.0]],
        "uniform": [0.9, 1.9e8, 3.0],
        "evaluations": 9,
        "objectives": ["held_out_loss", "peak_memory_bytes", "step_time_s"],
        "space": {"units": 2},
    }
    runs = [run("joint", seed, [[0.8, 1.5e8, 2.5], [0.9, 1.4e8, 2.0]]) for seed in (0, 1)]
    three = {**summary(runs, {"sums<b>": known}, BUDGETS), "setting": record["setting"]}
    (drawing,) = comparison_drawings(three)["sums<b>"]["attainment"]
    assert [trace["name"] for trace in drawing.data] == ["joint", "best known", "uniform 4-bit"]
    first = drawing.data[0]
    assert sorted(zip(first["z"], first["x"], first["y"], strict=True)) == [
        (0.8, 1.5e8 / 2**20, 2.5),
        (0.9, 1.4e8 / 2**20, 2.0),
    ]
    titles = [drawing.layout["scene"][f"{side}axis"]["title"]["text"] for side in "xyz"]
    assert [title.split(" (")[0] for title in titles] == ["Peak training memory", "Step time", "Held-out loss"]
    assert 'id="attainment-1"' in page_of(three)


def test_the_answer_is_at_the_head_of_the_markdown(record: dict[str, Any]) -> None:
    text = markdown(comparison_page(record))
    assert text.index("With 1 fine-tune:") < text.index("joint has the least regret") < text.index("| Searcher |")
    assert "What each stage is worth" in text
    assert "units of low bits get high ranks" in text


def test_a_comparison_in_which_all_failed_has_a_page(record: dict[str, Any]) -> None:
    empty = {**record, "tasks": {}, "ranks": {}, "sentences": [], "answer": [], "optima": {}, "ablations": []}
    assert "nothing to compare" in page_of(empty)


def test_files_are_written_whole(record: dict[str, Any], tmp_path: Path) -> None:
    path = write_page(tmp_path, "compare", record, comparison_page(record))
    assert sorted(file.name for file in tmp_path.glob("compare.*")) == ["compare.html", "compare.json", "compare.md"]
    assert path.name == "compare.html"
    assert json.loads((tmp_path / "compare.json").read_text()) == json.loads(json.dumps(record))
    assert "| joint | 1.000 \\[" in markdown(comparison_page(record))
