"""The closed form of peak memory: what it adds up, that it grows where it must, and what it refuses."""

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_shapes import CONFIG, LAYERS, LOAD, architectures, loads

from perfmodel.errors import InvalidConfigurationError, UnsupportedModelError
from perfmodel.memory.library_settings import LibrarySettings
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import TrainingMemory, peak_interval, training_memory, training_memory_terms
from perfmodel.memory.resident_bytes import stored
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import FAMILIES, Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

BITS = (2, 3, 4, 8, 16)
RANKS = (0, 2, 4, 8, 16)

devices = st.sampled_from(["cpu", "cuda"])
recipes = st.builds(Recipe, gradient_checkpointing=st.booleans(), dropout=st.sampled_from([0.0, 0.1]))
adapters = st.sampled_from(["lora", "rslora", "dora", "qblora"])


@st.composite
def configurations(draw):
    ranks = draw(st.lists(st.sampled_from(RANKS), min_size=LAYERS, max_size=LAYERS))
    ranks[draw(st.integers(0, LAYERS - 1))] = 4
    bits = draw(st.lists(st.sampled_from(BITS), min_size=LAYERS, max_size=LAYERS))
    rate = draw(st.sampled_from([0.0, 0.3]))
    return Configuration(rate, tuple(bits), tuple(ranks), Methods(adapter=draw(adapters)))


def raised(values: tuple[int, ...], place: int, choices: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the values with one of them a choice higher."""
    higher = choices[min(choices.index(values[place]) + 1, len(choices) - 1)]
    return (*values[:place], higher, *values[place + 1 :])


def changed(configuration: Configuration, **values) -> Configuration:
    return Configuration(**{name: getattr(configuration, name) for name in Configuration.__dataclass_fields__} | values)


@given(architectures, configurations(), recipes, loads, devices, st.sampled_from(["sdpa", "eager"]))
@settings(max_examples=25, deadline=None)
def test_no_term_is_negative_and_the_device_holds_at_least_what_lives(
    architecture, configuration, recipe, load, device_class, attention
):
    memory = training_memory(architecture, configuration, recipe, load, device_class=device_class, attention=attention)
    assert min(memory.terms().values()) >= 0
    assert memory.live <= memory.allocated <= memory.reserved
    assert sum(memory.terms().values()) == memory.reserved
    if device_class == "cpu":
        assert memory.live == memory.reserved


@given(architectures, configurations(), recipes, loads, devices, st.integers(0, LAYERS - 1))
@settings(max_examples=25, deadline=None)
def test_more_rank_batch_length_or_answers_never_need_less(
    architecture, configuration, recipe, load, device_class, place
):
    def allocated(chosen=configuration, batch=load):
        return training_memory(architecture, chosen, recipe, batch, device_class=device_class).allocated

    least = allocated()
    assert allocated(changed(configuration, ranks=raised(configuration.ranks, place, RANKS))) >= least
    assert allocated(batch=replace(load, batch_size=load.batch_size + 1)) >= least
    assert allocated(batch=replace(load, length=load.length + 1)) >= least
    assert allocated(batch=replace(load, answer_tokens=load.answer_tokens + 1)) >= least


@given(architectures, configurations(), devices, st.integers(0, LAYERS - 1))
@settings(max_examples=25, deadline=None)
def test_more_bits_never_store_less(architecture, configuration, device_class, place):
    def resident(chosen):
        memory = training_memory(architecture, chosen, Recipe(), LOAD, device_class=device_class)
        return memory.weights + memory.quantization_metadata

    assert resident(changed(configuration, bits=raised(configuration.bits, place, BITS))) >= resident(configuration)


@given(architectures, configurations(), recipes, loads, devices, st.integers(0, LAYERS - 1))
@settings(max_examples=25, deadline=None)
def test_more_bits_of_one_library_never_need_less(architecture, configuration, recipe, load, device_class, place):
    """Libraries differ in what a product keeps of its input, as the next test shows; HQQ's widths do not."""
    methods = configuration.methods.with_format("hqq4g64").with_format("hqq8g64")
    lower = changed(configuration, methods=methods, bits=tuple(min(each, 8) for each in configuration.bits))

    def allocated(chosen):
        return training_memory(architecture, chosen, recipe, load, device_class=device_class).allocated

    assert allocated(changed(lower, bits=raised(lower.bits, place, BITS[:-1]))) >= allocated(lower)


def test_sixteen_bits_may_need_less_than_int8_which_keeps_its_inputs():
    """A planner that took more bits for more memory would refuse a choice that fits."""
    architecture, load = Architecture.from_config(CONFIG | {"model_type": "llama"}), BatchLoad(8, 96, 24)
    eight, sixteen = (
        training_memory(
            architecture,
            Configuration.uniform(LAYERS, bits=bits, rank=8),
            Recipe(gradient_checkpointing=True),
            load,
            device_class="cuda",
        )
        for bits in (8, 16)
    )
    inputs = LAYERS * load.tokens * 2 * (128 + 128 + 128 + 256)  # of queries and keys, output, gate and up, down
    assert sixteen.weights > 1.9 * eight.weights
    assert eight.live - sixteen.live == pytest.approx(inputs - (sixteen.weights - eight.weights), rel=0.1)
    assert eight.live > sixteen.live


@given(architectures, configurations(), recipes, loads, devices, st.floats(0.01, 0.99))
@settings(max_examples=25, deadline=None)
def test_the_interval_holds_the_estimate_and_is_never_negative(
    architecture, configuration, recipe, load, device_class, level
):
    memory = training_memory(architecture, configuration, recipe, load, device_class=device_class)
    low, high = peak_interval(memory, level=level, device_class=device_class)
    assert 0 <= low <= high
    if level >= 0.5:
        assert low <= memory.allocated <= high


@given(architectures, configurations(), devices)
@settings(max_examples=25, deadline=None)
def test_resident_terms_are_the_state_that_is_known_to_be_resident(architecture, configuration, device_class):
    memory = training_memory(architecture, configuration, Recipe(), LOAD, device_class=device_class)
    state = state_bytes(architecture, configuration, device_class=device_class)
    weights = memory.weights + memory.quantization_metadata + memory.embeddings + memory.norms
    assert weights == state.weights
    assert (memory.adapters, memory.optimizer) == (state.adapters, state.optimizer)
    assert memory.gradients <= state.gradients


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("compute", [2, 4])
def test_every_format_has_an_account_that_stores_what_the_format_says(name, compute):
    account = stored(FORMATS[name].layout, 256, 512, compute)
    assert account.values + account.metadata == FORMATS[name].stored_bytes(256, 512, compute)
    assert account.dequantized <= account.dequantizing
    assert account.dequantized in (0, compute * 256 * 512)


def test_layers_before_the_first_adapter_keep_nothing():
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})

    def kept(ranks):
        chosen = Configuration(0.0, (4,) * LAYERS, ranks)
        memory = training_memory(architecture, chosen, Recipe(), LOAD, device_class="cpu")
        return memory.saved_activations + memory.attention

    late, all_but_one = kept((0,) * 7 + (8,)), kept((0,) + (8,) * 7)
    assert kept((8,) * 8) > all_but_one > 5 * late


