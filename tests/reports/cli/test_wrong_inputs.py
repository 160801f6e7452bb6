"""Every kind of wrong input: its exit code, the word that its message holds, no fine-tune, and no folder left behind."""

import json
import sys

import pytest
import yaml

from reports.cli.main import main
from reports.run.run import Run

PLAN = ("plan", "--model", "{model}/config.json", "--batch", "8", "--length", "64", "--device", "cpu")

WRONG_INPUTS = [
    # suites: the file
    (("run", "nowhere.yaml"), 2, "there is no suite"),
    (("run", "defualt"), 2, "did you mean 'default'"),
    (("run", "broken.yaml"), 2, "is no YAML"),
    (("run", "twice.yaml"), 2, "task is given twice"),
    (("run", "list.yaml"), 2, "no mapping"),
    (("run", "keys.yaml"), 2, "is no YAML"),
    (("run", "alias.yaml"), 2, "an alias"),
    (("run", "."), 2, "there is no suite"),
    # keys of a suite, and their values
    (("run", "s.yaml", "taks=gcd"), 2, "did you mean 'task'"),
    (("run", "s.yaml", "collect.sedes=[0]"), 2, "did you mean 'seeds'"),
    (("run", "s.yaml", "steps"), 2, "key=value"),
    (("run", "s.yaml", "name.x=3"), 2, "no section"),
    (("run", "s.yaml", "collect.seeds=[0", "fit.shelf=null"), 2, "the value is YAML"),
    (("run", "s.yaml", "recipe.steps=3", "recipe.steps=4"), 2, "recipe.steps is given 2 times"),
    (("run", "s.yaml", "name=a/b"), 2, "letters, digits"),
    (("run", "s.yaml", "device=tpu"), 2, "'cuda'"),
    (("run", "s.yaml", "objectives=[held_out_loss]"), 2, "at least 2"),
    (("run", "s.yaml", "objectives=[held_out_loss,held_out_loss]"), 2, "counts once"),
    (("run", "s.yaml", "objectives=[held_out_loss,speed]"), 2, "speed"),
    (("run", "s.yaml", "collect.seeds=3"), 2, "a list, such as"),
    (("run", "s.yaml", "collect.configurations=many"), 2, "a whole number"),
    (("run", "s.yaml", "collect.configurations=-1"), 2, "at least 0"),
    (("run", "s.yaml", "collect.configurations=2", "collect.baselines=false"), 2, "a surrogate needs 10"),
    (("run", "s.yaml", "collect.baselines=perhaps"), 2, "true or false"),
    (("run", "s.yaml", "collect.plan=pilot"), 2, "only the plan stratified"),
    (("run", "s.yaml", "collect.workers=0"), 2, "1 or more"),
    (("run", "s.yaml", "collect.timeout_s=.inf"), 2, "not infinite"),
    (("run", "s.yaml", "collect.retry=[maybe]"), 2, "'oom'"),
    (("run", "s.yaml", "search.evaluations=300"), 2, "keys and values"),
    (("run", "s.yaml", "search.evaluations={anneal: 9}"), 2, "anneal"),
    (("run", "s.yaml", "search.evaluations={random: 0}"), 2, "at least 1"),
    (("run", "s.yaml", "fit.surrogates=[oracle]"), 2, "oracle"),
    (("run", "s.yaml", "fit.shelf=smollm9"), 2, "smollm9"),
    (("run", "s.yaml", "validate.front=0"), 2, "at least 1"),
    # the recipe
    (("run", "s.yaml", "recipe.learning_rate=.inf"), 2, "finite"),
    (("run", "s.yaml", "recipe.learning_rate=.nan"), 2, "finite"),
    (("run", "s.yaml", "recipe.learning_rate=0"), 2, "above 0"),
    (("run", "s.yaml", "recipe.learning_rate=fast"), 2, "a number"),
    (("run", "s.yaml", "recipe.steps=0"), 2, "1 or more"),
    (("run", "s.yaml", "recipe.dropout=1"), 2, "[0, 1)"),
    (("run", "s.yaml", "recipe.optimizer=sgd"), 2, "adamw"),
    (("run", "s.yaml", "recipe.max_length=2"), 2, "raise recipe.max_length"),
    # the space and the methods
    (("run", "s.yaml", "space.bits=[4,5]"), 2, "(2, 3, 4, 8, 16)"),
    (("run", "s.yaml", "space.bits=[8,4]"), 2, "rising"),
    (("run", "s.yaml", "space.bits=4"), 2, "a list, such as"),
    (("run", "s.yaml", "space.ranks=[0,999]"), 2, "rank 999 is larger"),
    (("run", "s.yaml", "space.ranks=[0]"), 2, "above 0"),
    (("run", "s.yaml", "space.pruning_rates=[0.0,1.5]"), 2, "[0, 1)"),
    (("run", "s.yaml", "space.unit=block"), 2, "'module'"),
    (("run", "s.yaml", "methods.adapter=magic"), 2, "magic"),
    (("run", "s.yaml", "methods.formats=[fp4,nf4]"), 2, "fp4 is given for 4 bits already"),
    (("run", "s.yaml", "methods.formats=[fp5]"), 2, "fp5"),
    # budgets
    (("run", "s.yaml", "budget=0"), 2, "above 0"),
    (("run", "s.yaml", "budget=12"), 1, "the smallest model"),
    (("run", "s.yaml", "budget=12 bytes"), 2, "450MB"),
    (("run", "s.yaml", "budget.peak_memory_bytes=-3"), 2, "no quantity"),
    (("run", "s.yaml", "budget.accuracy=2"), 2, "at most 1"),
    (("run", "s.yaml", "budget.memory=1GB"), 2, "memory"),
    (("run", "s.yaml", "budget.step_time_s=1"), 2, "fit.metrics"),
    # tasks and models
    (("run", "s.yaml", "task=gdc"), 2, "there is no task"),
    (("run", "s.yaml", "task=nowhere.jsonl"), 2, "cannot be read"),
    (("run", "s.yaml", "task=alike.jsonl"), 2, "every answer"),
    (("run", "s.yaml", "task=few.jsonl"), 2, "at least 16"),
    (("run", "s.yaml", "task=text.jsonl"), 2, "is not JSON"),
    (("run", "s.yaml", "task=unanswered.jsonl"), 2, "lacks the key 'answer'"),
    (("run", "s.yaml", "model=./nowhere"), 2, "there is no base model"),
    (("run", "s.yaml", "model=empty"), 2, "config.json"),
    (("run", "s.yaml", "--folder", "few.jsonl/run"), 2, "--folder"),
    # stages and files of runs
    (("fit", "s.yaml"), 2, "bench collect"),
    (("report", "s.yaml"), 2, "bench collect"),
    (("export", "nowhere", "model"), 2, "no validated fine-tunes"),
    (("evaluate", "nowhere"), 2, "nowhere"),
    (("open", "nowhere"), 2, "has a report"),
    (("traces", "export", "nowhere", "t.parquet"), 2, "trace store"),
    (("traces", "import", "few.jsonl", "into"), 2, "few.jsonl"),
    (("data", "show", "smollm9"), 2, "smollm9"),
    (("data", "export", "smollm2-v1b", "--to", "t.xls"), 2, ".parquet"),
    (("data", "verify", "nowhere.parquet"), 2, "nowhere.parquet"),
    (("data", "fetch", "smollm9"), 2, "smollm9"),
    # the planner
    (PLAN, 2, "--budget"),
    ((*PLAN, "--budget", "much"), 2, "12GiB"),
    ((*PLAN, "--budget", "0"), 2, "above 0"),
    ((*PLAN, "--budget", "1GiB", "--gpu", "RTX-4090"), 2, "--gpu"),
    ((*PLAN, "--budget", "1GiB", "--bits", "5"), 2, "--bits"),
    ((*PLAN, "--budget", "1GiB", "--rate", "1.5"), 2, "--rate"),
    ((*PLAN, "--budget", "1GiB", "--rank", "999"), 2, "999"),
    ((*PLAN, "--budget", "1GiB", "--loop", "mine"), 2, "--loop"),
    ((*PLAN, "--budget", "1GiB", "--optimizer", "sgd"), 2, "adamw"),
    ((*PLAN, "--budget", "1GiB", "--predictor", "nowhere"), 2, "no predictor"),
    ((*PLAN, "--budget", "1GiB", "--predictor", "smollm2-v1b/chain_sum"), 2, "the predictor is of smollm2-135m"),
    ((*PLAN, "--budget", "1KB"), 1, "budget"),
    # comparisons
    (("compare", "--searchers", "anneal"), 2, "anneal"),
    (("compare", "--shelf", "smollm9"), 2, "smollm9"),
    (("compare", "--evaluations", "many"), 2, "--evaluations"),
    (("live", "s.yaml", "--seeds", "x"), 2, "--seeds"),
    (("challenge", "s.yaml", "--against", "nothing"), 2, "nothing"),
    # the command line itself
    (("collekt",), 2, "collekt"),
    (("run", "s.yaml", "--fodler", "x"), 2, "--fodler"),
    (("plan", "--batch", "eight"), 2, "--batch"),
]


