"""The real SmolLM2-135M, pruned, quantised, adapted and trained for three steps."""

import pytest
import torch

from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import stored_bytes
from collectors.trial.saved_model import load_model, save_model
from collectors.trial.trial import TrialRunner
from datasets_cache import DEFAULT_BASE_MODEL, load_task, load_tokenizer, resolve
from perfmodel.memory.state_bytes import adapter_parameters, state_bytes
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Setting

pytestmark = pytest.mark.real

LAYERS = 30
RECIPE = Recipe(steps=3, batch_size=4, eval_examples=8, curve_points=1)
# HQQ takes a third of a second a matrix: 3 and 2 bits in a few layers are enough, two of them prunable.
COARSE = {6: 2, 12: 2, 18: 2, 24: 3}


def uniform(bits, rank=8, rate=0.0):
    return Configuration.uniform(LAYERS, bits=bits, rank=rank, pruning_rate=rate)


MIXED = Configuration(0.0, tuple(COARSE.get(layer, 4) for layer in range(LAYERS)), (8,) * LAYERS)


@pytest.fixture(scope="module")
def setting():
    base, task = resolve(DEFAULT_BASE_MODEL), load_task("chain_sum")
    return Setting(DEFAULT_BASE_MODEL, base.sha256, "chain_sum", task.sha256, RECIPE, "cpu")


@pytest.fixture(scope="module")
def runner():
    return TrialRunner(1, "real")


@pytest.fixture(scope="module")
def measure(runner, setting):
    """Runs a trial, each once."""
    done = {}

    def run(configuration):
        if configuration not in done:
            trace = runner(Asked(setting, configuration, 0, "plan"))
            assert trace.ok, trace.measured.reason
            done[configuration] = trace.measured
        return done[configuration]

    return run


@pytest.fixture(scope="module")
def builder(runner, setting):
    return runner._shared(setting)


@pytest.fixture(scope="module")
def pruned(builder):
    return builder.build(uniform(4, rate=0.3), seed=0)


def linear(builder, layer):
    return [getattr(*place) for place in linear_modules(layer, builder.architecture).values()]


def linear_parameters(modules):
    """Returns the parameters of linear modules, from the shapes that the modules carry."""
    return sum(module.in_features * module.out_features for module in modules)


def test_prunable_layers_lose_their_share_and_no_others_do(builder, pruned):
    before, after = (
        [linear_parameters(linear(builder, layer)) for layer in decoder_layers(model)]
        for model in (builder._model, pruned.model.get_base_model())
    )
    gone = [1 - left / whole for left, whole in zip(after, before, strict=True)]
    assert all(share == pytest.approx(0.3, abs=0.02) for share in gone[4:28])
    assert gone[:4] == [0] * 4
    assert gone[28:] == [0] * 2


def test_the_pruned_quantised_model_still_generates_text(setting, pruned):
    tokenizer = load_tokenizer(resolve(setting.model))
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    made = pruned.model.generate(**prompt, max_new_tokens=8, min_new_tokens=8, do_sample=False, pad_token_id=0)
    text = tokenizer.decode(made[0, prompt["input_ids"].shape[1] :])
    assert made.shape[1] == prompt["input_ids"].shape[1] + 8
    assert any(letter.isalpha() for letter in text)
    assert len(set(made[0].tolist())) > 5


@pytest.mark.parametrize(
    "configuration",
    [uniform(4), MIXED, uniform(4, rate=0.3)],
    ids=["4", "mixed", "pruned"],
)
def test_weights_and_adapters_are_the_closed_form(measure, builder, configuration):
    measured = measure(configuration)
    closed = state_bytes(builder.architecture, configuration, device_class="cpu")
    assert measured.weight_bytes == pytest.approx(closed.weights, rel=1e-4)
    assert measured.adapter_parameters == adapter_parameters(builder.architecture, configuration)
    assert measured.adapter_bytes == closed.adapters
    assert measured.optimizer_bytes == pytest.approx(closed.optimizer, rel=1e-3)
    assert measured.peak_memory_bytes > closed.total


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [(uniform(4), MIXED), (uniform(4), uniform(4, rate=0.3))],
    ids=["bits 4 to 2", "pruning 0 to 0.3"],
)
def test_peak_memory_falls_with_bits_and_pruning(measure, larger, smaller):
    saved = measure(larger).weight_bytes + measure(larger).adapter_bytes
    saved -= measure(smaller).weight_bytes + measure(smaller).adapter_bytes
    assert saved > 0
    assert measure(smaller).peak_memory_bytes < measure(larger).peak_memory_bytes - saved / 2


def test_training_lowers_the_loss(measure):
    curve = measure(uniform(4)).curve_losses
    assert curve[-1] < curve[0] - 0.1


@pytest.mark.parametrize(("bits", "limit"), [(8, 9.1), (4, 4.6), (3, 4.3), (2, 3.1)])
def test_a_layer_keeps_its_bits_per_weight(builder, bits, limit):
    configuration = Configuration(0.0, (bits,) + (16,) * (LAYERS - 1), (8,) * LAYERS)
    layer = decoder_layers(builder.build(configuration, seed=0).model.get_base_model())[0]
    bases = [module.get_base_layer() for module in linear(builder, layer)]
    found = 8 * sum(stored_bytes(base) for base in bases) / linear_parameters(linear(builder, layer))
    assert bits < found <= limit


def test_the_real_model_comes_back_from_disk_with_identical_logits(builder, tmp_path):
    built = builder.build(Configuration(0.3, MIXED.bits, MIXED.ranks), seed=0)
    built.model.eval()
    with torch.no_grad():
        for name, parameter in built.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.02)
        ids = torch.tensor([builder.held_out[0].prompt])
        expected = built.model(input_ids=ids, use_cache=False).logits
        save_model(tmp_path / "saved", built, builder.base, {})
        assert torch.equal(load_model(tmp_path / "saved", "cpu")(input_ids=ids, use_cache=False).logits, expected)
