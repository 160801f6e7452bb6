"""What a CUDA device takes beside live tensors: workspaces, rounding, the allocator's slack and the context."""

MIB = 1024**2

CUBLAS_WORKSPACE = (4096 * 2 + 16 * 8) * 1024
"""Bytes that torch's allocator holds for cuBLAS; 32 MiB on Hopper.

Source: torch's default of ``CUBLAS_WORKSPACE_CONFIG``, ``:4096:2:16:8``.
"""

ROUNDING = 512
"""CUDA's allocator rounds every tensor up to a multiple of this; half of it is lost on average at most."""

TENSORS_OF_A_LAYER = 48
"""Activations that a layer keeps, roughly: for the rounding only."""

SEGMENT = 20 * MIB
"""The allocator takes memory for tensors of 1 to 10 MiB in pieces of this size: one is taken to be half empty."""

SLACK_SHARE = 0.28
"""Share of the activations that fragmentation adds to what is reserved.

Source: the middle of the five published measurements in ``perfmodel/planner/published_peaks.json`` (0.24 to 0.33). They
are of 7B and 70B shapes under Trainer; the allocator's ``expandable_segments`` would lower it.
"""

CONTEXT = 512 * MIB
"""The context and kernels of a process: between 300 and 700 MiB are reported. An estimate, not measured."""
