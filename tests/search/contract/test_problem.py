"""Directions are flipped once, budgets are charged relative to their limits, back ends are checked."""

import numpy as np
import pytest

from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError, UnknownNameError, UserError
from perfmodel.space.space import Configuration, Space
from search import AbstractProblem, Evaluation, SurrogateProblem

SPACE = Space(2)
METRICS = ("accuracy", "peak_memory_bytes", "step_time_s")


def predict(vectors: np.ndarray) -> np.ndarray:
    """Returns accuracy, memory and time that follow the first layer's bits and rank."""
    return np.column_stack([vectors[:, 1] / 10, 100.0 + 50 * vectors[:, 3], np.ones(len(vectors))])


def problem(**budget: float) -> SurrogateProblem:
    return SurrogateProblem(SPACE, METRICS[:2], predict, metrics=METRICS, budget=budget)


CONFIGURATIONS = [Configuration(0.0, (2, 2), (2, 0)), Configuration(0.0, (16, 2), (4, 0))]


def test_a_maximised_metric_is_negated() -> None:
    evaluation = problem().evaluate(CONFIGURATIONS)
    assert evaluation.objectives.tolist() == [[0.0, 150.0], [-0.4, 200.0]]
    assert evaluation.violations.tolist() == [0.0, 0.0]


def test_a_ceiling_and_a_floor_are_charged_relative_to_the_limit() -> None:
    assert problem(peak_memory_bytes=160.0).evaluate(CONFIGURATIONS).violations == pytest.approx([0.0, 0.25])
    assert problem(accuracy=0.5).evaluate(CONFIGURATIONS).violations == pytest.approx([1.0, 0.2])


def test_violations_of_several_budgets_add_up_and_need_no_objective() -> None:
    both = problem(peak_memory_bytes=160.0, step_time_s=0.5).evaluate(CONFIGURATIONS)
    assert both.violations == pytest.approx([1.0, 1.25])


def test_vectors_and_configurations_agree() -> None:
    vectors = SPACE.encode(CONFIGURATIONS)
    fast, slow = problem().evaluate_vectors(vectors), problem().evaluate(CONFIGURATIONS)
    assert (fast.objectives == slow.objectives).all()


def test_another_back_end_is_one_method() -> None:
    class Table(AbstractProblem):
        def measure(self, vectors: np.ndarray) -> np.ndarray:
            return np.full((len(vectors), 1), np.nan)

    evaluation = Table(SPACE, ["held_out_loss"], budget={"held_out_loss": 1.0}).evaluate(CONFIGURATIONS)
    assert not evaluation.measured.any()


def test_unknown_names_and_limits_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="not measured here"):
        SurrogateProblem(SPACE, ["held_out_loss"], predict, metrics=METRICS)
    with pytest.raises(UnknownNameError, match="weight_bytes"):
        problem(weight_bytes=1.0)
    with pytest.raises(UnknownNameError, match="metric 'speed' is unknown"):
        SurrogateProblem(SPACE, ["speed"], predict)
    with pytest.raises(InfeasibleBudgetError, match="above 0"):
        problem(peak_memory_bytes=0.0)


def test_illegal_configurations_are_refused() -> None:
    with pytest.raises(InvalidConfigurationError):
        problem().evaluate([Configuration.uniform(2, bits=4, rank=0)])


def test_a_back_end_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(UserError, match="shape"):
        SurrogateProblem(SPACE, METRICS[:2], predict).evaluate(CONFIGURATIONS)


@pytest.mark.parametrize(
    ("objectives", "violations"),
    [(np.zeros(3), np.zeros(3)), (np.zeros((3, 2)), np.zeros(2)), (np.zeros((1, 2)), np.asarray([-0.1]))],
)
def test_evaluations_that_make_no_sense_are_refused(objectives: np.ndarray, violations: np.ndarray) -> None:
    with pytest.raises(UserError):
        Evaluation(objectives, violations)
