"""A chat as token ids by the model's own template, and which of them are learnt: what the assistant says, with its end.

A template that marks the assistant's words (``{% generation %}``) decides; under another, what it adds for an
assistant's turn counts up to the first end token. A base model without a template gets a plain one.
"""

import re
from collections.abc import Sequence
from typing import Any

from perfmodel.errors import UnsupportedModelError

Messages = Sequence[tuple[str, str]]
"""Role (``system``, ``user`` or ``assistant``) and content of each turn, in order."""

PLAIN_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}Assistant:{% generation %} "
    "{{ message['content'] }}{{ eos_token }}{% endgeneration %}\n"
    "{% else %}{{ message['role'].capitalize() }}: {{ message['content'] }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""The template of a base model that has none."""

_MARKS = re.compile(r"\{%-?\s*generation")


def chat_template(tokenizer: Any) -> str:
    """Returns the template that chats are written by: the tokenizer's own, or the plain one.

    Args:
        tokenizer: of the base model.
    """
    own = tokenizer.chat_template
    return own if isinstance(own, str) and own else PLAIN_TEMPLATE


def chat_tokens(tokenizer: Any, messages: Messages) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Returns the token ids of a chat, shape ``(n,)``, and whether each is learnt, shape ``(n,)``.

    Args:
        tokenizer: of the base model.
        messages: of a chat, one or more.

    Raises:
        UnsupportedModelError: when the template refuses the chat, or writes a turn otherwise once others follow it.
    """
    template = chat_template(tokenizer)
    if _MARKS.search(template):
        found = _written(tokenizer, template, messages, return_assistant_tokens_mask=True)
        return tuple(found["input_ids"]), tuple(map(bool, found["assistant_masks"]))
    whole = tuple(_written(tokenizer, template, messages)["input_ids"])
    learnt = [False] * len(whole)
    for place, (role, _) in enumerate(messages):
        if role == "assistant":
            before = _written(tokenizer, template, messages[:place], add_generation_prompt=True)["input_ids"]
            after = _written(tokenizer, template, messages[: place + 1])["input_ids"]
            if after[: len(before)] != before or list(whole[: len(after)]) != after:
                raise _unsupported(f"writes turn {place + 1} of a chat otherwise once more is known of the chat")
            end = _first_end(tokenizer, after, len(before))
            learnt[len(before) : end] = [True] * (end - len(before))
    return whole, tuple(learnt)


def _first_end(tokenizer: Any, ids: Sequence[int], start: int) -> int:
    """Returns the place after the first end token from a place on; the length where there is none."""
    ends = set(tokenizer.all_special_ids)
    return next((place + 1 for place in range(start, len(ids)) if ids[place] in ends), len(ids))


def _written(tokenizer: Any, template: str, messages: Messages, **how: Any) -> Any:
    from jinja2 import TemplateError

    turns = [{"role": role, "content": content} for role, content in messages]
    try:
        return tokenizer.apply_chat_template(
            turns, chat_template=template, tokenize=True, return_dict=True, padding=False, **how
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise _unsupported(f"refuses a chat ({' '.join(str(error).split())[:200]})") from error


def _unsupported(what: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"the chat template of the base model {what}",
        "a template that writes system, user and assistant turns in their order",
        "mend the data, or put a template with {% generation %} around the assistant's words beside the model",
    )
