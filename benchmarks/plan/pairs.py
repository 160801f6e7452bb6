"""Prints ``docs/results/plan.md``: can I fine-tune this model on that card, beside what others have published.

python benchmarks/plan/pairs.py > docs/results/plan.md
"""

from dataclasses import dataclass

from perfmodel.planner.gpu_cards import GIB, find_card
from perfmodel.planner.published_peaks import published_peaks
from perfmodel.space.recipe import Recipe
from reports.plan.record import answer, question_of
from reports.plan.sentence import first_sentence

UNSLOTH = "Unsloth's README, longest contexts of 4-bit LoRA of rank 32 with Hugging Face and FlashAttention 2"
LEAST = "Unsloth issue 469, least memory with Unsloth's own kernels"
LITGPT = "LitGPT's resource tables: rank 8 on queries and values only, no checkpointing, Alpaca's longest example"
FMS = "fms-acceleration's benchmarks (IBM), adapters on attention only; the interval comes from such rows"
FACTORY = "LLaMA-Factory's README, marked as estimated"
QLORA = "QLoRA, arXiv 2305.14314"
NONE = "nothing public with its setting was found"


@dataclass(frozen=True)
class Pair:
    """One question.

    Args:
        model: a known model.
        card: a known card.
        length: tokens of an example.
        known: what others say; empty where the published peaks that come with the package say it.
        source: who says it; empty where nobody does.
        method: of ``bench plan``.
        rank: of the adapters.
        batch: examples a step.
        checkpointing: whether activations are recomputed.
    """

    model: str
    card: str
    length: int
    known: str
    source: str
    method: str = "qlora"
    rank: int = 16
    batch: int = 1
    checkpointing: bool = True


PAIRS = (
    Pair("Llama-3.1-8B", "RTX 4060", 512, "out of memory on 8 GB", UNSLOTH, rank=32),
    Pair("Llama-3.1-8B", "RTX 4060 Ti 16GB", 2048, "2,551 tokens fit 16 GB", UNSLOTH, rank=32),
    Pair("Llama-3.1-8B", "RTX 4090", 4096, "5,789 tokens fit 24 GB", UNSLOTH, rank=32),
    Pair("Llama-3.1-8B", "A100 80GB", 16384, "28,454 tokens fit 80 GB", UNSLOTH, rank=32),
    Pair("Phi-1.5", "A100 40GB", 1044, "3.72 GB", LITGPT, rank=8, checkpointing=False),
    Pair("Llama-2-7B", "A100 40GB", 1304, "13.84 GB", LITGPT, rank=8, checkpointing=False),
    Pair("Llama-2-7B", "A100 40GB", 1304, "21.30 GB", LITGPT, "lora", rank=8, checkpointing=False),
    Pair("Llama-2-13B", "A100 40GB", 1304, "22.55 GB", LITGPT, rank=8, checkpointing=False),
    Pair("Llama-2-13B", "A100 40GB", 1304, "38.12 GB", LITGPT, "lora", rank=8, checkpointing=False),
    Pair("Mistral-7B-v0.1", "A100 80GB", 4096, "", FMS, batch=4),
    Pair("Mistral-7B-v0.1", "A100 80GB", 4096, "", FMS, "lora", batch=4),
    Pair("Mistral-7B-v0.1", "A100 80GB", 4096, "", FMS, "full", batch=4),
    Pair("Llama-2-70B", "RTX A6000", 512, "65B was fine-tuned on 48 GB", QLORA),
    Pair("CodeLlama-34B", "RTX 4090", 512, "24 GB at least for 34B", LEAST),
    Pair("Llama-2-13B", "T4", 512, "16 GB at least", LEAST),
    Pair("Llama-2-7B", "RTX 4060", 512, "8 GB at least", LEAST),
    Pair("Qwen2.5-14B", "RTX 4080 SUPER", 512, "12 GB for 14B", FACTORY),
    Pair("Qwen2.5-7B", "RTX 4090", 1024, "16 GB for 7B", FACTORY, "lora"),
    Pair("Llama-3-8B", "H100 80GB", 1024, "60 GB for 7B, all of it in bfloat16", FACTORY, "full"),
    Pair("Qwen3-4B", "RTX 3060 12GB", 1024, NONE, ""),
)


def main() -> None:
    """Prints the page."""
    print(HEAD)
    for number, pair in enumerate(PAIRS, 1):
        print(f"{number}. **{pair.model} on the {pair.card}?** {_answer(pair)}")
        print(f"   Known: {pair.known or _published(pair)}{f' ({pair.source})' if pair.source else ''}.")


def _published(pair: Pair) -> str:
    """Returns the least and the most that the device showed in the published rows of this very setting."""
    framework = "baseline-peft-bnb" if pair.method == "qlora" else "none"
    shown = [
        peak.device / GIB
        for peak in published_peaks()
        if (peak.model.endswith(pair.model), peak.method, peak.framework, peak.batch_size)
        == (True, pair.method, framework, pair.batch)
    ]
    return f"{min(shown):.2f} to {max(shown):.2f} GiB in {len(shown)} rows"


def _answer(pair: Pair) -> str:
    card = find_card(pair.card)
    recipe = Recipe(
        steps=1000,
        curve_points=1,
        batch_size=pair.batch,
        max_length=pair.length,
        gradient_checkpointing=pair.checkpointing,
    )
    only = {"bits": None, "rank": None if pair.method == "full" else pair.rank, "rate": None}
    question = question_of(pair.model, recipe, "trainer", None, card.memory_bytes, "cuda", only, pair.method)
    return first_sentence(answer(pair.model, question, None, None, card))


HEAD = """# Can I fine-tune X on Y?

Twenty pairs of well-known models and cards, as `bench plan` answers them, each beside what others have published.
Nothing here was run on these cards by this project. `python benchmarks/plan/pairs.py > docs/results/plan.md` prints the
page.

**What to mind when comparing.** `bench plan` takes PEFT's and Trainer's defaults: with k-bit preparation, embeddings,
norms and head are float32, logits of every token are made, and adapters lie on all linear modules. Unsloth's contexts
and LitGPT's rows are of loops without that preparation, so that its 4-bit answers are higher. LLaMA-Factory's figures
are its own estimates, and say no length. The sources' GB are taken as they stand.
"""

if __name__ == "__main__":
    main()
