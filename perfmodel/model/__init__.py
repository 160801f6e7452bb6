"""The shape of a model and the formats that its weights can be stored in.

    architecture  The shape of a decoder-only language model, read from a Hugging Face ``config.json`` without torch
    families      The linear modules of a decoder layer, family by family: what may be pruned, quantised and adapted
    formats       Every format a linear weight can be stored in: its width, its bytes in closed form
    known_models  The shapes of well-known models by name, so that a plan needs neither a download nor a licence
    supported     The architecture of a config that came from anywhere

May import: ``perfmodel.errors`` only.
"""
