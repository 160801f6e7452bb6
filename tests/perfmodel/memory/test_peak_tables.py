"""The peak by look-up is the closed form's to the byte, whatever the model, the step and the device."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_shapes import CONFIG, LOAD, architectures, loads

from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import allocated_peaks
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Space

METHODS = (Methods(), Methods(adapter="dora"), Methods(adapter="qblora").with_format("hqq8g64"))

recipes = st.builds(
    Recipe,
    gradient_checkpointing=st.booleans(),
    dropout=st.sampled_from([0.0, 0.1]),
    optimizer=st.sampled_from(["adamw", "adamw_8bit", "paged_adamw_8bit"]),
)


def space_of(architecture: Architecture, methods: Methods = METHODS[0]) -> Space:
    return Space.for_architecture(architecture, methods=methods)


def vectors_of(space: Space, count: int, seed: int) -> np.ndarray:
    """Returns random vectors in which some unit has an adapter; in a third of them only one or two have."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(space.cardinalities, size=(count, len(space.cardinalities)))
    ranks = vectors[:, 1 + space.units :]
    ranks[: count // 3] *= rng.random(ranks[: count // 3].shape) < 1.5 / space.units
    ranks[np.arange(count), rng.integers(space.units, size=count)] = 3
    return vectors


def expected(space: Space, architecture: Architecture, recipe: Recipe, device_class: str, load: BatchLoad, vectors):
    return allocated_peaks(architecture, space.decode(vectors), recipe, load, device_class=device_class)


@given(architectures, st.sampled_from(METHODS), recipes, loads, st.sampled_from(["cpu", "cuda"]), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_it_is_the_closed_form_to_the_byte(architecture, methods, recipe, load, device_class, seed):
    space = space_of(architecture, methods)
    vectors = vectors_of(space, 30, seed)
    found = PeakTables(space, architecture, recipe, device_class, load)(vectors)
    assert (found == expected(space, architecture, recipe, device_class, load, vectors)).all()


def test_every_moment_of_a_step_can_be_the_highest():
    """Else the test above could pass with two of the three left out."""
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})
    space = space_of(architecture)
    vectors = vectors_of(space, 200, 0)
    seen = set()
    for load in (LOAD, BatchLoad(4, 32, 4000), BatchLoad(1, 1, 1)):
        tables = PeakTables(space, architecture, Recipe(), "cpu", load)
        whole = tables(vectors)
        for moment, column in (("loss", "_loss"), ("update", "_ending")):
            kept = getattr(tables, column)
            setattr(tables, column, -1e15)
            seen |= {moment} if (tables(vectors) < whole).any() else set()
            setattr(tables, column, -1e15 if moment == "loss" else kept)
        seen |= {"layer"} if (tables(vectors) == whole).any() else set()
    assert seen == {"loss", "layer", "update"}


def test_one_row_and_many_agree():
    architecture = Architecture.from_config(CONFIG | {"model_type": "gemma2"})
    space = space_of(architecture)
    tables = PeakTables(space, architecture, Recipe(), "cpu", LOAD)
    vectors = vectors_of(space, 1100, 1)
    whole = tables(vectors)
    assert (whole == np.concatenate([tables(row[None]) for row in vectors])).all()
    assert tables(vectors[:0]).shape == (0,)


def test_units_that_are_no_layers_are_refused():
    architecture = Architecture.from_config(CONFIG | {"model_type": "llama"})
    with pytest.raises(InvalidConfigurationError, match="the space has 56 units"):
        PeakTables(Space.for_architecture(architecture, unit="module"), architecture, Recipe(), "cpu", LOAD)
