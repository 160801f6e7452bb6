"""Quantised modules that are made once: in memory, on disk, and what happens to files that are not as they should be."""

import multiprocessing

import pytest
import torch

from collectors.pruning.prune import Cut, PrunedLinear
from collectors.quantizers import QUANTIZERS, linear_of, stored_bytes
from collectors.quantizers import cache as library_module
from collectors.quantizers.cache import QuantizedLibrary
from perfmodel.errors import InvalidConfigurationError

SHA256 = "0123456789abcdef" * 4
CPU = torch.device("cpu")


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return linear_of(torch.randn(96, 128) * 0.1, torch.randn(96))


@pytest.fixture
def make(tmp_path):
    """Makes a library of its own memory over the test's folder."""

    def make_library(folder=tmp_path / "quantized", dtype=torch.float32):
        return QuantizedLibrary(SHA256, dtype, CPU, folder)

    return make_library


@pytest.fixture
def made(monkeypatch):
    """Names of the formats that were quantised, in order."""
    names = []
    original = library_module.AbstractQuantizer.quantize

    def counted(self, *arguments):
        names.append(self.format.name)
        return original(self, *arguments)

    monkeypatch.setattr(library_module.AbstractQuantizer, "quantize", counted)
    return names


def path_of(tmp_path, name, place="3.q_proj", dtype="float32"):
    return tmp_path / "quantized" / SHA256[:12] / f"{name}-{dtype}-cpu" / f"{place}.safetensors"


def same(module, other):
    x = torch.linspace(-1, 1, 3 * 128).reshape(3, 128)
    return torch.equal(module(x), other(x)) and stored_bytes(module) == stored_bytes(other)


KEPT = [name for name in QUANTIZERS if name != "bf16"]


@pytest.mark.parametrize("name", KEPT)
def test_from_memory_and_from_disk_it_is_the_module_that_was_quantised(name, make, made, linear, tmp_path):
    expected = QUANTIZERS[name].quantize(linear, torch.float32)
    made.clear()
    library = make()
    first, second = (library.get("3.q_proj", linear, QUANTIZERS[name]) for _ in range(2))
    third = make().get("3.q_proj", linear, QUANTIZERS[name])

    assert made == [name]
    assert path_of(tmp_path, name).is_file()
    assert all(same(module, expected) for module in (first, second, third))
    assert first is not second  # what wraps one must not wrap the other
    assert first.bias.data_ptr() == second.bias.data_ptr()


def test_places_formats_models_and_types_do_not_mix(make, made, linear, tmp_path):
    other = linear_of(linear.weight * 2, linear.bias)
    make().get("3.q_proj", linear, QUANTIZERS["nf4"])
    assert same(make().get("4.q_proj", other, QUANTIZERS["nf4"]), QUANTIZERS["nf4"].quantize(other, torch.float32))
    made.clear()
    make().get("3.q_proj", linear, QUANTIZERS["fp4"])
    make(dtype=torch.bfloat16).get("3.q_proj", linear, QUANTIZERS["nf4"])
    QuantizedLibrary("f" * 64, torch.float32, CPU, tmp_path / "quantized").get("3.q_proj", linear, QUANTIZERS["nf4"])

    assert made == ["fp4", "nf4", "nf4"]


def test_sixteen_bits_are_not_kept(make, made, linear, tmp_path):
    library = make()
    for _ in range(2):
        library.get("3.q_proj", linear, QUANTIZERS["bf16"])

    assert made == ["bf16", "bf16"]
    assert not list(tmp_path.rglob("*.safetensors"))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)


def scribble(path):
    path.write_text("not a safetensors file")


@pytest.mark.parametrize("damage", [truncate, empty, flip, scribble])
def test_a_damaged_file_is_said_and_made_again(damage, make, made, caplog, linear, tmp_path):
    expected = make().get("3.q_proj", linear, QUANTIZERS["nf4dq"])
    path = path_of(tmp_path, "nf4dq")
    damage(path)

    assert same(make().get("3.q_proj", linear, QUANTIZERS["nf4dq"]), expected)
    assert same(make().get("3.q_proj", linear, QUANTIZERS["nf4dq"]), expected)
    assert made == ["nf4dq", "nf4dq"]
    assert len(caplog.messages) == 1 and str(path) in caplog.messages[0] and "made again" in caplog.messages[0]


def test_a_file_of_other_versions_is_made_again_without_a_word(make, made, caplog, linear, tmp_path, monkeypatch):
    make().get("3.q_proj", linear, QUANTIZERS["hqq4g64"])
    monkeypatch.setattr(library_module, "version", lambda name: "0.0.0")
    for _ in range(2):
        make().get("3.q_proj", linear, QUANTIZERS["hqq4g64"])

    assert made == ["hqq4g64", "hqq4g64"]
    assert not caplog.messages


