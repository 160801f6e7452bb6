"""How a trace is made.

    trial           one configuration in, one trace out, in this order:
      workshop        what the trials of a setting share: base model, tokens, quantised modules
      prune           structured, by Taylor importance
      quantize        16, 8, 4, 3 or 2 bits a layer
      adapt           LoRA with a rank a layer
      finetune        the loop
      evaluate        held-out loss and accuracy (encode: examples as tokens)
      measure         peak memory, step times (energy: where the device reports it)
      provenance      where and with what
    plan            which trials a campaign makes
    campaign        carries a plan out, resuming
    executors       in this process, or in workers

Imports ``perfmodel`` and ``datasets_cache``, never ``search`` or ``reports``.
"""
