"""Loss, accuracy and peak of a trial equal what transformers and PEFT alone give, worked out example by example."""

import json
from dataclasses import replace

import pytest
import torch
from oracles.live_bytes import LiveBytes
from torch.nn import functional as F

from collectors.trial.checkpoint import Checkpoints
from collectors.trial.trial import TrialRunner
from datasets_cache import load_task, resolve
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked

LAYERS = 2


class Product(torch.autograd.Function):
    """``x W'`` of 16-bit weights, which are brought to 32 bits for the product and again for its gradient."""

    @staticmethod
    def forward(context, x, weight):
        context.weight = weight
        return x @ weight.float().T

    @staticmethod
    def backward(context, gradient):
        return gradient @ context.weight.float(), None


class Half(torch.nn.Linear):
    def forward(self, x):
        product = Product.apply(x, self.weight)
        return product if self.bias is None else product + self.bias


SLOW = [pytest.param(family, marks=pytest.mark.slow) for family in ("gemma3_text", "phi")]


@pytest.fixture(scope="module", params=["llama", *SLOW])
def trial(request, tmp_path_factory, make_model, tokenizer, make_setting):
    """A trial of plain LoRA on an unpruned model of 16 bits: its trace, its base's folder and its adapters' file."""
    folder, kept = (tmp_path_factory.mktemp(name) for name in (request.param, "kept"))
    make_model(request.param, layers=LAYERS, initializer_range=0.15).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    setting = replace(make_setting(steps=60, learning_rate=0.01, curve_points=1), model=str(folder))
    task = folder / "mostly-yes.jsonl"
    lines = [{"question": f"{i}: {3**i % 997}", "answer": "n" if i % 4 == 0 else "y"} for i in range(120)]
    task.write_text("".join(json.dumps(line) + "\n" for line in lines))
    setting = replace(setting, model_sha256=resolve(str(folder)).sha256, task=str(task))
    setting = replace(setting, task_sha256=load_task(str(task)).sha256)
    asked = Asked(setting, Configuration.uniform(LAYERS, bits=16, rank=4), 0, "plan")
    trace = TrialRunner(1, "tiny", checkpoints=kept, retention="adapter")(asked)
    assert trace.ok, trace.measured.reason
    return trace, folder, Checkpoints(kept).finished(asked)


def plain_peft(folder, rank, alpha):
    """Returns the 16-bit base in PEFT's own wrapper, with adapters of one rank in every linear module of its layers."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).requires_grad_(False)
    for module in base.get_decoder().layers.modules():
        if type(module) is torch.nn.Linear:
            module.__class__, module.weight.data = Half, module.weight.data.bfloat16()
    return get_peft_model(base, LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear"))


@torch.no_grad()
def plain_scores(model, tokenizer, examples):
    """Returns the mean loss over answer tokens and the share of answers that greedy decoding gives in whole."""
    losses, right = [], 0
    for example in examples:
        prompt = tokenizer(example.question + "\nAnswer:")["input_ids"]
        answer = [*tokenizer(" " + example.answer)["input_ids"], tokenizer.eos_token_id]
        logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        losses += F.cross_entropy(logits, torch.tensor(answer), reduction="none").tolist()
        ids = list(prompt)
        for _ in answer:
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        right += ids[len(prompt) :] == answer
    return sum(losses) / len(losses), right / len(examples)


def test_losses_and_accuracy_are_those_of_transformers_and_peft(trial, tokenizer):
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    trace, folder, adapters = trial
    recipe = trace.asked.setting.recipe
    held_out = load_task(trace.asked.setting.task).held_out[: recipe.eval_examples]
    model = plain_peft(folder, 4, recipe.alpha).eval()
    before = plain_scores(model, tokenizer, held_out)
    set_peft_model_state_dict(model, load_file(adapters))
    after = plain_scores(model, tokenizer, held_out)

    measured = trace.measured
    assert measured.curve_losses == pytest.approx((before[0], after[0]), rel=1e-5)
    assert measured.curve_accuracies == (before[1], after[1])
    assert after[0] < before[0] and 0 < after[1] < 1


def test_the_peak_is_that_of_a_step_of_transformers_and_peft(trial):
    """The batch is the largest of the trial's: as many sequences of one length, as many positions scored."""
    trace, folder, _ = trial
    recipe, measured = trace.asked.setting.recipe, trace.measured
    model = plain_peft(folder, 4, recipe.alpha).train()
    model.config.use_cache = False
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    ids = torch.ones((recipe.batch_size, measured.largest_batch_tokens // recipe.batch_size), dtype=torch.long)
    scored = torch.arange(ids.numel()).reshape(ids.shape) < measured.largest_batch_answer_tokens
    counter = LiveBytes().count([*model.parameters(), *model.buffers()])

    def step():
        states = model.get_base_model().get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        F.cross_entropy(model.get_base_model().lm_head(states[scored]), ids[scored]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    with counter:
        step()
        counter.peak = 0
        step()
    assert measured.peak_memory_bytes == pytest.approx(counter.peak, rel=0.01)
