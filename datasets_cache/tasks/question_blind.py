"""The held-out loss of the best answer that ignores the question: what a fine-tune must beat to have learnt a task.

An answer is a sequence of token ids t_1 .. t_n, the end token included. The model gives t_i the probability

    p(t) = p_prefix(t | t_1 .. t_{i-1})

where each context falls back on a shorter one (interpolated Witten-Bell smoothing)

    p_prefix(t | h) = (c(h, t) + T(h) p_previous(t | h)) / (c(h) + T(h))     h the whole prefix of the answer
    p_previous(t | h) = the same over the previous token alone (or the start), falling back on p_unigram
    p_unigram(t)      = the same over no context, falling back on p_uniform
    p_uniform(t)      = 1 / (V + 1)

c(h, t) counts token t after context h in the training answers, c(h) is their sum, T(h) the number of different
tokens seen after h, and V the number of different tokens seen at all; the 1 stands for every token never seen.
A context never seen passes on its fallback unchanged.

Source: Witten and Bell 1991, "The zero-frequency problem", method C; interpolation over contexts as in Chen and
Goodman 1999, "An empirical study of smoothing techniques for language modeling", section 2.6.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from perfmodel.errors import InvalidTaskError

_Context = tuple[str, tuple[int, ...]]


def question_blind_loss(train: Sequence[Sequence[int]], held_out: Sequence[Sequence[int]]) -> float:
    """Returns the mean held-out loss of that model, in nats per answer token.

    Args:
        train: token ids of each training answer, end token included; shape (n, tokens of the answer).
        held_out: token ids of each held-out answer, end token included; shape (m, tokens of the answer).

    Raises:
        InvalidTaskError: one of the two holds no token.
    """
    for name, answers in (("training", train), ("held-out", held_out)):
        if not any(answers):
            raise InvalidTaskError(
                f"the {name} answers hold no token", "each split needs answers", "give answers with their end token"
            )
    counts: defaultdict[_Context, Counter[int]] = defaultdict(Counter)
    for answer in train:
        for position, token in enumerate(answer):
            for context in _contexts(answer, position):
                counts[context][token] += 1
    seen = {token for answer in train for token in answer}
    losses = [
        -math.log(_probability(token, _contexts(answer, position), counts, uniform=1 / (len(seen) + 1)))
        for answer in held_out
        for position, token in enumerate(answer)
    ]
    return math.fsum(losses) / len(losses)


def _contexts(answer: Sequence[int], position: int) -> Iterator[_Context]:
    """Yields the contexts of one token from the shortest to the longest."""
    yield "unigram", ()
    yield "previous", tuple(answer[max(position - 1, 0) : position])
    yield "prefix", tuple(answer[:position])


def _probability(
    token: int, contexts: Iterator[_Context], counts: dict[_Context, Counter[int]], *, uniform: float
) -> float:
    probability = uniform
    for context in contexts:
        followers = counts.get(context)
        if followers:
            kinds = len(followers)
            probability = (followers[token] + kinds * probability) / (followers.total() + kinds)
    return probability
