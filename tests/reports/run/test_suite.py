"""What a suite may say, and how a mistake in one is told."""

import pytest
import yaml

from perfmodel.errors import InvalidConfigurationError, InvalidSuiteError, UserError
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from reports.run.suite import Suite, load_suite, parse_suite, shipped_suites

LEAST = {"name": "small", "task": "chain_sum"}


@pytest.fixture
def write_suite(tmp_path):
    def write(values):
        path = tmp_path / "suite.yaml"
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
        return str(path)

    return write


@pytest.mark.parametrize("name", shipped_suites())
def test_every_shipped_suite_loads(name):
    assert load_suite(name).name


def test_the_default_suite_is_shipped():
    suite = load_suite("default")

    assert suite.name == "default"
    assert suite.objectives == ("held_out_loss", "peak_memory_bytes")


def test_a_name_and_a_task_are_enough(write_suite):
    suite = load_suite(write_suite(LEAST))

    assert suite == Suite(**LEAST)
    assert suite.recipe == Recipe()


def test_overrides_reach_every_depth(write_suite):
    overrides = ["task=gcd", "recipe.steps=12", "collect.seeds=[3, 4]", "budget.peak_memory_bytes=450MB"]
    suite = load_suite(write_suite(LEAST), [*overrides, "search.evaluations.random=10", "validate.front=7"])

    assert suite.task == "gcd"
    assert suite.recipe.steps == 12
    assert suite.collect.seeds == (3, 4)
    assert suite.budget == {"peak_memory_bytes": 450e6}
    assert suite.search.evaluations == {"random": 10}
    assert suite.validation.front == 7


def test_an_override_wins_over_the_file_and_keeps_its_neighbours(write_suite):
    path = write_suite({**LEAST, "collect": {"configurations": 9, "seeds": [1]}, "validate": None})
    suite = load_suite(path, ["collect.seeds=[5]", "validate.front=2"])

    assert suite.collect.seeds == (5,)
    assert suite.collect.configurations == 9
    assert suite.validation.front == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("collect.seeds", "overrides read key=value"),
        ("=3", "overrides read key=value"),
        ("name.part=3", "name is no section"),
        ("collect.seeds.first=3", "collect.seeds is no section"),
        ("collect.seeds=[0, 1", "the value is YAML"),
        ("collect.sedes=[0]", "the key 'collect.sedes'.*did you mean 'seeds'"),
        ("recipe.stepz=3", "the key 'recipe.stepz'.*did you mean 'steps'"),
    ],
)
def test_a_bad_override_is_named(write_suite, override, message):
    path = write_suite({**LEAST, "collect": {"seeds": [0]}})

    with pytest.raises(InvalidSuiteError, match=message) as caught:
        load_suite(path, [override])
    assert path not in str(caught.value)  # the file is not to blame


@pytest.mark.parametrize(
    ("values", "key", "allowed", "meant"),
    [
        ({"taks": "gcd"}, "'taks'", "name, model, task", "'task'"),
        ({"validation": {}}, "'validation'", "search, validate", "'validate'"),
        ({"collect": {"sedes": [0]}}, "'collect.sedes'", "configurations, repeated", "'seeds'"),
        ({"search": {"evaluation": {}}}, "'search.evaluation'", "evaluations, batch, seed", "'evaluations'"),
        (
            {"validate": {"fronts": 3}},
            "'validate.fronts'",
            "front, random, references, reference_runs, seeds, keep",
            "'front'",
        ),
        ({"recipe": {"learning_rat": 0.1}}, "'recipe.learning_rat'", "steps, batch_size", "'learning_rate'"),
    ],
)
def test_a_misspelt_key_is_named_with_what_is_allowed_and_what_was_meant(values, key, allowed, meant):
    with pytest.raises(InvalidSuiteError) as caught:
        parse_suite({**LEAST, **values})

    assert key in caught.value.given
    assert allowed in caught.value.allowed
    assert caught.value.action == f"did you mean {meant}?"


def test_a_misspelt_key_is_told_before_the_one_that_is_missing_for_it():
    with pytest.raises(InvalidSuiteError, match=r"the key 'taks'.*did you mean 'task'"):
        parse_suite({"name": "small", "taks": "gcd"})


def test_a_key_like_no_other_gets_no_guess():
    with pytest.raises(InvalidSuiteError, match=r"use one of these"):
        parse_suite({**LEAST, "zzzz": 1})


