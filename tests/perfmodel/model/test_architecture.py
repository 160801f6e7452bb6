"""Shapes read from a config, and what structured pruning leaves of them."""

from itertools import pairwise

import pytest

from perfmodel.errors import UnsupportedModelError
from perfmodel.model.architecture import CHANNEL_MULTIPLE, FAMILIES, KEPT_FIRST, KEPT_LAST, Architecture, LayerShape
from perfmodel.space.space import DEFAULT_RATES

SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PHI = ("q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2")
PHI3 = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
LAYER_PARAMETERS = 2 * 576 * 576 + 2 * 192 * 576 + 3 * 1536 * 576


@pytest.fixture(scope="module")
def smollm2(smollm2_config):
    return Architecture.from_config(smollm2_config)


def test_the_sizes_of_smollm2(smollm2):
    assert smollm2.layers == (LayerShape(3, 1536),) * 30
    assert (smollm2.hidden, smollm2.head_dim, smollm2.queries_per_group) == (576, 64, 3)
    assert smollm2.tied_embeddings
    assert smollm2.bias_parameters == 0
    assert smollm2.norm_parameters == 61 * 576
    assert smollm2.smallest_dimension == 192


def test_the_parameters_of_smollm2_are_the_published_134_5_million(smollm2):
    assert smollm2.layer_parameters(0) == LAYER_PARAMETERS == 3_538_944

    assert smollm2.rest_parameters + 30 * LAYER_PARAMETERS == 134_515_008


@pytest.mark.real
def test_the_sizes_of_smollm2_are_those_of_its_own_config(smollm2):
    from datasets_cache import resolve

    assert Architecture.from_config(resolve("smollm2-135m").config) == smollm2


def test_module_shapes_are_rows_out_and_columns_in(smollm2):
    shapes = smollm2.module_shapes(0)

    assert tuple(shapes) == SEVEN
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


def test_a_shallow_model_has_nothing_to_prune(smollm2_config):
    shallow = Architecture.from_config({**smollm2_config, "num_hidden_layers": 5})

    assert len(shallow.prunable) == 0
    assert shallow.pruned(0.5) == shallow


def test_pruning_by_nothing_changes_nothing(smollm2):
    assert smollm2.pruned(0.0) == smollm2


@pytest.mark.parametrize("groups", [1, 3, 8])
def test_a_higher_rate_never_leaves_more(groups, smollm2_config):
    config = {**smollm2_config, "num_attention_heads": 8 * groups, "num_key_value_heads": groups, "head_dim": 64}
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
def test_another_family_is_refused_by_name(family, smollm2_config):
    with pytest.raises(UnsupportedModelError, match=f"model_type is {family!r}.*supported families are llama"):
        Architecture.from_config({**smollm2_config, "model_type": family})


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "num_hidden_layers", "intermediate_size"])
@pytest.mark.parametrize("change", ["absent", "null"])
def test_a_missing_key_is_named(key, change, smollm2_config):
    config = {**smollm2_config, key: None}
    if change == "absent":
        del config[key]

    with pytest.raises(UnsupportedModelError, match=f"the config lacks {key}"):
        Architecture.from_config(config)


@pytest.mark.parametrize(
    ("family", "names"),
    [(family, {"phi": PHI, "phi3": PHI3}.get(family, SEVEN)) for family in FAMILIES],
)
def test_modules_of_every_family_in_order(family, names, smollm2_config):
    architecture = Architecture.from_config({**smollm2_config, "model_type": family})

    assert architecture.family == family
    assert tuple(module.name for module in architecture.modules) == tuple(architecture.module_shapes(0)) == names


CASES = [
    ("llama", {}),
    ("llama", {"attention_bias": True}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False}),
    ("mistral", {"attention_bias": True}),
    ("qwen2", {"attention_bias": False}),
    ("qwen3", {"head_dim": 32}),
    ("qwen3", {"attention_bias": True}),
    ("gemma2", {"head_dim": 24}),
    ("gemma2", {"attention_bias": True}),
    ("gemma3_text", {"num_key_value_heads": 1}),
    ("gemma3_text", {"attention_bias": True}),
    ("phi", {"num_key_value_heads": 4}),
    ("phi", {"qk_layernorm": True, "tie_word_embeddings": True}),
    ("phi3", {"num_key_value_heads": 4}),
    ("phi3", {}),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join((case[0], *case[1])))
