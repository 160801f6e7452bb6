"""How a trace is made.

    trial           one configuration in, one trace out, in this order:
      workshop        what the trials of a setting share: base model, tokens, quantised modules
      prune           structured, per layer or over all (pruning_scope: what stays; importances: what matters, six
                      ways; calibration: the texts they are measured on)
      quantizers      17 formats of 16, 8, 4, 3 or 2 bits (library: modules made once; fairness: formats that
                      flatter a base are refused)
      adapt           LoRA with a rank a layer
      finetune        the loop
      evaluate        held-out loss and accuracy (encode: examples as tokens)
      measure         peak memory, step times (energy: where the device reports it)
      provenance      where and with what
    plan            which trials a campaign makes
    campaign        carries a plan out, resuming
      cost            how long a trial will take beside others: the longest go first
    executors       in this process, in worker processes, or on a Ray cluster
    quantizer_table what each format costs and loses on a model

Imports ``perfmodel`` and ``datasets_cache``, never ``search`` or ``reports``.
"""
