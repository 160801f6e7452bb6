"""Examples as token ids: a prompt, the answer that is learnt, and the choices or the text by which it is scored.

An example scored ``exact`` is asked ``question + PROMPT_END``, and its answer is tokenised by itself. Under every
other rule the prompt is taken word for word and continuations are tokenised as lm-evaluation-harness does it: a
prompt's trailing white space goes to the continuation, whose tokens are those of prompt and continuation together
less the first ones, as many as the prompt has by itself. End tokens that a tokenizer appends are taken off first: a
prompt does not end there. A chat is written by the model's own template; see ``chat``.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from collectors.scoring.chat import chat_tokens
from datasets_cache import Example
from perfmodel.errors import InvalidTaskError, UnsupportedModelError

PROMPT_END = "\nAnswer:"

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """One choice of a multiple-choice question.

    Args:
        prompt: token ids before the choice; the same for every choice but where choices stand in the prompt.
        answer: token ids whose likelihood is compared, at least one.
        divisor: what the log-likelihood is divided by, 1 or more.
    """

    prompt: Ids
    answer: Ids
    divisor: int = 1


@dataclass(frozen=True)
class Reference:
    """What a generated text is compared with.

    Args:
        text: text of the right answer.
        tokenizer: tokenizer that decodes what the model generates.
    """

    text: str
    tokenizer: Any


@dataclass(frozen=True)
class Encoded:
    """One example.

    Args:
        prompt: token ids of the prompt.
        answer: token ids of the answer, the end token included.
        choices: choices of a multiple-choice question; empty otherwise.
        right: index of the right choice, whose prompt is ``prompt`` and whose answer begins ``answer``.
        reference: what the generated answer is compared with; None where nothing is generated.
        unlearnt: places in ``answer`` that are neither learnt nor scored: what others say between the assistant's
            turns of a chat.
    """

    prompt: Ids
    answer: Ids
    choices: tuple[Choice, ...] = ()
    right: int = 0
    reference: Reference | None = None
    unlearnt: Ids = ()

    @property
    def learnt(self) -> Ids:
        """Token ids of the answer that are learnt and scored."""
        left_out = set(self.unlearnt)
        return tuple(token for place, token in enumerate(self.answer) if place not in left_out)

    @property
    def length(self) -> int:
        """Tokens of prompt and answer."""
        return len(self.prompt) + len(self.answer)


class EncodedExamples(list[Encoded]):
    """The examples that are short enough, in order, and which ones are not.

    Args:
        encoded: every example of the split.
        max_length: most tokens that prompt and answer may have together, 1 or more.
    """

    def __init__(self, encoded: Sequence[Encoded], max_length: int) -> None:
        super().__init__(example for example in encoded if example.length <= max_length)
        self.left_out = tuple(place for place, example in enumerate(encoded) if example.length > max_length)
        self._lengths = sorted(example.length for example in encoded)

    def length_that_keeps(self, share: float) -> int:
        """Returns the least ``max_length`` that keeps a share of the split's examples.

        Args:
            share: share of all examples, those left out included, in (0, 1].
        """
        return self._lengths[math.ceil(share * len(self._lengths)) - 1]


def encode(
    examples: Sequence[Example], tokenizer: Any, max_length: int, *, with_choices: bool = True
) -> EncodedExamples:
    """Returns the examples of at most ``max_length`` tokens, in order; ``left_out`` has the places of the others.

    Args:
        examples: examples of one split.
        tokenizer: tokenizer of the base model.
        max_length: most tokens of prompt and answer together, 1 or more.
        with_choices: whether choices are encoded too; training and calibration do not need them.

    Raises:
        InvalidTaskError: no example is short enough, an answer has no tokens, or two choices have the same tokens.
        UnsupportedModelError: the tokenizer has no end token.
    """
    if tokenizer.eos_token_id is None:
        raise UnsupportedModelError(
            "the tokenizer names no end token", "an answer ends with one", "set eos_token in tokenizer_config.json"
        )
    ids_of = _without_end(tokenizer)
    together = _Together(ids_of, _texts(examples, with_choices=with_choices))
    encoded = [
        _asked(example, tokenizer, ids_of, with_choices=with_choices)
        if example.scoring == "exact"
        else _chat(example, tokenizer)
        if example.scoring == "chat"
        else _verbatim(example, tokenizer, together, with_choices=with_choices)
        for example in examples
    ]
    for example, made in zip(examples, encoded, strict=True):
        _require_answers(example, made)
    short = EncodedExamples(encoded, max_length)
    if encoded and not short:
        raise InvalidTaskError(
            f"the shortest example has {min(example.length for example in encoded)} tokens",
            f"recipe.max_length allows {max_length}",
            "raise recipe.max_length",
        )
    return short


IdsOf = Callable[[list[str]], list[Ids]]


def _without_end(tokenizer: Any) -> IdsOf:
    """Returns a tokenizer's function from texts to ids, less what it appends to every text."""
    plain, whole = (tuple(tokenizer("a", add_special_tokens=special)["input_ids"]) for special in (False, True))
    starts = [start for start in range(len(whole)) if whole[start : start + len(plain)] == plain]
    appended = whole[starts[-1] + len(plain) :] if plain and starts else ()

    def ids_of(texts: list[str]) -> list[Ids]:
        found = [tuple(ids) for ids in tokenizer(texts)["input_ids"]] if texts else []
        return [ids[: -len(appended)] if appended and ids[-len(appended) :] == appended else ids for ids in found]

    return ids_of


