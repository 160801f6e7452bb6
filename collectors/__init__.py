"""How a trace is made.

    trial           one configuration in, one trace out, in this order:
      workshop        what the trials of a setting share: base model, tokens, quantised modules (places: what each
                      linear module becomes)
      prune           structured: which parts go (importances, pruning_scope, calibration), and their removal
      quantizers      how a weight is stored; library: made once and kept; fairness: formats a base flatters
      initializers    where adapters start (moments: what their inputs look like)
      adapters        LoRA and its kin through PEFT, with a rank a module
      finetune        the loop (optimizers)
      evaluate        held-out loss and accuracy (encode: examples as tokens; generation)
      measure         peak memory, step times (energy: where the device reports it)
      checkpoint      what a trial leaves, to be extended or exported (keep: how much of it)
      provenance      where and with what
    plan            which trials a run makes (design: a published campaign; pilot: before one)
    campaign        carries a plan out, resuming, longest first (cost)
    executors       in this process, in workers of this machine, or on a Ray cluster
    saved_model     a pruned, mixed-precision, adapted model on disk and back
    quantizer_table bits and error of every format on a base model
    lm_eval_check   the same scores by lm-evaluation-harness
    sensitivities   what each unit costs alone, without fine-tuning
    dry_run         a training step on the meta device (shape_only: weights without values; live_bytes: the count)
    calibrate       how fast this device is (device_rates: parts alone; probe_steps: small models)
    predicted_steps the closed form's seconds of a trial's own steps (step_loads; learned_time: from traces)

Imports ``perfmodel`` and ``datasets_cache``, never ``search`` or ``reports``.
"""
