"""The page on a comparison of searchers: the answer, task by task, ranks, and what each stage is worth."""

from collections.abc import Mapping
from typing import Any

from reports.comparison import tables
from reports.comparison.figures import comparison_drawings, contender_looks, rank_drawings
from reports.figures.quantity import Record
from reports.pages.page import Page, Section


def comparison_page(record: Record) -> Page:
    """Returns the page of the record that ``bench compare`` or ``bench live`` makes."""
    setting, plots = record["setting"], comparison_drawings(record)
    where = "real fine-tunes" if setting["live"] else "a surrogate with measured noise"
    if setting.get("surrogate") == "table":
        where = "measured traces alone"
    tasks = [_task_section(number, task, record, plots[task]) for number, task in enumerate(record["tasks"], start=1)]
    ranks = Section(
        "ranks",
        "Ranks over all tasks and seeds",
        drawings=tuple(rank_drawings(record, contender_looks(record))),
        tables=(tables.ranks_table(record),) if record["ranks"] else (),
        missing="Ranks need three searchers and two runs of each.",
        notes=(
            "Bars are half the critical difference (Nemenyi, 5\u00a0%) to each side: two searchers whose bars overlap "
            "are not told apart. Seeds of one task are no independent tasks.",
        ),
        pairs=True,
    )
    return Page(
        "Searchers at equal cost: which should I use?",
        f"Quantised LoRA fine-tuning: searches over pruning, bits and ranks on {where}",
        (*_sentences(record), *tasks, ranks, *_others(record)),
        tuple(record["answer"]) or ("No search ended well: there is nothing to compare.",),
        (*tables.comparison_facts(record),),
    )


def _sentences(record: Record) -> tuple[Section, ...]:
    sentences = tuple(record["sentences"])
    return (Section("sentences", "Task by task", sentences),) if sentences else ()


def _task_section(number: int, task: str, record: Record, plots: Mapping[str, Any]) -> Section:
    entry, level = record["tasks"][task], f"{100 * record['level']:.0f}\u00a0%"
    judged = (
        "Each trial is a real fine-tune with the search's seed, judged by what it measured."
        if record["setting"]["live"]
        else "Trials are judged by their values without noise; searchers saw the noisy ones. Seconds are simulated."
    )
    return Section(
        str(number),
        task,
        drawings=(*plots["regret"], *plots["attainment"]),
        tables=(tables.regret_table(task, entry, record["budgets"]), tables.details_table(task, entry)),
        missing="No search ended well.",
        notes=(
            "Regret: what is missing of the hypervolume of the best front known; 0 is that front. A fine-tune cut "
            f"short counts as its share. Bands and brackets are {level} intervals of the mean over n seeds. {judged}",
            "Attainment surface: half of the seeds reached each of its points.",
            "Fine-tunes and seconds to uniform's quality are over the seeds that reached it. Loss is that of the "
            "configuration recommended within uniform's memory. The correlation is over the units of recommended "
            "configurations: positive where the same units get high bits and high ranks.",
        ),
    )


def _others(record: Record) -> list[Section]:
    found = []
    if record["optima"]:
        note = (
            "Spearman's correlation over the units of recommended configurations, a value a search. Seeds of one task "
            "are no independent tasks."
        )
        table = tables.optima_table(record)
        found.append(Section("optima", "Bits and ranks of what was found", tables=(table,), notes=(note,)))
    if record["ablations"]:
        note = (
            "Regret without the stage less that of the whole method, in pairs of one task and seed: above 0 the stage "
            "helps, and where the interval holds 0 that cannot be told."
        )
        table = tables.ablations_table(record)
        found.append(Section("ablations", "What each stage is worth", tables=(table,), notes=(note,)))
    if record["failed"]:
        found.append(Section("failed", "Searches that failed", tables=(tables.failed_table(record),)))
    return found
