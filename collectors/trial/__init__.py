"""One trial: build the model of a configuration, fine-tune it, measure it.

    trial          runs one trial and returns its trace: read this first
    model_builder  builds the pruned, quantised and adapted model
    linear_slots   the linear modules of that model, and what each becomes
    finetune       the fine-tuning loop
    optimizers     the optimisers that a recipe can name
    checkpoint     files from which a trial goes on, or its adapters are exported
    preflight      what would fail every trial of a setting, found before the first
    retention      what stays on disk of a trial; imports no torch
    saved_model    the built model in a folder, and back

May import: ``adapters``, ``initializers``, ``measuring``, ``pruning``, ``quantizers``, ``scoring``.
"""