def made(request):
    """A model that transformers makes, without memory, and the architecture of its config."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    family, changes = request.param
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 112,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 300,
        "pad_token_id": 0,
        "tie_word_embeddings": family.startswith("gemma"),
    }
    if family not in ("phi", "phi3"):  # neither config has a head width of its own
        sizes["head_dim"] = 16
    config = AutoConfig.for_model(family, **{**sizes, **changes})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return model, Architecture.from_config(config.to_dict())


def test_every_module_has_the_shape_and_the_bias_of_the_real_one(made):
    model, architecture = made
    layer = model.get_decoder().layers[1]
    shapes = architecture.module_shapes(1)

    for module in architecture.modules:
        linear = getattr(getattr(layer, module.parent), module.name)
        assert tuple(linear.weight.shape) == shapes[module.name]
        assert (linear.bias is not None) == module.bias
    linear = [name for name, part in layer.named_modules() if type(part).__name__ == "Linear"]
    assert sorted(linear) == sorted(f"{module.parent}.{module.name}" for module in architecture.modules)


def test_all_parameters_are_counted(made):
    model, architecture = made
    biases = sum(p.numel() for n, p in model.named_parameters() if n.endswith("bias") and "norm" not in n)
    norms = sum(p.numel() for n, p in model.named_parameters() if "norm" in n)

    linear = sum(architecture.layer_parameters(layer) for layer in range(3))
    assert linear + architecture.rest_parameters == sum(p.numel() for p in model.parameters())
    assert architecture.norm_parameters == norms
    assert architecture.bias_parameters == biases - (300 if architecture.family == "phi" else 0)


def test_a_layer_is_its_groups_and_channels(made):
    _, architecture = made
    shape = architecture.layers[0]

    parts = shape.kv_groups * architecture.group_parameters + shape.channels * architecture.channel_parameters
    assert parts == architecture.layer_parameters(0)


@pytest.mark.parametrize("family", FAMILIES)
def test_any_family_loses_the_rate_in_whole_blocks(family, smollm2_config):
    whole = Architecture.from_config({**smollm2_config, "model_type": family})
    pruned = whole.pruned(0.3)

    removed = 1 - pruned.layer_parameters(10) / whole.layer_parameters(10)
    assert removed == pytest.approx(0.3, abs=CHANNEL_MULTIPLE * whole.channel_parameters / whole.layer_parameters(10))
    assert pruned.layers[10].kv_groups == 2
    assert pruned.layers[10].channels % CHANNEL_MULTIPLE == 0


def test_biases_and_norms_of_the_families(smollm2_config):
    bare = {key: value for key, value in smollm2_config.items() if key != "tie_word_embeddings"}
    llama, qwen, gemma = (
        Architecture.from_config({**bare, "model_type": each}) for each in ("llama", "qwen2", "gemma2")
    )

    assert (llama.tied_embeddings, qwen.tied_embeddings, gemma.tied_embeddings) == (False, False, True)
    assert (llama.bias_parameters, gemma.bias_parameters) == (0, 0)
    assert qwen.bias_parameters == 30 * (576 + 2 * 192)  # of q, k and v; o has none
    assert gemma.norm_parameters == 30 * 4 * 576 + 576


def test_a_head_width_of_its_own_counts(smollm2_config):
    wide = Architecture.from_config({**smollm2_config, "head_dim": 128})

    assert wide.module_shapes(0)["q_proj"] == (9 * 128, 576)


OPTIONAL = ("num_key_value_heads", "head_dim", "tie_word_embeddings", "attention_bias", "mlp_bias", "qk_layernorm")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_key_that_is_left_out_means_what_transformers_takes_it_for(family):
    from transformers import AutoConfig

    sizes = {"hidden_size": 512, "intermediate_size": 640, "num_hidden_layers": 2, "num_attention_heads": 64}
    sizes |= {"vocab_size": 300, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    chosen = {"num_key_value_heads": 16, "head_dim": 4, "tie_word_embeddings": True, "attention_bias": True}
    for absent in ("", *OPTIONAL):
        given = {key: value for key, value in {**sizes, **chosen}.items() if key != absent}
        whole = AutoConfig.for_model(family, **given).to_dict()
        assert Architecture.from_config({**given, "model_type": family}) == Architecture.from_config(whole), absent
