"""One trial: build the model of a configuration, fine-tune it, keep what was asked for.

    checkpoint     What a trial leaves on disk, so that it can be extended by further steps, or its adapters exported
    finetune       The fine-tuning loop: batches, learning rate, steps, and the measurements taken around them
    linear_slots   The linear modules of a model that is being built: what each becomes, and what lies outside them
    model_builder  Builds the pruned, quantised
    optimizers     The optimisers of a recipe: AdamW, bitsandbytes' 8-bit AdamW
    retention      What stays on disk of a trial once it has ended
    saved_model    A pruned, mixed-precision, adapted model on disk, and back with identical logits
    trial          One configuration in, one trace out: prune, quantise, adapt, fine-tune, evaluate

May import: ``adapters``, ``initializers``, ``measuring``, ``pruning``, ``quantizers``, ``scoring``.
"""
