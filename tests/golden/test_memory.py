"""Memory in closed form is what it was: every term of the peak, and the bytes that stay, to the last byte.

``memory.npz`` holds those of every published trace, on either device. ``dry_run_cases.json`` holds inputs as well as
answers: the cases of ``benchmarks/dry_run_cases.py`` when they were frozen. ``make.py`` writes answers only.
"""

import json
from dataclasses import asdict

import numpy as np
import pytest
from compared import ASSETS, arrays, assert_arrays_agree, write_arrays
from project_names import (
    Architecture,
    BatchLoad,
    Configuration,
    Recipe,
    read_traces,
    shelf_file,
    state_bytes,
    training_memory,
)

FILE, CASES = "memory.npz", "dry_run_cases.json"
RELEASES = ("smollm2-pilot-v1", "smollm2-v1b")
DEVICES = ("cpu", "cuda")

SMOLLM2 = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
}


@pytest.mark.parametrize("release", RELEASES)
def test_published_traces_need_the_bytes_that_are_stored(release):
    stored = {name: values for name, values in arrays(FILE).items() if name.startswith(f"{release}/")}

    assert_arrays_agree(bytes_of_release(release), stored)


def test_dry_run_cases_need_the_bytes_that_are_stored():
    cases = read_cases()

    assert len(cases) == 232
    for case in cases:
        assert bytes_of_case(case["asked"]) == case["bytes"], case["asked"]


def bytes_of_release(release):
    """Returns arrays over the traces by device and term, and the keys of the traces."""
    traces = read_traces(shelf_file(release))
    found = {f"{release}/keys": np.array([trace.asked.key for trace in traces])}
    for device in DEVICES:
        rows = [bytes_of_trace(trace, device) for trace in traces]
        found |= {f"{release}/{device}/{name}": np.array([row[name] for row in rows]) for name in rows[0]}
    return found


def bytes_of_trace(trace, device):
    recipe, measured = trace.asked.setting.recipe, trace.measured
    tokens = measured.largest_batch_tokens // recipe.batch_size
    load = BatchLoad(recipe.batch_size, tokens, measured.largest_batch_answer_tokens)
    return named_bytes(Architecture.from_config(SMOLLM2), trace.asked.configuration, recipe, load, device)


def bytes_of_case(asked):
    return named_bytes(
        Architecture.from_config(asked["config"]),
        Configuration.from_dict(asked["configuration"]),
        Recipe(**asked["recipe"]),
        BatchLoad(**asked["load"]),
        asked["device_class"],
        attention=asked["attention"],
    )


def named_bytes(architecture, configuration, recipe, load, device, **attention):
    """Returns every term of the peak of a step, and every part of what stays, by name."""
    peak = training_memory(architecture, configuration, recipe, load, device_class=device, **attention)
    state = state_bytes(architecture, configuration, device_class=device, optimizer=recipe.optimizer)
    return {f"peak_{name}": int(value) for name, value in peak.terms().items()} | {
        f"state_{name}": int(value) for name, value in asdict(state).items()
    }


def read_cases():
    return json.loads((ASSETS / CASES).read_text(encoding="utf-8"))


def write():
    write_arrays(FILE, {name: values for each in RELEASES for name, values in bytes_of_release(each).items()})
    write_cases([case["asked"] for case in read_cases()])


def write_cases(asked):
    lines = ",\n".join(json.dumps({"asked": each, "bytes": bytes_of_case(each)}) for each in asked)
    (ASSETS / CASES).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
