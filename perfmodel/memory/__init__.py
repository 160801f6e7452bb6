"""Bytes in closed form: what stays in memory, and the peak of a training step.

    distinct_layers    The distinct layers of many configurations: most are alike
    layer_step         The moments of a step at which most lives at once within a layer
    load               The batch that peaks, as traces of one setting recorded it
    module_step        The operations of one linear module and its adapter, forwards and backwards
    peak               Peak memory of one training step in closed form, as a sum of named terms
    peak_tables        The closed form of a step's peak for index vectors of one space, by table look-up
    peak_tracker       The moment at which most lives within a layer, found while its operations are followed in order
    resident_bytes     What stays in memory over a whole fine-tune, term by term
    saved_activations  What a decoder layer keeps for its backward pass
    state_bytes        Closed-form bytes of weights, adapters, gradients and optimiser for any configuration
    step               The moments of a whole training step, and the terms of the highest one

May import: ``model``, ``space``, ``traces``.
"""
