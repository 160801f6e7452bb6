"""A few encoded examples of different lengths, and their batches."""

import pytest
import torch

from collectors.quantizers.cache import QuantizedLibrary
from collectors.scoring.encode import Encoded
from collectors.sensitivities.units import batches_of
from perfmodel.model.architecture import Architecture

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def examples():
    generator = torch.Generator().manual_seed(3)

    def ids(count):
        return tuple(torch.randint(2, 300, (count,), generator=generator).tolist())

    return [Encoded(ids(3 + i % 5), ids(1 + i % 3)) for i in range(20)]


@pytest.fixture(scope="session")
def batches(examples):
    return batches_of(examples, CPU)


@pytest.fixture(params=["llama", "gemma2", "phi3"])
def model(request, make_model):
    return make_model(request.param, layers=3)


@pytest.fixture
def architecture(model):
    return Architecture.from_config(model.config.to_dict())


@pytest.fixture
def library(tmp_path):
    return QuantizedLibrary("0" * 64, torch.float32, CPU, tmp_path)
