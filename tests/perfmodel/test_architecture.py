"""Shapes read from a config, and what structured pruning leaves of them."""

from itertools import pairwise

import pytest

from perfmodel.architecture import CHANNEL_MULTIPLE, FAMILIES, KEPT_FIRST, KEPT_LAST, MODULES, Architecture, LayerShape
from perfmodel.errors import UnsupportedModelError
from perfmodel.space import DEFAULT_RATES

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
LAYER_PARAMETERS = 2 * 576 * 576 + 2 * 192 * 576 + 3 * 1536 * 576


@pytest.fixture(scope="module")
def smollm2():
    return Architecture.from_config(SMOLLM2)


def test_the_sizes_of_smollm2(smollm2):
    assert smollm2.layers == (LayerShape(3, 1536),) * 30
    assert (smollm2.hidden, smollm2.head_dim, smollm2.queries_per_group) == (576, 64, 3)
    assert smollm2.tied_embeddings
    assert not smollm2.attention_bias
    assert smollm2.norm_parameters == 61 * 576
    assert smollm2.smallest_dimension == 192


def test_the_parameters_of_smollm2_are_the_published_134_5_million(smollm2):
    assert smollm2.layer_parameters(0) == LAYER_PARAMETERS == 3_538_944

    embeddings = smollm2.vocabulary * smollm2.hidden
    assert embeddings + 30 * LAYER_PARAMETERS + smollm2.norm_parameters == 134_515_008


def test_module_shapes_are_rows_out_and_columns_in(smollm2):
    shapes = smollm2.module_shapes(0)

    assert tuple(shapes) == MODULES
    assert shapes["q_proj"] == shapes["o_proj"] == (576, 576)
    assert shapes["k_proj"] == shapes["v_proj"] == (192, 576)
    assert shapes["gate_proj"] == shapes["up_proj"] == (1536, 576)
    assert shapes["down_proj"] == (576, 1536)


@pytest.mark.parametrize("rate", DEFAULT_RATES)
def test_every_prunable_layer_loses_the_rate_within_a_point(smollm2, rate):
    pruned = smollm2.pruned(rate)

    for layer in smollm2.prunable:
        assert 1 - pruned.layer_parameters(layer) / LAYER_PARAMETERS == pytest.approx(rate, abs=0.01)


def test_whole_groups_go_to_the_nearest_count(smollm2):
    assert [smollm2.pruned(rate).layers[10].kv_groups for rate in DEFAULT_RATES] == [3, 3, 2, 2, 2, 1]


def test_the_first_four_and_last_two_layers_stay_whole(smollm2):
    pruned = smollm2.pruned(0.5)

    changed = [index for index in range(30) if pruned.layers[index] != smollm2.layers[index]]
    assert changed == list(range(4, 28)) == list(smollm2.prunable)
    assert (KEPT_FIRST, KEPT_LAST) == (4, 2)


def test_a_shallow_model_has_nothing_to_prune():
    shallow = Architecture.from_config({**SMOLLM2, "num_hidden_layers": 5})

    assert len(shallow.prunable) == 0
    assert shallow.pruned(0.5) == shallow


def test_pruning_by_nothing_changes_nothing(smollm2):
    assert smollm2.pruned(0.0) == smollm2


@pytest.mark.parametrize("groups", [1, 3, 8])
def test_a_higher_rate_never_leaves_more(groups):
    config = {**SMOLLM2, "num_attention_heads": 8 * groups, "num_key_value_heads": groups, "head_dim": 64}
    whole = Architecture.from_config(config)
    left = [whole.pruned(step / 100).layer_parameters(4) for step in range(0, 100, 5)]

    assert left[0] > left[5] > left[-1]
    slack = 3 * whole.hidden * CHANNEL_MULTIPLE  # a group's share is met by multiples of channels
    assert all(later <= earlier + slack for earlier, later in pairwise(left))


def test_what_stays_is_at_least_one_group_and_whole_multiples_of_channels(smollm2):
    for step in range(100):
        shape = smollm2.pruned(step / 100).layers[10]
        assert shape.kv_groups >= 1
        assert shape.channels >= CHANNEL_MULTIPLE
        assert shape.channels % CHANNEL_MULTIPLE == 0


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_outside_zero_to_one_is_refused(smollm2, rate):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        smollm2.pruned(rate)


@pytest.mark.parametrize("family", ["gpt2", "mixtral", None])
def test_another_family_is_refused_by_name(family):
    with pytest.raises(UnsupportedModelError, match=f"model_type is {family!r}.*supported families are llama"):
        Architecture.from_config({**SMOLLM2, "model_type": family})


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "num_hidden_layers", "intermediate_size"])
@pytest.mark.parametrize("change", ["absent", "null"])
def test_a_missing_key_is_named(key, change):
    config = {**SMOLLM2, key: None}
    if change == "absent":
        del config[key]

    with pytest.raises(UnsupportedModelError, match=f"the config lacks {key}"):
        Architecture.from_config(config)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_supported_family_is_read(family):
    assert Architecture.from_config({**SMOLLM2, "model_type": family}).family == family


def test_defaults_of_the_families():
    bare = {key: value for key, value in SMOLLM2.items() if key not in ("num_key_value_heads", "tie_word_embeddings")}
    llama, qwen, gemma = (
        Architecture.from_config({**bare, "model_type": each}) for each in ("llama", "qwen2", "gemma2")
    )

    assert llama.layers[0].kv_groups == 9  # without the key every head is its own group
    assert (llama.tied_embeddings, qwen.tied_embeddings, gemma.tied_embeddings) == (False, False, True)
    assert (llama.attention_bias, qwen.attention_bias, gemma.attention_bias) == (False, True, False)
    assert gemma.norm_parameters == 30 * 4 * 576 + 576


def test_a_head_width_of_its_own_counts():
    wide = Architecture.from_config({**SMOLLM2, "head_dim": 128})

    assert wide.module_shapes(0)["q_proj"] == (9 * 128, 576)
