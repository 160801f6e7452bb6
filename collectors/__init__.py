"""How a trace is made.

quantizers     how a linear weight is stored
pruning        structured pruning, and the importances behind it
initializers   where base and adapter start
adapters       the trainable part beside a frozen module
measuring      memory, time, energy, provenance
scoring        loss and accuracy on a task
trial          one configuration in, one trace out
executors      trials in this process, in workers, on a cluster
campaign       which trials are run, in which order
sensitivities  what each unit costs when it is touched alone
device         what the present device can do
"""
