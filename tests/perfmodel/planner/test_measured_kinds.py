"""What has been measured: the committed list is the shelf's own, and each answer is told apart by it."""

from dataclasses import replace

import pytest

from datasets_cache.shelf.shelf import load_shelf, shelf_names
from perfmodel.model.architecture import Architecture
from perfmodel.planner.measured_kinds import KINDS_FILE, SHELF_MODELS, coverage, kinds_of, measured_kinds, write_kinds
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

CONFIG = {
    "model_type": "llama",
    "hidden_size": 576,
    "vocab_size": 49152,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "tie_word_embeddings": True,
}


def asked(bits=4, rank=8, rate=0.0, device_class="cpu", tokens=208, answer_tokens=37, recipe=None, **changes):
    architecture = Architecture.from_config({**CONFIG, **changes})
    configuration = Configuration.uniform(len(architecture.layers), bits=bits, rank=rank, pruning_rate=rate)
    place = {"tokens": tokens, "answer_tokens": answer_tokens}
    return coverage(measured_kinds(), architecture, configuration, recipe or Recipe(), device_class, **place)


def test_the_committed_list_is_made_from_the_shelf(tmp_path):
    traces = [trace for name in shelf_names() for trace in load_shelf(name).traces]
    kinds = kinds_of(traces)
    write_kinds(kinds, tmp_path / "kinds.json")

    assert (tmp_path / "kinds.json").read_text() == KINDS_FILE.read_text(), (
        "run python -m perfmodel.planner.measured_kinds datasets_cache/shelf/shelf_data/*/*.parquet"
    )
    assert measured_kinds() == kinds
    assert {trace.asked.setting.model for trace in traces} <= set(SHELF_MODELS)
    assert sum(kind.traces for kind in kinds) == len([each for each in traces if each.measured.peak_memory_bytes])


@pytest.mark.real
def test_the_shelf_s_models_are_what_their_configs_say():
    from datasets_cache import resolve

    architecture = Architecture.from_config(resolve("smollm2-135m").config)

    assert SHELF_MODELS["smollm2-135m"] == (architecture.family, architecture.hidden, len(architecture.layers))


def test_a_kind_on_the_shelf_is_measured():
    assert asked() == "measured"
    assert asked(bits=16, rank=64) == "measured"


def test_numbers_between_measured_ones_are_between():
    assert asked(bits=4, rank=8, rate=0.25) == "between"
    assert asked(bits=3, rank=64) == "between"
    assert asked(bits=2, rank=64) == "between"


@pytest.mark.parametrize(
    "changes",
    [
        {"device_class": "cuda"},
        {"rank": 128},
        {"tokens": 513},
        {"answer_tokens": 500},
        {"rate": 0.6},
        {"hidden_size": 2304},
        {"num_hidden_layers": 32},
        {"model_type": "qwen2"},
        {"recipe": Recipe(gradient_checkpointing=True)},
        {"recipe": Recipe(optimizer="adamw_8bit")},
    ],
)
def test_what_was_never_seen_is_outside(changes):
    assert asked(**changes) == "outside"


def test_a_format_or_adapter_never_seen_is_outside():
    architecture = Architecture.from_config(CONFIG)
    plain = Configuration.uniform(30, bits=4, rank=8)
    for methods in (plain.methods.with_format("fp4"), replace(plain.methods, adapter="dora")):
        found = coverage(
            measured_kinds(),
            architecture,
            replace(plain, methods=methods),
            Recipe(),
            "cpu",
            tokens=208,
            answer_tokens=37,
        )
        assert found == "outside"


def test_nothing_measured_is_outside():
    architecture = Architecture.from_config(CONFIG)
    plain = Configuration.uniform(30, bits=4, rank=8)

    assert coverage((), architecture, plain, Recipe(), "cpu", tokens=1, answer_tokens=1) == "outside"
