"""Greedy generation in batches, and the final answer in a generated solution.

Stop texts, length and extraction are those of lm-evaluation-harness 0.4.13 for GSM8K under its ``strict-match``.
"""

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import StoppingCriteria, StoppingCriteriaList

from collectors.scoring.largest_batch import LargestBatch, by_length

GENERATION_BATCH = 16
MOST_TOKENS = 256
STOPS = ("Question:", "</s>", "<|im_end|>")
"""Where a text is cut, beside the tokenizer's own end token."""

_FINAL_ANSWER = re.compile(r"#### (\-?[0-9\.\,]+)")
_IGNORED = tuple(re.compile(pattern) for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"))


@torch.no_grad()
def generate(
    model: nn.Module,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    device: torch.device,
    largest: LargestBatch | None = None,
) -> list[str]:
    """Returns what follows each prompt by greedy decoding, cut before the first stop text.

    Args:
        model: causal language model in eval mode, with or without PEFT's wrapper.
        tokenizer: tokenizer of the base model.
        prompts: token ids of each prompt; they are batched by length and padded on the left.
        device: device of the model.
        largest: most tokens of the prompts of a batch; None for ``GENERATION_BATCH`` prompts of any length.
    """
    stops = [*STOPS, tokenizer.decode(tokenizer.eos_token_id)]
    padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    texts = [""] * len(prompts)
    for part in by_length([len(prompt) for prompt in prompts], GENERATION_BATCH, largest):
        ids, mask = _left_padded([prompts[place] for place in part], padding, device)
        made: Tensor = model.generate(  # type: ignore[operator]  # transformers' method, untyped
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=MOST_TOKENS,
            do_sample=False,
            use_cache=True,
            pad_token_id=padding,
            stopping_criteria=StoppingCriteriaList([_StopTexts(tokenizer, stops, ids.shape[1])]),
        )
        for place, row in zip(part, made[:, ids.shape[1] :], strict=True):
            texts[place] = _cut(tokenizer.decode(row, skip_special_tokens=True), stops)
    return texts


def is_right(text: str, reference: str) -> bool:
    """Returns whether a generated solution ends with the reference's number.

    Args:
        text: generated text; its answer is the first number after ``#### ``, without which it is wrong.
        reference: reference solution, which ends with ``#### `` and the number.
    """
    found = _FINAL_ANSWER.search(text)
    return found is not None and _plain(found[1]) == _plain(reference)


def _plain(answer: str) -> str:
    for pattern in _IGNORED:
        answer = pattern.sub("", answer)
    return answer.lower()


def _cut(text: str, stops: Sequence[str]) -> str:
    return text[: min(place if place >= 0 else len(text) for place in map(text.find, stops))]


def _left_padded(prompts: Sequence[Sequence[int]], padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns token ids and mask, both of shape ``(b, longest prompt)``."""
    length = max(map(len, prompts))
    ids = torch.tensor([[padding] * (length - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    return ids, mask


class _StopTexts(StoppingCriteria):
    """Ends each row of a batch when a stop text is in what it has generated."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], prompt_length: int) -> None:
        self._tokenizer, self._stops, self._prompt_length = tokenizer, stops, prompt_length

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        del scores, kwargs
        texts = self._tokenizer.batch_decode(input_ids[:, self._prompt_length :])
        done = [any(stop in text for stop in self._stops) for text in texts]
        return torch.tensor(done, device=input_ids.device)
