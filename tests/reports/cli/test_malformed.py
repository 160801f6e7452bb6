"""Files that were damaged or made up: every reader refuses them by this project's own errors, or they are legal."""

import json
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from datasets_cache import load_task
from datasets_cache.base_models.config import model_config
from datasets_cache.files.checkpoint import open_checkpoint
from perfmodel.errors import PerfModelError
from perfmodel.model.supported import dense_architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.shipped import predictor_folder
from perfmodel.space.space import Configuration, Space
from perfmodel.timing.device_profiles import DeviceProfile, shipped_profiles
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Setting
from reports.run.suite import load_suite

ODD = (None, True, -1, 0, 0.5, 1e308, 10**30, float("inf"), "", "nan", "\x1b[31m", [], [[]], {}, {"a": {}}, "é" * 5000)
"""Values that replace one of a file's own."""

DEEP = "[" * 100_000


class Kind:
    """One kind of file: how a whole one is written, and how it is read.

    Args:
        name: of the kind.
        file: name of the file that is damaged.
        write: writes whole files into a folder.
        read: reads them from the folder.
        sealed: whether a checksum stands beside the content, so that any other content must be refused.
    """

    def __init__(
        self, name: str, file: str, write: Callable[[Path], object], read: Callable[[Path], object], *, sealed: bool
    ) -> None:
        self.name, self.file, self.write, self.read, self.sealed = name, file, write, read, sealed


def kinds(traces, model_folder: Path, suite_values: dict) -> list[Kind]:
    predictor = predictor_folder("smollm2-v1b/number_sequence")
    config = json.loads((model_folder / "config.json").read_text())
    profile = next(iter(shipped_profiles().values()))
    space = Space(4, (0.0, 0.3), (4, 8), (0, 8))
    rows = [{"question": f"{i} plus 1", "answer": str(i + 1)} for i in range(60)]

    def copied(folder: Path) -> None:
        shutil.copytree(predictor, folder, dirs_exist_ok=True)

    def store(folder: Path) -> None:
        with TraceStore.writer(folder / "traces.sqlite") as opened:
            for trace in traces:
                opened.add(trace)
        opened._connection.close()

    def stored(folder: Path) -> object:
        opened = TraceStore(folder / "traces.sqlite")
        try:
            return list(opened)
        finally:
            opened.close()

    def checkpoint(folder: Path) -> None:
        save_file({"model.norm.weight": np.ones(64, dtype=np.float32)}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config))

    def suite(folder: Path) -> None:
        (folder / "suite.yaml").write_text(yaml.safe_dump(suite_values))

    def text(name: str, content: str) -> Callable[[Path], object]:
        return lambda folder: (folder / name).write_text(content)

    return [
        Kind(
            "predictor",
            "predictor.json",
            copied,
            Predictor.load,
            sealed=True,
        ),
        Kind(
            "surrogate",
            "held_out_loss/damage.json",
            copied,
            Predictor.load,
            sealed=True,
        ),
        Kind(
            "profile",
            "profile.json",
            lambda folder: profile.save(folder / "profile.json"),
            lambda folder: DeviceProfile.load(folder / "profile.json"),
            sealed=True,
        ),
        Kind(
            "traces",
            "traces.parquet",
            lambda folder: write_traces(traces, folder / "traces.parquet"),
            lambda folder: read_traces(folder / "traces.parquet"),
            sealed=True,
        ),
        Kind("store", "traces.sqlite", store, stored, sealed=False),
        Kind(
            "config",
            "config.json",
            text("config.json", json.dumps(config)),
            lambda folder: dense_architecture(model_config(str(folder), print)),
            sealed=False,
        ),
        Kind("checkpoint", "model.safetensors", checkpoint, lambda folder: open_checkpoint(folder, "x"), sealed=False),
        Kind(
            "space",
            "space.json",
            text("space.json", space.to_json()),
            lambda folder: Space.from_json((folder / "space.json").read_text(errors="surrogateescape")),
            sealed=False,
        ),
        Kind(
            "lines",
            "own.jsonl",
            text("own.jsonl", "\n".join(map(json.dumps, rows))),
            lambda folder: load_task(str(folder / "own.jsonl")),
            sealed=False,
        ),
        Kind(
            "list",
            "own.json",
            text("own.json", json.dumps(rows)),
            lambda folder: load_task(str(folder / "own.json")),
            sealed=False,
        ),
        Kind("suite", "suite.yaml", suite, lambda folder: load_suite(str(folder / "suite.yaml")), sealed=False),
    ]


