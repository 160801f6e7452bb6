"""``bench challenge``: from a suite to real runs of uniform choices against what the search proposes.

challenge/rounds.json       what each round proposed, so that a challenge that was stopped goes on
challenge/challenge.json    what was measured; challenge.html and challenge.md say it in tables
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from perfmodel.errors import InvalidSuiteError
from perfmodel.space.space import Configuration
from reports.challenge.page import challenge_page
from reports.challenge.record import REFERENCES, Duel, Reference, fine_tuned, hold, open_duels, proposed
from reports.pages.write import write_page
from reports.run.run import Run
from reports.stages.stages import run_stages, training_traces
from search.comparison.runs import read

ROUNDS = "challenge/rounds.json"


def challenge_command(
    run: Run,
    *,
    seeds: Sequence[int],
    screen_seed: int,
    rounds: int,
    tries: int,
    references: Sequence[Reference] = REFERENCES,
) -> Path:
    """Returns ``challenge/challenge.html`` of the run's folder.

    Args:
        run: its suite names the traces to learn from.
        seeds: fresh ones of the real runs that are compared.
        screen_seed: another, of the runs that challengers are chosen by.
        rounds: of proposing and fine-tuning once.
        tries: evaluations of each search on the surrogate.
        references: the uniform choices.

    Raises:
        InvalidSuiteError: when seeds repeat or are those of training traces, or the space holds no reference.
        PerfModelError: whatever the stages before raise.
    """
    run_stages(run, "collect")
    traces = training_traces(run)
    _check(seeds, screen_seed, {trace.asked.seed for trace in traces})
    duels = open_duels(run, references)
    limits = [duel.uniform for duel in duels if duel.reference.loss_is_held]
    screened = fine_tuned(run, limits, screen_seed)
    asked = {"tries": tries, "traces": sorted(trace.asked.key for trace in traces)}
    kept = _kept(run, asked)
    for number in range(rounds):
        if number == len(kept):
            learnt = [*traces, *screened.values()]
            found = proposed(run, duels, learnt, tries, number)
            kept.append([None if each is None else each.to_dict() for each in found])
            run.write_json(ROUNDS, {"asked": asked, "rounds": kept})
        duels = [_joined(duel, one) for duel, one in zip(duels, kept[number], strict=True)]
        screened |= fine_tuned(run, [each for duel in duels for each in duel.candidates], screen_seed)
    record = {
        "version": 3,
        "task": run.setting.task_name,
        "setting": run.setting.identifier,
        "seeds": list(seeds),
        "screen_seed": screen_seed,
        "rounds": rounds,
        "traces": len(traces),
        "duels": hold(run, duels, screened, seeds),
    }
    return write_page(run.folder / "challenge", "challenge", record, challenge_page(record))


def _joined(duel: Duel, found: dict[str, Any] | None) -> Duel:
    return duel if found is None else replace(duel, candidates=(*duel.candidates, Configuration.from_dict(found)))


def _check(seeds: Sequence[int], screen_seed: int, seen: set[int]) -> None:
    if not seeds or len({*seeds, screen_seed}) != len(seeds) + 1 or seen & {*seeds, screen_seed}:
        raise InvalidSuiteError(
            f"seeds {', '.join(map(str, seeds))} and {screen_seed} to choose by",
            f"different ones that no training trace has ({', '.join(map(str, sorted(seen)))})",
            "name others",
        )


def _kept(run: Run, asked: dict[str, Any]) -> list[list[dict[str, Any] | None]]:
    """Returns the rounds of an earlier call that asked the same, none where there are none."""
    path = run.folder / ROUNDS
    if not path.exists():
        return []
    body = read(path)
    rounds: list[list[dict[str, Any] | None]] = body["rounds"]
    return rounds if body["asked"] == json.loads(json.dumps(asked)) else []
