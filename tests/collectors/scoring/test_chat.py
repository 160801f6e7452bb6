"""Of a chat the assistant's words are learnt, with their end, under the model's own template or a plain one."""

import copy

import pytest
import torch

from collectors.scoring.batch import collate_examples
from collectors.scoring.chat import PLAIN_TEMPLATE, chat_tokens
from collectors.scoring.encode import encode
from collectors.scoring.evaluate import evaluate, judge
from datasets_cache import Example
from perfmodel.errors import InvalidTaskError, UnsupportedModelError

CHAT = (("system", "Be brief."), ("user", "2 + 2?"), ("assistant", "4"), ("user", "And 3?"), ("assistant", "five"))

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Without a mark at the assistant's words, as most templates are."""

MARKED = CHATML.replace(
    "{{ m.content }}</s>",
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}</s>"
    "{% endif %}",
)


def with_template(tokenizer, template):
    other = copy.deepcopy(tokenizer)
    other.chat_template = template
    return other


def example(chat=CHAT):
    before = "\n".join(f"{role}: {content}" for role, content in chat[:-1])
    return Example(before, chat[-1][1], scoring="chat", messages=tuple(chat))


@pytest.mark.parametrize("template", [None, CHATML, MARKED], ids=["plain", "unmarked", "marked"])
def test_the_assistant_s_words_and_their_ends_are_learnt(tokenizer, template):
    ids, learnt = chat_tokens(with_template(tokenizer, template), CHAT)
    words = tokenizer.decode([token for token, is_learnt in zip(ids, learnt, strict=True) if is_learnt])
    assert words == ("4</s>five</s>" if template else " 4</s> five</s>")
    whole = tokenizer.decode(ids)
    assert whole.index("Be brief.") < whole.index("2 + 2?") < whole.index("And 3?") < whole.index("five")


def test_scored_tokens_are_those_that_transformers_masks_for_trainers(tokenizer):
    """What TRL's ``assistant_only_loss`` trains on is this mask."""
    marked = with_template(tokenizer, MARKED)
    turns = [{"role": role, "content": content} for role, content in CHAT]
    found = marked.apply_chat_template(turns, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    [encoded] = encode([example()], marked, 500)
    batch = collate_examples([encoded], torch.device("cpu"))
    scored = [0, *(batch.targets[0] >= 0).tolist()][: batch.ids.shape[1]]
    last = len(found["assistant_masks"]) - found["assistant_masks"][::-1].index(1)
    assert scored == found["assistant_masks"][:last]
    assert batch.ids[0].tolist() == found["input_ids"][:last]


def test_loss_is_over_the_learnt_tokens_alone(tokenizer, make_model):
    model = make_model()
    examples = encode([example(), example(CHAT[:3])], tokenizer, 500)
    losses = []
    for each in examples:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([each.prompt + each.answer])).logits[0].log_softmax(-1)
        for place, token in enumerate(each.answer):
            if place not in each.unlearnt:
                losses.append(-float(logits[len(each.prompt) - 1 + place, token]))
    scores = evaluate(model, examples, torch.device("cpu"))
    assert scores.loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert not any(each.right for each in judge(model, examples, torch.device("cpu")))
    assert len(losses) == sum(len(each.learnt) for each in examples) == 3 + 6 + 3


def test_what_cannot_be_learnt_is_refused(tokenizer):
    refusing = with_template(tokenizer, "{{ raise_exception('System role not supported') }}")
    with pytest.raises(UnsupportedModelError, match="System role not supported"):
        chat_tokens(refusing, CHAT)
    shifting = with_template(tokenizer, "{{ messages | length }}{% for m in messages %}{{ m.content }}</s>{% endfor %}")
    with pytest.raises(UnsupportedModelError, match="otherwise once more is known"):
        chat_tokens(shifting, CHAT)
    silent = with_template(tokenizer, PLAIN_TEMPLATE.replace("{{ message['content'] }}{{ eos_token }}", ""))
    with pytest.raises(InvalidTaskError, match="without tokens"):
        encode([example((("user", "q"), ("assistant", "a")))], silent, 500)
