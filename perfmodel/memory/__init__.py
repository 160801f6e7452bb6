"""Bytes in closed form: what stays in memory, and the peak of a training step.

Read ``step`` first: it follows a training step from the forward pass to the optimiser's update.

    cuda_allocator     What a CUDA device takes beside live tensors: workspaces, rounding, slack and context
    distinct_layers    The distinct layers of many configurations: each is worked out once
    layer_step         The forward and backward pass of one decoder layer, operation by operation
    library_settings   What PEFT, TRL and transformers decide about a step: preparation, autocast, logits, masks
    load               The size of the largest batch, as traces of one setting recorded it
    module_step        The operations of one linear module and its adapter, forwards and backwards
    peak               Peak memory of one training step, as a sum of named terms
    peak_tables        The peak for index vectors of one space, by table look-up
    peak_tracker       Finds the moment of a layer's passes at which most bytes are allocated
    resident_bytes     What stays in memory over a whole fine-tune, term by term
    saved_activations  What a decoder layer saves for its backward pass
    state_bytes        Bytes of weights, adapters, gradients and optimiser of one configuration
    step               The bytes of one training step, moment by moment

May import: ``files``, ``statistics``, ``model``, ``space``, ``traces``.
"""