def _require_answers(example: Example, made: Encoded) -> None:
    """Raises where an example cannot be scored."""
    empty = len(made.learnt) <= 1 or any(not choice.answer for choice in made.choices)
    texts = set(_pairs(example)) if made.choices else set()  # equal texts are the data set's own
    if empty or len({(choice.prompt, choice.answer) for choice in made.choices}) < len(texts):
        fault = "an answer without tokens" if empty else "two choices of the same tokens"
        raise InvalidTaskError(
            f"the question {example.question[:80]!r} has {fault}",
            "every answer needs at least one token, and every choice of a question other tokens",
            "mend or remove that example",
        )


def _asked(example: Example, tokenizer: Any, ids_of: IdsOf, *, with_choices: bool) -> Encoded:
    def answer(text: str) -> Ids:
        ids = tokenizer(" " + text, add_special_tokens=False)["input_ids"]
        return (*ids, tokenizer.eos_token_id)

    [prompt] = ids_of([example.question + PROMPT_END])
    if not with_choices or not example.choices:
        return Encoded(prompt, answer(example.answer))
    others = [choice for choice in example.choices if choice != example.answer]
    choices = tuple(Choice(prompt, answer(choice)) for choice in (example.answer, *others))
    return Encoded(prompt, choices[0].answer, choices)


class _Together:
    """Token ids of many texts, each tokenised once and all in one call, which fast tokenizers do in parallel."""

    def __init__(self, ids_of: IdsOf, texts: Iterable[str]) -> None:
        distinct = list(dict.fromkeys(texts))
        self._ids = dict(zip(distinct, ids_of(distinct), strict=True))

    def split(self, context: str, continuation: str) -> tuple[Ids, Ids]:
        """Returns the token ids of a prompt and of what follows it."""
        prompt = self._ids[context.rstrip()]
        return prompt, self._ids[context + continuation][len(prompt) :]


def _texts(examples: Iterable[Example], *, with_choices: bool) -> Iterable[str]:
    for example in examples:
        if example.scoring not in ("exact", "chat"):
            for context, continuation in (_learnt(example), *(_pairs(example) if with_choices else ())):
                yield from (context.rstrip(), context + continuation)


def _verbatim(example: Example, tokenizer: Any, together: _Together, *, with_choices: bool) -> Encoded:
    prompt, answer = together.split(*_learnt(example))
    answer = (*answer, tokenizer.eos_token_id)
    if example.scoring == "generated":
        return Encoded(prompt, answer, reference=Reference(example.answer, tokenizer))
    if not with_choices:
        return Encoded(prompt, answer)
    divisors = [len(choice) if example.scoring == "likelihood_per_character" else 1 for choice in example.choices or ()]
    choices = tuple(
        Choice(*together.split(*pair), divisor) for pair, divisor in zip(_pairs(example), divisors, strict=True)
    )
    return Encoded(prompt, answer, choices, example.right or 0)


def _chat(example: Example, tokenizer: Any) -> Encoded:
    ids, learnt = chat_tokens(tokenizer, example.messages)
    if not any(learnt):
        return Encoded(ids, ())
    first, end = learnt.index(True), len(learnt) - learnt[::-1].index(True)
    unlearnt = tuple(place - first for place in range(first, end) if not learnt[place])
    return Encoded(ids[:first], ids[first:end], unlearnt=unlearnt)


def _learnt(example: Example) -> tuple[str, str]:
    """Returns the prompt and the continuation that a fine-tune learns: those of the right choice."""
    if example.contexts is not None:
        return example.contexts[example.right or 0], " " + example.answer
    return example.question, " " + example.answer


def _pairs(example: Example) -> list[tuple[str, str]]:
    """Returns the prompt and the continuation of every choice."""
    if example.contexts is not None:
        return [(context, " " + example.answer) for context in example.contexts]
    return [(example.question, " " + choice) for choice in example.choices or ()]
