"""Files by which PEFT, TRL, Axolotl, LLaMA-Factory, Unsloth and DeepSpeed fine-tune a configuration.

    adapters      A configuration's adapters as the arguments of PEFT's ``LoraConfig``
    declarations  YAML for Axolotl and LLaMA-Factory
    scripts       Python scripts for PEFT, TRL, Unsloth and DeepSpeed
    training      One fine-tune as people write it down, and what these libraries cannot carry out
    write         The file of each library, by its name

May import: ``perfmodel``.
"""
