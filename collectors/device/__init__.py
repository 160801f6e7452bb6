"""What the present device can do, measured, and compared with the traces that it made.

    calibrate        measures the profile of the present device
    device_rates     single measurements: matrix products, thin products, memory, dequantisation
    probe_steps      steps of small random models, for the cost of starting operations
    step_loads       the batch sizes of a trial's steps, drawn again as its trainer drew them
    predicted_steps  the closed form of the steps that traces measured
    learned_time     a profile compared with traces of its device, and corrected where that is better

May import: ``trial``, ``adapters``, ``measuring``, ``pruning``, ``quantizers``, ``scoring``.
"""
