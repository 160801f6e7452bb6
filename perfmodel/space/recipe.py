"""How a configuration is fine-tuned and judged: everything of a setting that is not the model, task or device."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal, get_args

from perfmodel.errors import InvalidConfigurationError

AlphaRule = Literal["fixed", "twice_rank"]
Schedule = Literal["constant", "linear", "cosine"]
Optimizer = Literal["adamw", "adamw_8bit", "paged_adamw_8bit"]

_LATER_DEFAULTS = (("schedule_steps", None), ("train_examples", None))


@dataclass(frozen=True)
class Recipe:
    """One way of fine-tuning.

    Args:
        steps: number of optimiser steps, 1 or more.
        batch_size: examples of a step, 1 or more.
        max_length: longest example in tokens; longer ones are left out.
        learning_rate: peak learning rate, above 0.
        schedule: shape of the learning rate after warm-up.
        warmup_share: share of the steps over which the rate rises from zero.
        optimizer: ``adamw``, or bitsandbytes' 8-bit AdamW, plain or paged to host memory (CUDA only).
        weight_decay: decoupled weight decay of the adapters.
        alpha: LoRA's alpha under the ``fixed`` rule.
        alpha_rule: ``fixed``, or ``twice_rank`` (alpha grows with the rank, which makes the rank a step size).
        dropout: probability of dropout before LoRA's A, in [0, 1).
        gradient_checkpointing: recompute activations in the backward pass.
        eval_examples: held-out examples scored at each point of the learning curve.
        curve_points: most points of the learning curve after step 0, the last at ``steps``.
        schedule_steps: horizon of warm-up and schedule, None for ``steps``. Trials of 8, 16 and 32 steps under a
            horizon of 32 are stages of one training, so that a shorter one can be extended.
        train_examples: how many of the task's training examples are used, from the first on; None for all.
    """

    steps: int = 30
    batch_size: int = 8
    max_length: int = 96
    learning_rate: float = 1e-3
    schedule: Schedule = "cosine"
    warmup_share: float = 0.1
    optimizer: Optimizer = "adamw"
    weight_decay: float = 0.0
    alpha: float = 16.0
    alpha_rule: AlphaRule = "fixed"
    dropout: float = 0.0
    gradient_checkpointing: bool = False
    eval_examples: int = 128
    curve_points: int = 3
    schedule_steps: int | None = None
    train_examples: int | None = None

    def __post_init__(self) -> None:
        """Refuses values that no trial could run with, and makes 16 and 16.0 the same recipe."""
        for name in ("steps", "batch_size", "max_length", "eval_examples", "curve_points"):
            self._require(name, "1 or more", holds=getattr(self, name) >= 1)
        self._require("curve_points", f"at most steps={self.steps}", holds=self.curve_points <= self.steps)
        if self.schedule_steps is not None:
            self._require("schedule_steps", f"steps={self.steps} or more", holds=self.schedule_steps >= self.steps)
            if self.schedule_steps == self.steps:
                object.__setattr__(self, "schedule_steps", None)
        if self.train_examples is not None:
            self._require("train_examples", "1 or more, or null for all", holds=self.train_examples >= 1)
        for name in ("learning_rate", "alpha"):
            self._require(name, "above 0, and finite", holds=0 < getattr(self, name) < inf)
        self._require("weight_decay", "0 or more, and finite", holds=0 <= self.weight_decay < inf)
        for name in ("warmup_share", "dropout"):
            self._require(name, "in [0, 1)", holds=0 <= getattr(self, name) < 1)
        for name, choices in (("schedule", Schedule), ("alpha_rule", AlphaRule), ("optimizer", Optimizer)):
            self._require(name, ", ".join(get_args(choices)), holds=getattr(self, name) in get_args(choices))
        for name in ("learning_rate", "warmup_share", "weight_decay", "alpha", "dropout"):
            object.__setattr__(self, name, float(getattr(self, name)))

    def curve_steps(self) -> tuple[int, ...]:
        """Returns the steps at which the held-out loss is measured: 0, halves of ``steps`` downwards, and ``steps``.

        Halving (…, steps/4, steps/2, steps) puts the points where the curve bends. Where halves repeat there are fewer
        than ``curve_points``.
        """
        halved = {max(1, self.steps >> shift) for shift in range(self.curve_points)}
        return (0, *sorted(halved))

    def scaling_alpha(self, rank: int) -> float:
        """Returns LoRA's alpha for a layer of that rank."""
        return self.alpha if self.alpha_rule == "fixed" else 2.0 * rank

    @property
    def horizon(self) -> int:
        """Steps over which warm-up and schedule are laid out."""
        return self.schedule_steps or self.steps

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as plain values."""
        return asdict(self)

    def identity(self) -> dict[str, Any]:
        """Returns the values that tell this recipe from others.

        A field that came later is left out at its default, so that recipes written before it keep their identity.
        """
        return {name: value for name, value in asdict(self).items() if (name, value) not in _LATER_DEFAULTS}

    def _require(self, name: str, allowed: str, *, holds: bool) -> None:
        if not holds:
            raise InvalidConfigurationError(
                f"recipe.{name} is {getattr(self, name)!r}",
                f"allowed is {allowed}",
                "change it in the suite's recipe",
            )
