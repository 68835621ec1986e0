"""Weights files: what is written is read, and nothing else is."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolderError, ScenarioError
from subgrid_ml import weights as weights_module
from subgrid_ml.weights import Weights, read_tensors, write_tensors

ARRAYS = {
    "0.weight": np.arange(12.0).reshape(3, 4),
    "0.bias": np.ones((3, 1), np.float32),
    "empty": np.zeros((0, 2)),
    "steps": np.asarray(7),
}
CARD = {"closure": "learned", "architecture": {"hidden": [3]}, "slot": "fourth_moment"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Weights(ARRAYS, CARD).save(tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def raw(path: Path, header: Any, numbers: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + numbers)
    return path


def test_arrays_and_card_come_back(path: Path) -> None:
    read = Weights.load(path)
    for name, values in ARRAYS.items():
        assert read.arrays[name].dtype == values.dtype
        np.testing.assert_array_equal(read.arrays[name], values)
    assert {key: read.card[key] for key in CARD} == CARD
    assert json.loads(path.with_suffix(".json").read_text()) == read.card
    assert len(read.origin["sha256"]) == 64


def test_the_file_is_what_the_safetensors_package_reads_and_writes(path: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    for name, values in safetensors.load_file(path).items():
        np.testing.assert_array_equal(values, ARRAYS[name])
    metadata = {weights_module.CARD: json.dumps({"version": 1, **CARD})}
    safetensors.save_file(
        {"b": np.ones(3), "a": np.zeros((2, 2), np.float32)}, tmp_path / "theirs.safetensors", metadata
    )
    theirs = Weights.load(tmp_path / "theirs.safetensors")
    np.testing.assert_array_equal(theirs.arrays["b"], 1.0)
    assert theirs.arrays["a"].shape == (2, 2)


def test_every_truncation_is_one_line(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for count in {*range(40), *range(40, len(whole), 17), len(whole) - 1}:
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes(whole[:count])
        with pytest.raises(RunFolderError) as caught:
            Weights.load(cut)
        assert str(caught.value).startswith(f"{cut}: ")
        assert "\n" not in str(caught.value)
    (tmp_path / "long.safetensors").write_bytes(whole + b"\0")
    with pytest.raises(RunFolderError, match="end at byte"):
        Weights.load(tmp_path / "long.safetensors")


META = {"__metadata__": {"subgrid": "{}"}}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({**META, "a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "F64", "shape": [2**29], "data_offsets": [0, 8]}}, "does not fit the file"),
        ({**META, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 2**29]}}, "does not fit the file"),
        ({**META, "a": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "F64", "shape": [True], "data_offsets": [0, 8]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "F64", "shape": [1.0], "data_offsets": [0, 8]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": ["F64"], "shape": [1], "data_offsets": [0, 8]}}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "F64", "shape": [1] * 9, "data_offsets": [0, 8]}}, "does not fit the file"),
        ({**META, "a": 7}, "entry 'a' cannot be read"),
        ({**META, "a": {"dtype": "F64", "shape": [], "data_offsets": [0]}}, "entry 'a' cannot be read"),
        (
            {name: {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} for name in "ab"},
            "overlap or leave gaps",
        ),
        ({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, "has no card"),
        ({"__metadata__": 7, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, "has no card"),
        ({"__metadata__": {"subgrid": "[1]"}, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, "no table"),
        ([1, 2], "no table of arrays"),
        (b"not json", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ({f"a{i}": {} for i in range(20_000)}, "no table of arrays"),
    ],
)
def test_hostile_headers_are_one_line(tmp_path: Path, header: Any, message: str) -> None:
    file = raw(tmp_path / "bad.safetensors", header, np.ones(1).tobytes())
    with pytest.raises(RunFolderError, match=message) as caught:
        read_tensors(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [2**63, 2**40, 2**22 + 1, 1000])
def test_a_header_longer_than_the_file_allocates_nothing(tmp_path: Path, length: int) -> None:
    import tracemalloc

    file = raw(tmp_path / "bad.safetensors", b"{}", length=length)
    tracemalloc.start()
    with pytest.raises(RunFolderError, match=r"its header claims"):
        read_tensors(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_nothing_is_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "exploded").touch, ())

    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunFolderError, match="is no weights file"):
        Weights.load(tmp_path / "pickle.safetensors")
    assert not (tmp_path / "exploded").exists()


def test_missing_folder_and_not_finite(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such file"):
        Weights.load(tmp_path / "missing.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(RunFolderError, match="is no weights file"):
        Weights.load(tmp_path / "folder.safetensors")
    Weights({"a": np.array([1.0, np.nan])}, CARD).save(tmp_path / "nan.safetensors")
    with pytest.raises(RunFolderError, match="array 'a' is not finite"):
        Weights.load(tmp_path / "nan.safetensors")


def test_another_version_slot_architecture_or_shape_is_refused(path: Path, tmp_path: Path) -> None:
    read = Weights.load(path)
    with pytest.raises(ScenarioError, match=r'made for slot "fourth_moment", needed is "eddy_viscosity"'):
        read.require(closure="learned", slot="eddy_viscosity")
    with pytest.raises(ScenarioError, match="made for inputs nothing that it names"):
        read.require(inputs=["a"])
    with pytest.raises(
        ScenarioError, match=r"array '0\.bias' has shape \(3, 1\), this architecture asks for shape \(4, 1\)"
    ):
        read.require_shapes({**{name: values.shape for name, values in ARRAYS.items()}, "0.bias": (4, 1)})
    with pytest.raises(ScenarioError, match="array 'more' has no such array"):
        read.require_shapes({**{name: values.shape for name, values in ARRAYS.items()}, "more": (1,)})
    write_tensors(tmp_path / "old.safetensors", {}, {**CARD, "version": 99})
    with pytest.raises(RunFolderError, match="card of version 99, this subgrid reads 1"):
        Weights.load(tmp_path / "old.safetensors")
