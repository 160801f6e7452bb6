"""Seconds of a training step in closed form.

    correction       A correction of the closed form's seconds, learned from traces of the same device
    device_profiles  What a device can do, in the few figures that decide a step's seconds: measured there
    step_time        Seconds of a training step and of a fine-tune

May import: ``memory``, ``files``, ``model``, ``space``, ``traces``.
"""
