"""Making tasks: the files it writes, the generators it refuses, and the extra it needs."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasets_cache.tasks.generate import main, make_rows, split_sizes, write_tasks
from datasets_cache.tasks.shipped import read_registry, read_shipped_task
from datasets_cache.tasks.sources.recipes import RECIPES, SIZES
from perfmodel.errors import InvalidTaskError, MissingExtraError, UnknownNameError


class FakeGym:
    """Stands in for reasoning-gym: example ``index`` asks for ``index % distinct``."""

    def __init__(self, distinct: int, answer: str | None = "yes") -> None:
        self.distinct = distinct
        self.answer = answer

    def create_dataset(self, name: str, *, seed: int, size: int, **parameters: Any) -> "FakeGym":
        del name, seed, size, parameters
        return self

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"question": f" {index % self.distinct}? ", "answer": self.answer}


def _use(monkeypatch: pytest.MonkeyPatch, gym: FakeGym | None) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", gym)


def test_a_small_generator_gives_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, FakeGym(distinct=660))
    rows = make_rows(RECIPES["number_sequence"])
    assert len({row["question"] for row in rows}) == len(rows) == 660
    assert [sum(row["split"] == split for row in rows) for split in ("train", "calibration", "held_out")] == [
        500,
        32,
        128,
    ]
    held_out = [row["index"] for row in rows if row["split"] == "held_out"]
    assert held_out != sorted(held_out)
    assert rows[0]["question"] == f"{rows[0]['index']}?"


def test_generators_that_cannot_make_a_task_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, FakeGym(distinct=100))
    with pytest.raises(InvalidTaskError, match="100 distinct questions"):
        make_rows(RECIPES["number_sequence"])
    _use(monkeypatch, FakeGym(distinct=700, answer=None))
    with pytest.raises(InvalidTaskError, match="the answer None"):
        make_rows(RECIPES["number_sequence"])


def test_without_reasoning_gym_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, None)
    with pytest.raises(MissingExtraError, match=r'pip install "perfmodel\[tasks\]"'):
        make_rows(RECIPES["number_sequence"])


def test_files_are_written_renewed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, FakeGym(distinct=700))
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"{name} 9")
    write_tasks(["number_sequence", "chain_sum"], tmp_path)
    before = (tmp_path / "number_sequence.parquet").read_bytes()
    monkeypatch.setitem(RECIPES, "more", replace(RECIPES["number_sequence"], description="One more entry."))
    assert main(["more", "number_sequence", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "number_sequence.parquet").read_bytes() == before
    assert sorted(read_registry(tmp_path)) == ["chain_sum", "more", "number_sequence"]
    assert read_shipped_task("more", tmp_path).description == "One more entry."
    monkeypatch.delitem(RECIPES, "more")
    assert main(["number_sequence", "--folder", str(tmp_path)]) == 0
    assert sorted(read_registry(tmp_path)) == ["chain_sum", "number_sequence"]
    assert not (tmp_path / "more.parquet").exists()
    assert capsys.readouterr().err == ""


def test_an_unknown_recipe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownNameError, match="chain_sum"):
        write_tasks(["none"], tmp_path)
    assert main(["none", "--folder", str(tmp_path)]) == 2
    assert "recipe 'none' is unknown" in capsys.readouterr().err


def test_split_sizes_shrink_in_proportion() -> None:
    assert split_sizes(5000, SIZES) == {"train": 1000, "calibration": 64, "held_out": 256}
    assert split_sizes(660, SIZES) == {"train": 500, "calibration": 32, "held_out": 128}
    assert split_sizes(200, SIZES) == {"train": 127, "calibration": 9, "held_out": 64}
    with pytest.raises(InvalidTaskError, match="distinct questions"):
        split_sizes(127, SIZES)
