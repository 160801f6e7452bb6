"""The page on a challenge: uniform choices beside what the search offers at their memory, or at their loss."""

from reports.challenge.tables import Record, challengers_table, outcome, outcomes_table
from reports.pages.page import Page, Section


def challenge_page(record: Record) -> Page:
    """Returns the page of a challenge.

    Args:
        record: as ``challenge.json`` has it.
    """
    outcomes = [outcome(each) for each in record["duels"]]
    better = sum(each.startswith("better") or each.endswith("with less peak") for each in outcomes)
    count, seeds = len(outcomes), len(record["seeds"])
    how = (
        f"Held-out loss over {seeds} fresh seeds that neither surrogate nor search saw, each uniform choice and its "
        "challenger under the same ones; differences are paired, with 95\u00a0% intervals (Student's t). The surrogate "
        f"had learnt from {record['traces']} traces and proposed {record['rounds']} times, at first the best other "
        "uniform choice, learning from a run of each proposal; the best went on. A challenger may not exceed what is "
        "held of the uniform choice: memory, for a better loss; or its loss, for less peak. Shares are the largest "
        "over seeds of what was measured.",
        "Bits with ranks is Spearman's correlation over layers: positive where the same layers get both.",
    )
    return Page(
        f"Uniform choices challenged on {record['task']}",
        "Quantised LoRA fine-tuning: one width and one rank everywhere, or different ones by layer",
        (
            Section("outcomes", "Each uniform choice and its challenger", tables=(outcomes_table(record),), notes=how),
            Section("challengers", "What the challengers are", tables=(challengers_table(record),)),
        ),
        (f"{better} of {count} challengers had a better loss, or one no worse beyond noise with less memory.",),
    )
