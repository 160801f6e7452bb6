"""Models and batches that the closed form of the peak is asked about; a module of its own, for two tests to share."""

from hypothesis import strategies as st

from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import FAMILIES, Architecture

LAYERS = 8
CONFIG = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 16,
    "vocab_size": 512,
}
LOAD = BatchLoad(4, 32, 24)

architectures = st.sampled_from(sorted(FAMILIES)).map(
    lambda name: Architecture.from_config(CONFIG | {"model_type": name})
)
loads = st.builds(
    BatchLoad, st.integers(1, 8), st.integers(8, 96), st.integers(1, 64), st.sampled_from(["own", "trainer"])
)
