"""Writes a validated configuration of a run, as it was fine-tuned, to a folder that others can load.

<to>/               the model in our own format (``collectors.trial.saved_model.load_model`` brings it back)
<to>/README.md      what it is, how it was scored, how to load it and how to ask it
<to>/peft_adapter/  where PEFT alone can use it: adapters for the unpruned base model
<to>/train_peft.py  where transformers can load all of its weights: the same fine-tune on your own data
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError, StageOrderError, UnknownNameError
from perfmodel.files.json_file import read_json, read_json_object
from perfmodel.files.sizes import size_text
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import ADAPTERS
from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.space import Configuration
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace
from reports.figures.words import described
from reports.report.choice import Noise, choices
from reports.report.record import measured_over
from reports.run.progress import bar
from reports.training_files.training import Training
from reports.training_files.write import write_training_file

if TYPE_CHECKING:
    from datasets_cache.files.checkpoint import BaseModel

EXAMPLE = "What is 2 + 2?"
"""Question in the text beside an exported model."""

KEPT_BASE = ("zero", "gaussian", "orthogonal", "eva", "qera_diag", "qera_exact", "loftq1")
"""Initialisers after which the base is the quantised model itself, so that its adapters fit the published one."""


def export(run_folder: Path, to: Path, name: str | None, say: Callable[[str], None]) -> Path:
    """Returns the folder of the exported model.

    Args:
        run_folder: of a run whose validation is done.
        to: new or empty.
        name: of a validated configuration as the report calls it, such as ``B``, or its identifier; None takes the
            recommended one.
        say: told what is going on.

    Raises:
        StageOrderError: when the run has not been validated, or its trials kept no adapters.
        UnknownNameError: when no validated configuration has that name.
        InfeasibleBudgetError: when none of the trials ended well within the budget.
        OutputFolderError: when the folder is not empty or cannot be written.
    """
    traces_file = run_folder / "validate" / "traces.parquet"
    if not traces_file.is_file():
        raise StageOrderError(
            f"{run_folder} holds no validated fine-tunes", "a run whose validation is done", "run bench run first"
        )
    runs = _runs_by_name(run_folder, [trace for trace in read_traces(traces_file) if trace.ok])
    chosen = recommended(run_folder, runs) if name is None else _found(runs, name)
    trace = min(runs[chosen], key=lambda each: each.measured.held_out_loss or float("inf"))
    say(f"export: {_described(chosen, trace)}")
    _write(trace, run_folder, to)
    return to


def recommended(run_folder: Path, runs: Mapping[str, Sequence[Trace]]) -> str:
    """Returns the name of the configuration that the report recommends.

    Args:
        run_folder: of a run whose validation is done.
        runs: fine-tunes that ended well, by the name of their configuration.

    Raises:
        InfeasibleBudgetError: when none is within the budget.
    """
    suite = read_json_object(run_folder / "suite.json")
    effects = read_json_object(run_folder / "fit" / "effects.json")["effects"]
    metrics = {LOSS, PEAK, *suite["budget"]}
    rows = [
        {"name": name, "measured": {metric: measured_over(metric, traces) for metric in metrics}}
        for name, traces in runs.items()
    ]
    found = choices(rows, Noise.of(effects, rows), suite["budget"], None).recommended
    if found is None:
        raise InfeasibleBudgetError(
            "no fine-tune ended well within the budget",
            "one is needed to be recommended",
            "name a configuration with --configuration, or raise the budget",
        )
    return found


def _runs_by_name(run_folder: Path, traces: Sequence[Trace]) -> dict[str, list[Trace]]:
    plan = read_json(run_folder / "validate" / "plan.json")
    names = {Configuration.from_dict(each["configuration"]).identifier: each["name"] for each in plan}
    runs: dict[str, list[Trace]] = {}
    for trace in traces:
        runs.setdefault(names[trace.asked.configuration.identifier], []).append(trace)
    return runs


def _found(runs: Mapping[str, Sequence[Trace]], name: str) -> str:
    for known, traces in runs.items():
        if name.lower() in (known.lower(), traces[0].asked.configuration.identifier):
            return known
    raise UnknownNameError(
        f"no validated configuration is called {name!r}",
        f"validated are {', '.join(runs)}",
        "choose one of these",
    )


def _described(name: str, trace: Trace) -> str:
    measured = trace.measured
    return (
        f"{name} ({described(trace.asked.configuration.to_dict())}), seed {trace.asked.seed}, held-out loss "
        f"{measured.held_out_loss:.3f}, peak memory {size_text(measured.peak_memory_bytes)}"
    )


def _write(trace: Trace, run_folder: Path, to: Path) -> None:
    from collectors.trial.checkpoint import Checkpoints, load_adapter
    from collectors.trial.model_builder import ModelBuilder
    from collectors.trial.saved_model import save_adapter, save_model

    asked = trace.asked
    adapter = Checkpoints(run_folder / "checkpoints").finished(asked)
    if adapter is None:
        raise StageOrderError(
            f"the adapters of {asked.configuration.identifier} with seed {asked.seed} were not kept",
            "trials keep them when validate.keep is adapter",
            "run bench validate again with validate.keep=adapter in a new folder",
        )
    with bar("building the model", None):
        builder = ModelBuilder(asked.setting)
        built = builder.build(asked.configuration, asked.seed)
        load_adapter(adapter, built.model)
    with bar("writing", None):
        details: dict[str, Any] = {"trace": trace.asked.key, "configuration": asked.configuration.to_dict()}
        setting = {"task": asked.setting.task_name, "recipe": asked.setting.recipe.to_dict(), "seed": asked.seed}
        batch = {"tokens": trace.measured.largest_batch_tokens, "scored": trace.measured.largest_batch_answer_tokens}
        details |= {**setting, "largest_batch": batch}
        save_model(to, built, builder.base, details, builder.chat_template)
        if fits_published_base(trace):
            save_adapter(built.model, builder.base, to / "peft_adapter")
            _write_script(trace, builder.base, to)
        text = _readme(trace, builder.base.name, set(built.formats.values()), chat=builder.chat_template is not None)
        (to / "README.md").write_text(text, encoding="utf-8")
        for path in to.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)


def _write_script(trace: Trace, base: "BaseModel", to: Path) -> None:
    """Writes the script that repeats the fine-tune with PEFT and Trainer on a user's own data, where they can."""
    asked = trace.asked
    architecture = Architecture.from_config(base.config)
    with suppress(InvalidConfigurationError):  # no library loads layers of different widths
        training = Training(base.name, architecture, asked.configuration, asked.setting.recipe)
        write_training_file("peft", training, described(asked.configuration.to_dict()), to)


