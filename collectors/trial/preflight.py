"""What a setting's first trial would find wrong, found before it: weights, tokenizer, examples, device."""

from dataclasses import dataclass

from torch import nn

from collectors.measuring.provenance import require_device
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.scoring.encode import encode
from datasets_cache import BaseModel, Task, load_tokenizer
from datasets_cache.base_models.loading import model_without_memory
from datasets_cache.tasks.own.read import MINIMUM_SIZES
from perfmodel.errors import InvalidTaskError, UnsupportedModelError
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.traces.trace import DeviceClass

KEPT_SHARE = 0.95
"""The share of a split's examples for which a longer ``max_length`` is worked out."""


@dataclass(frozen=True)
class SplitFit:
    """How many examples of a split are short enough for a recipe.

    Args:
        split: ``train``, ``calibration`` or ``held_out``.
        examples: examples of the split.
        left_out: examples that are longer than ``recipe.max_length``.
        length_for_most: tokens that would keep ``KEPT_SHARE`` of the examples.
    """

    split: str
    examples: int
    left_out: int
    length_for_most: int

    def told(self, max_length: int) -> str:
        """Returns one line for the person who waits.

        Args:
            max_length: the recipe's, in tokens.
        """
        return (
            f"{self.left_out} of {self.examples} {self.split} examples are longer than recipe.max_length={max_length} "
            f"and are left out; {self.length_for_most} would keep {KEPT_SHARE:.0%}"
        )


def check_before_trials(base: BaseModel, task: Task, recipe: Recipe, device_class: DeviceClass) -> tuple[SplitFit, ...]:
    """Returns how the task's splits fit the recipe, after everything that would fail each trial has been ruled out.

    Args:
        base: base model of the trials.
        task: task of the trials.
        recipe: ``max_length`` decides which examples are used.
        device_class: where the trials will run.

    Raises:
        UserError: the device is missing or cannot compute in bfloat16.
        CorruptFileError: the stored weights are not those of the model's config.
        UnsupportedModelError: the weights are quantised or hold adapters, the model's shapes are not those that its
            config tells, or the tokenizer has no end token.
        InvalidTaskError: an example cannot be scored, or a split has too few examples that are short enough.
    """
    require_device(device_class)
    _check_shapes(model_without_memory(base), Architecture.from_config(base.config))
    tokenizer = load_tokenizer(base)
    train = task.first_training_examples(recipe.train_examples)
    found = []
    for split, examples in (("train", train), ("calibration", task.calibration), ("held_out", task.held_out)):
        encoded = encode(examples, tokenizer, recipe.max_length, with_choices=split == "held_out")
        fit = SplitFit(split, len(examples), len(encoded.left_out), encoded.length_that_keeps(KEPT_SHARE))
        least = min(MINIMUM_SIZES[split], len(examples))  # a recipe may ask for fewer training examples
        if len(encoded) < least:
            raise InvalidTaskError(
                fit.told(recipe.max_length),
                f"at least {least} must be left",
                f"set recipe.max_length={fit.length_for_most}, or shorten the examples",
            )
        found.append(fit)
    return tuple(found)


def _check_shapes(model: nn.Module, architecture: Architecture) -> None:
    """Refuses a model whose modules or parameters are not those that bytes and pruning are worked out from."""
    wrong = []
    for index, layer in enumerate(decoder_layers(model)):
        shapes = architecture.module_shapes(index)
        for name, (parent, attribute) in linear_modules(layer, architecture).items():
            made = tuple(getattr(parent, attribute).weight.shape)
            if made != shapes[name]:
                wrong.append(f"{name} of layer {index} is {made} and not {shapes[name]}")
    if (counted := sum(parameter.numel() for parameter in model.parameters())) != architecture.parameters:
        wrong.append(f"it has {counted:,} parameters and not {architecture.parameters:,}")
    if wrong:
        raise UnsupportedModelError(
            f"the model that transformers makes is not the one that its config tells ({wrong[0]})",
            "its modules must have the shapes that follow from config.json",
            "write the sizes into config.json in full, or choose another base model",
        )