def test_with_checkpointing_every_layer_goes_back():
    """Transformers then gives the embeddings a gradient: layers before the first adapter keep their inputs too."""
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})
    chosen = Configuration(0.0, (4,) * LAYERS, (0,) * 7 + (8,))
    memory = training_memory(architecture, chosen, Recipe(gradient_checkpointing=True), LOAD, device_class="cpu")
    assert memory.saved_activations > LAYERS * 4 * LOAD.batch_size * LOAD.length * 128


def test_checkpointing_keeps_little_but_for_int8_whose_inputs_escape_it():
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})

    def kept(bits, *, checkpointing):
        chosen, recipe = Configuration.uniform(LAYERS, bits=bits, rank=8), Recipe(gradient_checkpointing=checkpointing)
        memory = training_memory(architecture, chosen, recipe, LOAD, device_class="cpu")
        return memory.saved_activations + memory.attention

    assert kept(4, checkpointing=True) < 0.4 * kept(4, checkpointing=False)
    assert kept(8, checkpointing=True) > 1.5 * kept(4, checkpointing=True)


def test_the_loss_holds_four_copies_of_the_logits_at_the_answer_tokens():
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama", "vocab_size": 50_000})
    chosen = Configuration.uniform(LAYERS, bits=4, rank=8)
    memory = training_memory(architecture, chosen, Recipe(), LOAD, device_class="cpu")
    assert memory.logits_and_loss == 4 * 4 * LOAD.answer_tokens * 50_000
    assert memory.dequantization == 0


@given(st.lists(configurations(), min_size=1, max_size=12), devices)
@settings(max_examples=25, deadline=None)
def test_many_at_once_are_what_each_is_alone(chosen, device_class):
    architecture = Architecture.from_config(CONFIG | {"model_type": "qwen3"})
    together = training_memory_terms(architecture, chosen, Recipe(), LOAD, device_class=device_class)
    for place, configuration in enumerate(chosen):
        alone = training_memory(architecture, configuration, Recipe(), LOAD, device_class=device_class)
        assert {name: int(values[place]) for name, values in together.items()} == alone.terms()


