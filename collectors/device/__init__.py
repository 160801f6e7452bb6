"""What the present device can do, measured.

    calibrate        Measures what a training step's seconds are made of on the present device
    device_rates     Single measurements of a device: matrix products, thin ones, memory
    learned_time     A profile compared with the traces that its own device made, and corrected where that is better
    predicted_steps  What the closed form makes of the steps that traces measured
    probe_steps      Steps of small random models: what starting an operation costs is fitted to them
    step_loads       The loads of a trial's steps, drawn again as its trainer drew them

May import: ``trial``, ``adapters``, ``measuring``, ``pruning``, ``quantizers``, ``scoring``.
"""
