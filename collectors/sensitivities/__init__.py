"""What each unit of a base model costs when it is touched alone, measured without fine-tuning.

measure          all of it, as one ``perfmodel.features.sensitivities.Sensitivities``
output_change    KL divergence and change of the loss when one unit is stored at fewer bits
stored_errors    error of the stored weights, and of their outputs
gradient_norms   norm of the loss's gradient
information      mutual information between a layer's output and the model's prediction
pruned_mass      share of the Taylor importance that pruning removes
units            which linear modules each unit holds
layer_outputs    what the layers of a decoder give, kept and given again
"""

from collectors.sensitivities.measure import WIDTHS_TRIED, measure_sensitivities, steps_of

__all__ = ["WIDTHS_TRIED", "measure_sensitivities", "steps_of"]
