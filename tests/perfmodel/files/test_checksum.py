"""The sha256 of files and of values."""

from perfmodel.files.checksum import sha256_of, sha256_of_json

# Source: FIPS 180-4, the example for SHA-256.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_checksum_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == ABC


def test_the_order_of_keys_does_not_change_a_checksum_and_a_value_does():
    assert sha256_of_json({"a": 1, "b": [2.5, None]}) == sha256_of_json({"b": [2.5, None], "a": 1})
    assert sha256_of_json({"a": 1}) != sha256_of_json({"a": 1.5})
