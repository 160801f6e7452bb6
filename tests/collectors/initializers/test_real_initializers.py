"""The real SmolLM2-135M: what each initialiser leaves of one of its matrices, at four, three and two bits."""

import pytest
import torch

from collectors.initializers import INITIALIZERS
from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.scoring.encode import encode
from datasets_cache import DEFAULT_BASE_MODEL, load_model, load_task, load_tokenizer, resolve
from perfmodel.model.architecture import Architecture

pytestmark = pytest.mark.real

PLACE = (15, "k_proj")
ADDS_NOTHING = ("zero", "gaussian", "orthogonal", "eva")


class RealCase:
    """The matrix and the moments of its inputs over the calibration texts."""

    def __init__(self):
        base = resolve(DEFAULT_BASE_MODEL)
        model, architecture = load_model(base, dtype=torch.float32), Architecture.from_config(base.config)
        texts = [e.prompt + e.answer for e in encode(load_task("chain_sum").calibration, load_tokenizer(base), 96)][:10]
        self.full = input_moments(model, architecture, texts, "full")[PLACE]
        layer = decoder_layers(model)[PLACE[0]]
        self.weight = getattr(*linear_modules(layer, architecture)[PLACE[1]]).weight.detach()


@pytest.fixture(scope="module")
def real_case():
    return RealCase()


@pytest.mark.parametrize("fmt", ["nf4", "hqq3g64", "hqq2g64"])
def test_every_correction_leaves_less(real_case, stored, fmt):
    weights, outputs = {}, {}
    for name, initializer in INITIALIZERS.items():
        functions = stored(fmt)
        moments = {"none": None, "diagonal": real_case.full.diagonal(), "full": real_case.full}[initializer.moments]
        start = initializer.start(
            real_case.weight, functions.quantize, functions.dequantize, rank=8, scaling=2.0, moments=moments
        )
        lost = (real_case.weight - functions.dequantize(start.base)).double()
        if start.a is not None:
            lost -= 2.0 * start.b @ start.a
        weights[name] = float(lost.norm())
        outputs[name] = float((lost @ real_case.full.double() @ lost.T).trace().sqrt())
    for name in INITIALIZERS:
        assert (weights[name] == weights["zero"]) if name in ADDS_NOTHING else (weights[name] < weights["zero"]), name
    loftq = [weights[f"loftq{rounds}"] for rounds in range(1, 6)]
    assert loftq == sorted(loftq, reverse=True)
    assert min(outputs, key=outputs.get) == "qera_exact"
    assert outputs["qera_exact"] < 0.5 * outputs["zero"]
    assert outputs["qera_diag"] < outputs["zero"]