def test_units_may_be_modules():
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})
    by_layer = Configuration(0.0, (4, 8) * 4, (4, 0) * 4)
    by_module = Configuration(0.0, np.repeat((4, 8) * 4, 7).tolist(), np.repeat((4, 0) * 4, 7).tolist())
    memories = [
        training_memory(architecture, each, Recipe(), LOAD, device_class="cuda") for each in (by_layer, by_module)
    ]
    assert memories[0] == memories[1]
    with pytest.raises(InvalidConfigurationError, match="9 units"):
        training_memory(architecture, Configuration.uniform(9, bits=4, rank=4), Recipe(), LOAD, device_class="cpu")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (CONFIG | {"model_type": "mixtral", "num_local_experts": 8}, "'mixtral'"),
        (CONFIG | {"model_type": "qwen3_moe", "num_experts": 64}, "'qwen3_moe'"),
        ({"model_type": "gemma3", "text_config": CONFIG, "vision_config": {}}, "'gemma3'"),
        (CONFIG, "None"),
    ],
)
def test_other_architectures_are_refused_with_the_list_of_those_that_are_not(config, told):
    with pytest.raises(UnsupportedModelError, match=told) as caught:
        Architecture.from_config(config)
    assert all(name in str(caught.value) for name in FAMILIES)
    assert "dense" in str(caught.value)


def test_a_missing_key_is_named():
    config = {key: value for key, value in CONFIG.items() if key != "intermediate_size"} | {"model_type": "llama"}
    with pytest.raises(UnsupportedModelError, match="lacks intermediate_size"):
        Architecture.from_config(config)


def test_intervals_hold_the_estimate_and_widen_with_the_level():
    memory = TrainingMemory(*[1_000_000] * 16)
    for device_class in ("cpu", "cuda"):
        low, high = peak_interval(memory, level=0.9, device_class=device_class)
        assert 0 < low < memory.allocated < high
    narrow, wide = (peak_interval(memory, level=level, device_class="cpu") for level in (0.5, 0.95))
    assert wide[0] <= narrow[0]
    assert narrow[1] <= wide[1]
    with pytest.raises(ValueError, match="level"):
        peak_interval(memory, level=1.0, device_class="cpu")


def test_the_record_of_errors_says_how_many_peaks_were_measured():
    record = json.loads(files("perfmodel.memory").joinpath("memory_errors.json").read_text())
    assert record["cpu"]["traces"] == len(record["cpu"]["relative_errors"]) >= 73
    assert max(map(abs, record["cpu"]["relative_errors"])) < 0.08
    assert record["cuda"]["traces"] == 0, "fit the interval on measured errors, and drop the assumed bounds"


def test_full_fine_tuning_takes_ten_bytes_a_parameter_at_the_update():
    """Weights, gradients, two moments, and the denominators of all, 2 bytes each in bfloat16."""
    config = {"model_type": "llama", "hidden_size": 512, "vocab_size": 1000, "num_hidden_layers": 4}
    config |= {"num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 2048}
    architecture = Architecture.from_config(config)
    whole = Configuration.uniform(4, bits=16, rank=0, pruning_rate=0.0)
    load = BatchLoad(1, 8, 0, loop="trainer")
    asking = {"device_class": "cuda", "libraries": LibrarySettings(trains_all=True)}
    memory = training_memory(architecture, whole, Recipe(gradient_checkpointing=True), load, **asking)
    linear = 4 * (2 * 512 * 512 + 2 * 512 * 256 + 3 * 512 * 2048)

    assert memory.live == 10 * (linear + 2 * 1000 * 512 + 9 * 512)
    assert memory.adapters == 0


def test_k_bit_preparation_goes_with_autocast_and_not_with_all_weights():
    for changes in ({"autocast": False}, {"autocast": True, "trains_all": True}):
        with pytest.raises(InvalidConfigurationError, match="k-bit preparation 'peft'"):
            LibrarySettings("peft", **changes)


def test_a_padding_mask_repeats_keys_and_values_and_is_kept_by_every_layer():
    config = {"model_type": "llama", "hidden_size": 512, "vocab_size": 1000, "num_hidden_layers": 4}
    config |= {"num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 2048}
    architecture = Architecture.from_config(config)
    chosen, load = Configuration.uniform(4, bits=4, rank=8, pruning_rate=0.0), BatchLoad(2, 64, 0, loop="trainer")

    def kept(*, padded):
        libraries = LibrarySettings(padded=padded)
        return training_memory(architecture, chosen, Recipe(), load, device_class="cuda", libraries=libraries).attention

    assert kept(padded=True) - kept(padded=False) == 4 * 2 * (2 * 128 * (512 - 256) + 2 * 64 * 64)