@pytest.fixture
def folder(suite_values, tmp_path, monkeypatch):
    """A working folder with a good suite and bad files; a fine-tune that starts fails the test."""
    sums = [
        {"question": f"{left} plus {right}", "answer": str(left + right)} for left in range(9) for right in range(9)
    ]
    files = {
        "s.yaml": yaml.safe_dump(suite_values),
        "broken.yaml": "name: [a\ntask: b\n",
        "twice.yaml": "name: a\ntask: gcd\ntask: chain_sum\n",
        "list.yaml": "- a\n",
        "keys.yaml": "[a, b]: c\n",
        "alias.yaml": "name: &a [x]\ntask: [*a, *a]\n",
        "alike.jsonl": "\n".join(json.dumps(each | {"answer": "yes"}) for each in sums),
        "few.jsonl": "\n".join(map(json.dumps, sums[:9])),
        "text.jsonl": "one plus one\n",
        "unanswered.jsonl": json.dumps({"question": "1 plus 1"}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)

    def started(*_):
        raise AssertionError("a fine-tune was started")

    monkeypatch.setattr(Run, "executor", started)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "word"), WRONG_INPUTS, ids=[" ".join(case[0])[:70] for case in WRONG_INPUTS]
)
def test_wrong_input_is_one_sentence_before_anything_runs(
    folder, model_folder, monkeypatch, capsys, arguments, code, word
):
    before = sorted(folder.rglob("*"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["bench", *(each.replace("{model}", str(model_folder)) for each in arguments)])

    with pytest.raises(SystemExit) as ended:
        main()

    told = capsys.readouterr()
    assert ended.value.code == code, told.err
    assert word in told.err + told.out and "Traceback" not in told.err
    assert sorted(folder.rglob("*")) == before