def damaged(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """Returns other bytes: flipped, cut, doubled, filled, nested without end, or with one value of another kind."""
    way = rng.randrange(8)
    if way < 3 and suffix in (".json", ".yaml", ".jsonl"):
        return _with_an_odd_value(content, suffix, rng)
    place = rng.randrange(len(content))
    if way < 4:
        return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]
    if way == 4:
        return content[:place]
    if way == 5:
        return content[:place] + content[place // 2 :]
    if way == 6:
        return content[:place] + rng.randbytes(rng.randrange(1, 40)) + content[place:]
    return rng.choice((b"", DEEP.encode(), b"\x00" * 100, b"a: &a [x]\nb: [*a, *a]", b"[1e999]", b'{"a": 1, "a": 2}'))


def _with_an_odd_value(content: bytes, suffix: str, rng: random.Random) -> bytes:
    whole = content.decode()
    lines = whole.split("\n") if suffix == ".jsonl" else [whole]
    number = rng.randrange(len(lines))
    values = yaml.safe_load(lines[number]) if suffix == ".yaml" else json.loads(lines[number])
    place, key = _a_place(values, rng)
    if rng.random() < 0.2:
        del place[key]
    else:
        place[key] = rng.choice(ODD)
    lines[number] = yaml.safe_dump(values) if suffix == ".yaml" else json.dumps(values)
    return "\n".join(lines).encode()


def _a_place(values, rng: random.Random):
    """Returns a dictionary or list anywhere inside, and one of its keys."""
    place = values
    while True:
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        below = place[key]
        if not isinstance(below, dict | list) or not below or rng.random() < 0.3:
            return place, key
        place = below


def attack(count: int, folder: Path, of: list[Kind]) -> dict[str, int]:
    """Returns how many of so many damaged files were refused, and were legal.

    Raises:
        AssertionError: when a reader fails by another error, takes over five seconds, or accepts what a checksum
            tells apart.
    """
    rng, found = random.Random(0), {"refused": 0, "legal": 0}
    for kind in of:
        place = folder / kind.name
        place.mkdir()
        kind.write(place)
        kind.read(place)
        file = place / kind.file
        content = file.read_bytes()
        for _ in range(count // len(of)):
            changed = damaged(content, file.suffix, rng)
            file.write_bytes(changed)
            begin = time.monotonic()
            try:
                kind.read(place)
            except PerfModelError:
                found["refused"] += 1
            else:
                assert not kind.sealed or changed == content or _same(changed, content), kind.name
                found["legal"] += 1
            assert time.monotonic() - begin < 30, kind.name
        file.write_bytes(content)
    return found


def _same(changed: bytes, content: bytes) -> bool:
    """Returns whether two JSON files hold the same values."""
    try:
        return bool(json.loads(changed) == json.loads(content))
    except ValueError:
        return False


@pytest.fixture
def of(fake_runner, model_folder, suite_values):
    setting = Setting("tiny", "a" * 64, "sums", "b" * 64, load_suite("default").recipe, "cpu")
    runs = [Asked(setting, Configuration(0.0, (4,) * 8, (8,) * 8), seed, "plan") for seed in range(3)]
    return kinds([fake_runner()(asked) for asked in runs], model_folder, suite_values)


def test_malformed_files_are_refused_by_our_own_errors(of, tmp_path):
    found = attack(220, tmp_path, of)
    assert found["refused"] > 130 and found["legal"] > 8


@pytest.mark.slow
def test_ten_thousand_malformed_files(of, tmp_path):
    begin = time.monotonic()
    found = attack(10_000, tmp_path, of)
    print(f"{found} in {time.monotonic() - begin:.0f} s")