def test_a_file_of_another_shape_is_not_taken(make, made, linear):
    make().get("3.q_proj", linear_of(linear.weight[:64], linear.bias[:64]), QUANTIZERS["int8"])
    module = make().get("3.q_proj", linear, QUANTIZERS["int8"])

    assert made == ["int8", "int8"]
    assert QUANTIZERS["int8"].dequantize(module).shape == (96, 128)


def test_a_folder_that_cannot_be_written_is_said_once(make, made, caplog, linear, tmp_path):
    (tmp_path / "quantized").write_text("a file where the folder should be")
    library = make()
    for place in ("3.q_proj", "4.q_proj", "3.q_proj"):
        library.get(place, linear, QUANTIZERS["nf4"])

    assert made == ["nf4", "nf4"]  # memory still serves
    assert len(caplog.messages) == 1 and "memory only" in caplog.messages[0]


def test_a_full_disk_leaves_nothing_behind(make, caplog, linear, tmp_path, monkeypatch):
    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    library = make()
    for place in ("3.q_proj", "4.q_proj"):
        library.get(place, linear, QUANTIZERS["nf4"])

    assert len(caplog.messages) == 1 and "No space left" in caplog.messages[0]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_shape_that_does_not_fit_is_refused(make):
    with pytest.raises(InvalidConfigurationError, match=r"hqq2g128 .* 3 x 128"):
        make().get("0.q_proj", linear_of(torch.randn(3, 128)), QUANTIZERS["hqq2g128"])


def test_the_source_stays_where_it_is(make, linear):
    weight = linear.weight
    copy = weight.detach().clone()
    make().get("3.q_proj", linear, QUANTIZERS["int8"])

    assert linear.weight is weight
    assert torch.equal(linear.weight, copy)


def fill(folder, weight, bias, results):
    torch.set_num_threads(1)
    library = QuantizedLibrary(SHA256, torch.float32, CPU, folder)
    x = torch.ones(1, 128)
    outputs = [library.get(f"{place}.q_proj", linear_of(weight, bias), QUANTIZERS["nf4"])(x) for place in range(20)]
    results.put([output.tolist() for output in outputs])


def test_two_processes_may_fill_one_folder_at_once(linear, tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    arguments = (tmp_path, linear.weight.detach(), linear.bias.detach(), results)
    workers = [context.Process(target=fill, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()

    expected = QUANTIZERS["nf4"].quantize(linear, torch.float32)(torch.ones(1, 128)).tolist()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert found == [[expected] * 20] * 2
    assert len(list(tmp_path.rglob("*.safetensors"))) == 20
    assert not list(tmp_path.rglob("*.partial-*"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; torch finds none here")
def test_on_cuda_only_the_modules_that_are_in_use_lie_on_the_device(linear, tmp_path):
    device = torch.device("cuda")
    library = QuantizedLibrary(SHA256, torch.bfloat16, device, tmp_path)
    library.get("0.q_proj", linear, QUANTIZERS["hqq2g64"])
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    module = library.get("0.q_proj", linear, QUANTIZERS["hqq2g64"])

    assert linear.weight.device.type == "cpu"
    assert torch.cuda.memory_allocated() > before
    del module
    assert torch.cuda.memory_allocated() == before


@pytest.fixture
def pruned(linear):
    """The first row of every two, and all columns."""
    rows = torch.arange(0, 96, 2)
    left = PrunedLinear(128, 48, device="meta")
    left.weight, left.bias = (
        torch.nn.Parameter(each[rows], requires_grad=False) for each in (linear.weight, linear.bias)
    )
    left.cut = Cut(linear, rows, None)
    return left


def test_what_pruning_left_is_cut_from_the_whole(make, made, linear, pruned, tmp_path):
    first = make().cut("3.q_proj", pruned, QUANTIZERS["hqq4g64"])
    again = make().cut("3.q_proj", pruned, QUANTIZERS["hqq4g64"])

    assert made == ["hqq4g64"]  # the whole, once, and it is on disk
    whole = make().get("3.q_proj", linear, QUANTIZERS["hqq4g64"])
    x = torch.randn(3, 128)
    assert torch.equal(first(x), whole(x)[:, ::2])
    assert same(first, again)


def test_what_cannot_be_cut_is_left_to_the_caller(make, made, linear, pruned, tmp_path):
    assert make().cut("3.q_proj", pruned, QUANTIZERS["nf4"]) is None
    assert made == []
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_part_that_the_format_cannot_hold_is_refused(make, linear):
    left = PrunedLinear(100, 96, device="meta")
    left.cut = Cut(linear, None, torch.arange(100))
    with pytest.raises(InvalidConfigurationError, match="hqq4g128"):
        make().cut("3.q_proj", left, QUANTIZERS["hqq4g128"])