def test_a_missing_key_is_named():
    with pytest.raises(InvalidSuiteError, match=r"the suite lacks 'task'"):
        parse_suite({"name": "small"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objectives": ["held_out_loss", "acuracy"]}, "metric 'acuracy' is unknown.*did you mean 'accuracy'"),
        ({"budget": {"peak_memory": 1}}, "metric 'peak_memory' is unknown.*did you mean 'peak_memory_bytes'"),
        ({"fit": {"metrics": ["loss"]}}, "metric 'loss' is unknown; known are held_out_loss"),
        ({"fit": {"surrogates": ["boosed"]}}, "surrogate 'boosed' is unknown.*did you mean 'boosted'"),
        ({"search": {"evaluations": {"nsga": 9}}}, "searcher 'nsga' is unknown.*did you mean 'nsga2'"),
        ({"search": {"evaluations": {}}}, "search.evaluations is {}.*at least 1"),
        ({"search": {"evaluations": {"random": 0}}}, "search.evaluations.random is 0.*at least 1"),
        ({"objectives": ["held_out_loss", "step_time_s"]}, "'step_time_s' is an objective or budget.*add it there"),
        ({"budget": {"weight_bytes": 1e9}}, "'weight_bytes' is an objective or budget"),
        ({"objectives": ["accuracy"]}, "objectives is .*at least 2"),
        ({"objectives": ["accuracy", "accuracy"]}, "each counts once"),
        ({"budget": {"peak_memory_bytes": "12 parsecs"}}, "budget.peak_memory_bytes is '12 parsecs'.*450MB or 12GiB"),
        ({"collect": {"workers": "many"}}, "collect.workers is 'many'.*auto"),
        ({"collect": {"workers": 0}}, "collect.workers is 0.*auto"),
        ({"collect": {"seeds": []}}, "collect.seeds is .*at least 1"),
        ({"collect": 3}, "collect is 3"),
        ({"device": "tpu"}, "device is 'tpu'.*'auto', 'cpu' or 'cuda'"),
        ({"name": "../up"}, "name is '../up'"),
        ({"recipe": {"steps": "many"}}, "recipe.steps is 'many'"),
        ({"recipe": {"schedule": "step"}}, "recipe.schedule is 'step'.*'constant', 'linear' or 'cosine'"),
    ],
)
def test_an_illegal_value_is_named_with_what_is_allowed(values, message):
    with pytest.raises(InvalidSuiteError, match=message):
        parse_suite({**LEAST, **values})


def test_a_recipe_that_no_trial_could_run_with_is_refused():
    with pytest.raises(InvalidConfigurationError, match=r"recipe.steps is 0; allowed is 1 or more"):
        parse_suite({**LEAST, "recipe": {"steps": 0}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is no YAML"),
        ("name: a\n\ttask: b", "is no YAML"),
        ("!!python/object:os.system {}", "is no YAML"),
        ("", "holds no mapping"),
        ("- name", "holds no mapping"),
    ],
)
def test_a_file_that_is_no_mapping_in_yaml_is_named(write_suite, text, message):
    path = write_suite(text)

    with pytest.raises(InvalidSuiteError, match=rf"{path} {message}"):
        load_suite(path, ["name=a"])


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "suite.yaml").write_bytes(b"\xff\xfe\x00name")

    with pytest.raises(InvalidSuiteError, match=r"is no YAML"):
        load_suite(str(tmp_path / "suite.yaml"))


def test_an_unknown_suite_is_told_with_the_shipped_ones():
    with pytest.raises(InvalidSuiteError, match=r"there is no suite 'defualt'.*default.*did you mean 'default'"):
        load_suite("defualt")


def test_every_mistake_in_a_suite_is_the_users():
    assert issubclass(InvalidSuiteError, UserError)
    assert InvalidSuiteError.exit_code == 2


def test_methods_and_units_reach_the_space(write_suite):
    values = {**LEAST, "space": {"unit": "module"}, "methods": {"initializer": "loftq2", "formats": ["fp4", "hqq2g32"]}}
    suite = load_suite(write_suite(values))
    assert suite.space.unit == "module"
    assert suite.methods.chosen() == Methods(initializer="loftq2").with_format("fp4").with_format("hqq2g32")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"initializer": "magic"}, "initializer is 'magic'.*loftq1"),
        ({"formats": ["nf5"]}, "'nf5'.*nf4"),
        ({"adapter": "qblora", "initializer": "pissa"}, "pooled"),
        ({"inititalizer": "zero"}, "did you mean 'initializer'"),
    ],
)
def test_a_wrong_method_is_told(write_suite, section, message):
    with pytest.raises(UserError, match=message):
        load_suite(write_suite({**LEAST, "methods": section}))


@pytest.mark.parametrize("section", [{"executor": "slurm"}, {"keep": "all"}, {"retry": ["maybe"]}, {"gpu_share": 0}])
def test_a_wrong_executor_or_keep_is_told(write_suite, section):
    with pytest.raises(InvalidSuiteError, match=f"collect.{next(iter(section))}"):
        load_suite(write_suite({**LEAST, "collect": section}))


@pytest.mark.parametrize("plan", ["design", "pilot", "capacity", "run_lengths"])
def test_a_number_that_a_plan_settles_itself_is_refused(write_suite, plan):
    with pytest.raises(InvalidSuiteError, match=f"collect.configurations stands beside collect.plan={plan}"):
        load_suite(write_suite({**LEAST, "collect": {"plan": plan, "configurations": 4}}))
    assert load_suite(write_suite({**LEAST, "collect": {"plan": plan, "seeds": [1, 2]}})).collect.seeds == (1, 2)


def test_own_data_are_found_from_any_folder_and_a_shipped_task_keeps_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").touch()
    for name in ("chain_sum", "boolq"):
        (tmp_path / name).mkdir()

    assert load_suite("default", ["task=mine.csv"]).task == str(tmp_path / "mine.csv")
    assert load_suite("default", ["task=chain_sum"]).task == "chain_sum"
    assert load_suite("default", ["task=boolq"]).task == "boolq"
    assert load_suite("default", ["task=none.csv"]).task == "none.csv"
