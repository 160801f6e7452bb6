"""Croissant metadata: the fields that the specification asks for, and columns that are the file's."""

import json

import pyarrow.parquet as pq
import pytest

from datasets_cache.release.croissant import croissant, croissant_file
from datasets_cache.shelf.shelf import load_shelf, shelf_file, shelf_names
from perfmodel.files.checksum import sha256_of

TYPES = {"string": "sc:Text", "int64": "sc:Integer", "double": "sc:Float"}


@pytest.fixture(params=shelf_names())
def parquet(request):
    return shelf_file(request.param)


@pytest.fixture
def metadata(parquet):
    return json.loads(croissant_file(parquet).read_text())


def test_published_metadata_are_what_the_traces_say(parquet, metadata):
    assert metadata == croissant(parquet, load_shelf(parquet.stem).traces)


def test_the_data_set_has_what_the_specification_requires(parquet, metadata):
    assert metadata["@type"] == "sc:Dataset"
    assert metadata["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert metadata["name"] == parquet.stem
    assert metadata["license"].startswith("https://spdx.org/licenses/Apache-2.0")
    assert f"{len(load_shelf(parquet.stem).traces)} real fine-tunes of smollm2-135m" in metadata["description"]
    assert {"url", "version", "datePublished"} <= set(metadata)
    assert metadata["@context"]["cr"] == "http://mlcommons.org/croissant/"


def test_the_file_is_described_by_its_checksum(parquet, metadata):
    (file,) = metadata["distribution"]

    assert file["@type"] == "cr:FileObject" and file["encodingFormat"] == "application/x-parquet"
    assert (parquet.parent / file["contentUrl"]).samefile(parquet)
    assert file["sha256"] == sha256_of(parquet)
    assert file["contentSize"] == f"{parquet.stat().st_size} B"


def test_every_column_of_the_file_is_a_field_of_its_type(parquet, metadata):
    (records,) = metadata["recordSet"]
    schema = pq.read_schema(parquet)

    assert [field["source"]["extract"]["column"] for field in records["field"]] == schema.names
    assert records["key"] == {"@id": "traces/key"}
    for field, column in zip(records["field"], schema, strict=True):
        nested = str(column.type).startswith("list")
        assert field["dataType"] == TYPES[str(column.type.value_type if nested else column.type)]
        assert field.get("repeated", False) == nested
        assert field["source"]["fileObject"] == {"@id": parquet.name}
        assert len(field["description"]) > 10 and field["description"].endswith(".")