def fits_published_base(trace: Trace) -> bool:
    """Returns whether the adapters of a trial fit the unpruned base model, so that PEFT alone can load them."""
    methods = trace.asked.configuration.methods
    return (
        not trace.asked.configuration.pruning_rate
        and methods.initializer in KEPT_BASE
        and not ADAPTERS[methods.adapter].pooled
    )


def _readme(trace: Trace, base: str, formats: Collection[str], *, chat: bool) -> str:
    """Returns the text beside an exported model: what it is, its scores, how to load it and how to ask it."""
    asked, measured = trace.asked, trace.measured
    recipe = asked.setting.recipe
    accuracy = "" if measured.accuracy is None else f", accuracy {measured.accuracy:.3f}"
    asking, explained = _chatting() if chat else _asking()
    text = f"""# {base}, fine-tuned on {Path(asked.setting.task).stem}

{described(asked.configuration.to_dict()).capitalize()}. Formats: {", ".join(sorted(formats))}. {recipe.steps} steps of
{recipe.batch_size} examples, seed {asked.seed}.
Held-out loss {measured.held_out_loss:.4f} nats per answer token{accuracy}
({measured.accuracy_examples} examples, one run), peak of training {size_text(measured.peak_memory_bytes)}.

Load it with the package perfmodel:

```python
from pathlib import Path
from collectors.trial.saved_model import load_model
from transformers import AutoTokenizer

model, tokenizer = load_model(Path("."), "cpu"), AutoTokenizer.from_pretrained(".")
{asking}
print(tokenizer.decode(model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :]))
```

{explained}
"""
    if not fits_published_base(trace):
        return text
    return (
        text
        + f"""
`peft_adapter/` holds the adapter alone: `PeftModel.from_pretrained(base, "peft_adapter")`, where `base` is {base}.
"""
    )


def _asking() -> tuple[str, str]:
    """Returns the line that makes token ids of a question, and what it does in words."""
    from collectors.scoring.encode import PROMPT_END

    prompt = PROMPT_END.replace("\n", "\\n")
    return (
        f'ids = tokenizer("{EXAMPLE}{prompt}", return_tensors="pt")["input_ids"]',
        f"The prompt is the question and `{prompt}`; the answer follows after a space and ends with the end token.\n"
        "Tasks of the hub that are scored by the likelihood of choices, or by a generated text, take their prompt\n"
        "word for word instead.",
    )


def _chatting() -> tuple[str, str]:
    """Returns the lines that make token ids of a chat, and what they do in words."""
    return (
        f'chat = [{{"role": "user", "content": "{EXAMPLE}"}}]\n'
        "ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True, "
        'return_tensors="pt")["input_ids"]',
        "The prompt is the chat so far, as the chat template beside the tokenizer writes it. It was trained on that.",
    )
