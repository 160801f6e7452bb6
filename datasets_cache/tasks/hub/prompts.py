"""One row of each data set as an example: its prompt, its choices and the right one; None for a row without a label.

Prompts are word for word those of lm-evaluation-harness 0.4.13 (its folder ``lm_eval/tasks``) without examples before
the question, so that scores can be laid beside published ones.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from datasets_cache.tasks.examples import Example, Scoring

Row = Mapping[str, Any]

_BRACKETED = re.compile(r"\[.*?\]")


def boolq(row: Row) -> Example | None:
    """Returns a passage with a yes-or-no question.

    Source: Clark et al. 2019, arXiv 1905.10044; SuperGLUE's copy.
    """
    prompt = f"{row['passage']}\nQuestion: {row['question']}?\nAnswer:"
    return _choice(prompt, ("no", "yes"), row["label"], "likelihood")


def piqa(row: Row) -> Example | None:
    """Returns a goal with two ways to reach it.

    Source: Bisk et al. 2020, arXiv 1911.11641.
    """
    prompt = f"Question: {row['goal']}\nAnswer:"
    return _choice(prompt, (row["sol1"], row["sol2"]), row["label"], "likelihood_per_character")


def hellaswag(row: Row) -> Example | None:
    """Returns the beginning of a scene with four endings, cleared of WikiHow's marks.

    Source: Zellers et al. 2019, arXiv 1905.07830.
    """
    if row["label"] == "":
        return None
    scene = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    endings = tuple(_without_marks(ending) for ending in row["endings"])
    return _choice(_without_marks(scene), endings, int(row["label"]), "likelihood_per_character")


def winogrande(row: Row) -> Example | None:
    """Returns a sentence with a blank, two fillings, and what follows the blank as the answer.

    The rest of the sentence is scored after either filling (Trinh and Le 2018, arXiv 1806.02847).

    Source: Sakaguchi et al. 2019, arXiv 1907.10641.
    """
    if row["answer"] == "":
        return None
    before, rest = row["sentence"].split("_", 1)
    options = (row["option1"], row["option2"])
    return Example(
        question=row["sentence"],
        answer=rest.strip(),
        choices=options,
        scoring="likelihood",
        right=int(row["answer"]) - 1,
        contexts=tuple(before + option for option in options),
    )


def arc(row: Row) -> Example | None:
    """Returns a science question of a school exam with three to five choices.

    Source: Clark et al. 2018, arXiv 1803.05457.
    """
    return _labelled(f"Question: {row['question']}\nAnswer:", row)


def openbookqa(row: Row) -> Example | None:
    """Returns the stem of an elementary science question with four choices; nothing is added to it.

    Source: Mihaylov et al. 2018, arXiv 1809.02789.
    """
    return _labelled(row["question_stem"], row)


def gsm8k(row: Row) -> Example | None:
    """Returns a word problem whose answer is a solution that ends with ``#### `` and a number.

    Source: Cobbe et al. 2021, arXiv 2110.14168.
    """
    return Example(f"Question: {row['question']}\nAnswer:", row["answer"], scoring="generated")


def _labelled(prompt: str, row: Row) -> Example | None:
    labels, key = row["choices"]["label"], row["answerKey"].strip()
    place = labels.index(key) if key else -1
    return _choice(prompt, row["choices"]["text"], place, "likelihood_per_character")


def _choice(prompt: str, choices: Sequence[str], right: int, scoring: Scoring) -> Example | None:
    """Returns the example, or None for the hub's mark of a missing label, -1."""
    if right < 0:
        return None
    return Example(prompt, choices[right], tuple(choices), scoring, right)


def _without_marks(text: str) -> str:
    return _BRACKETED.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ")
