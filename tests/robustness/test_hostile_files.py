"""Files that somebody else wrote, or that a disk damaged: plain lines, nothing executed, no memory claimed.

The default size tries some hundred inputs; the slow study tries 20 000.
"""

import io
import json
import resource
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subgrid import checkpoint
from subgrid.compare import options as comparison
from subgrid.errors import SubgridError
from subgrid.memory import peak_memory, release_free_memory, reset_peak_memory
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load
from subgrid.sweep import index
from subgrid.sweep import options as sweep_options
from subgrid.sweep.members import parameters_of, plan
from subgrid_ml.session import read_training_file
from subgrid_ml.weights import Weights

ROOT = Path(__file__).parents[2]

SMALL, LARGE = 60, 2600
"""Inputs for each of the eight readers; the slow study tries more than 20 000."""
SECONDS = 20.0
BYTES = 300e6

SCENARIO = """\
name = "x"
seed = 3
[mesh]
type = "grid"
shape = [5]
length = ["2 pi"]
[initial]
type = "ones"
[solver]
type = "oscillators"
omega = 2.0
[integrator]
type = "rk4"
[time]
end = 1.0
dt = 0.01
[[observers]]
type = "modulus"
every = {time = 0.1}
[output]
every = {time = 0.5}
quantities = ["y_real"]
[checkpoint]
every = {steps = 50}
[expect.modulus]
of = "modulus.modulus"
value = 1.0
abs = 1e-6
source = "unitary"
"""
SWEEP = """\
name = "s"
base = "base.toml"
seeds = [1, 2]
[scenario]
time.end = 2.0
[grid]
solver.omega = [1.0, 2.0]
[[linked]]
time.dt = [0.01, 0.02]
checkpoint.every.steps = [10, 20]
[random]
count = 3
[random.keys]
initial.value = {min = 0.1, max = 1.0, scale = "log"}
[split]
train = 0.5
test = 0.5
[table.m]
of = "modulus.modulus"
[figure]
x = "solver.omega"
"""
COMPARISON = """\
baseline = "a"
base = "base.toml"
[reference]
set = {time.dt = 0.005}
[[variants]]
name = "a"
set = {solver.omega = 2.0}
[[variants]]
name = "b"
"""

WORDS = [b"[", b"]", b"{", b"}", b"=", b'"', b"\n", b"inf", b"nan", b"-1", b"0", b"1e999", b"9" * 400, b"true", b"'''"]
WORDS += [
    b"type",
    b"..",
    b"../../etc/passwd",
    b"\xff\xfe",
    b"\x00",
    b"[[",
    b"1979-13-99",
    b"__class__",
    b"0x" + b"f" * 99,
]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with one good file of every kind."""
    import sys

    folder = tmp_path_factory.mktemp("seeds")
    toy = str(Path(__file__).parents[1] / "engine" / "toy")
    sys.path.insert(0, toy)
    (folder / "base.toml").write_text(SCENARIO)
    registry = Registry.load()
    run(load(folder / "base.toml", registry), folder / "run", registry)
    yield folder
    sys.path.remove(toy)


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with some bytes flipped, cut, doubled, or words put in, or something else altogether."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=400))
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.sampled_from([1, 1, 4, 8, 64, 1000]))
        what = draw(st.integers(0, 4))
        if what == 0:
            content[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif what == 1:
            content[place : place + length] = draw(st.sampled_from(WORDS))
        elif what == 2:
            del content[place : place + length]
        elif what == 3:
            content[place:place] = content[place : place + length]
        else:
            content[place : place + 8] = draw(st.sampled_from([b"\xff" * 8, b"\x00" * 8, b"\x00" * 7 + b"\x7f"]))
    return bytes(content)


@contextmanager
def bounded() -> Iterator[None]:
    """No exception but ours, in little time, with little memory, and with no other file opened for writing."""
    begun = time.process_time()
    tracemalloc.start()
    try:
        yield
    except SubgridError as error:
        for line in str(error).splitlines():
            assert "Traceback" not in line
            assert len(line) < 3000, line[:200]
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert time.process_time() - begun < SECONDS, "it took too long"
    assert peak < BYTES, f"{peak / 1e6:.0f} MB were claimed"


def fuzz(good: bytes, read: Callable[[bytes], None], count: int) -> None:
    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(damaged(good))
    def attempt(content: bytes) -> None:
        with bounded():
            read(content)

    attempt()


def readers(folder: Path, scratch: Path) -> dict[str, tuple[bytes, Callable[[bytes], None]]]:
    """Of every reader: a good file, and how it is read."""
    registry = Registry.load()
    (scratch / "base.toml").write_text(SCENARIO)

    def text(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
        def attempt(content: bytes) -> None:
            (scratch / name).write_bytes(content)
            read(scratch / name)

        return attempt

    def sweep(path: Path) -> None:
        file = sweep_options.load(path)
        if file.options.member_count <= 50:
            plan(file, registry)
        else:
            next(parameters_of(file))

    def trajectory(content: bytes) -> None:
        place = scratch / "h5"
        place.mkdir(exist_ok=True)
        (place / "scenario.toml").write_text("")
        (place / "trajectory.h5").write_bytes(content)
        stored = RunFolder(place)
        stored.frame_times()
        for label in stored.labels():
            stored.series(label)
            stored.series_info(label)
        for name in stored.quantities():
            if len(stored.frame_times()):
                stored.frame(name, -1)
                stored.layout(name)
                stored.rows(name, slice(0, 2))

    def notes(content: bytes) -> None:
        place = scratch / "json"
        place.mkdir(exist_ok=True)
        (place / "scenario.toml").write_text("")
        (place / "sweep.json").write_bytes(content)
        for name in ("outcome.json", "costs.json", "provenance.json"):
            (place / name).write_bytes(content)
        stored = RunFolder(place)
        for read in (stored.outcome, stored.costs, stored.provenance, stored.mesh, lambda: index.stored(place)):
            try:
                read()
            except SubgridError:
                continue

    def weights(path: Path) -> None:
        read = Weights.load(path)
        read.require(closure="learned_residual")
        read.require_shapes({})

    last = sorted((folder / "run" / "checkpoints").glob("*.npz"))[-1]
    shipped = ROOT / "plugins" / "subgrid_active" / "weights"
    trained = (shipped / "learned_residual-kinetic_2d.safetensors").read_bytes()
    note = {**json.loads((folder / "run" / "provenance.json").read_text()), "status": "finished", "message": ""}
    note |= {"time": 1.0, "step": 3, "format": 1, "members": [{"key": "a", "status": "failed", "time": None}]}
    return {
        "scenario": (SCENARIO.encode(), text("fuzzed.toml", lambda path: load(path, registry))),
        "sweep": (SWEEP.encode(), text("fuzzed.toml", sweep)),
        "comparison": (COMPARISON.encode(), text("fuzzed.toml", comparison.load)),
        "checkpoint": (last.read_bytes(), text("fuzzed.npz", checkpoint.read)),
        "trajectory": ((folder / "run" / "trajectory.h5").read_bytes(), trajectory),
        "json": (json.dumps(note).encode(), notes),
        "weights": (trained, text("fuzzed.safetensors", weights)),
        "training": ((shipped / "unrolled_residual.toml").read_bytes(), text("fuzzed.toml", read_training_file)),
    }


NAMES = ("scenario", "sweep", "comparison", "checkpoint", "trajectory", "json", "weights", "training")


@pytest.mark.parametrize("name", NAMES)
def test_good_files_are_read(seeds: Path, tmp_path: Path, name: str) -> None:
    good, read = readers(seeds, tmp_path)[name]
    if name == "weights":
        pytest.skip("its good file is read wherever a learned closure is")
    if name == "sweep":
        good = good.replace(b"initial.value = ", b"solver.limit = ")
    read(good)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(seeds: Path, tmp_path: Path, name: str) -> None:
    good, read = readers(seeds, tmp_path)[name]
    fuzz(good, read, SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_twenty_thousand_damaged_files(seeds: Path, tmp_path: Path, name: str) -> None:
    good, read = readers(seeds, tmp_path)[name]
    begun = time.process_time()
    fuzz(good, read, LARGE)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{name}: {LARGE} inputs in {time.process_time() - begun:.0f} s, process at most {peak:.0f} MB")


def archive(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return target.getvalue()


def header(shape: str, dtype: str = "<f8") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def good_manifest(seeds: Path) -> bytes:
    last = sorted((seeds / "run" / "checkpoints").glob("*.npz"))[-1]
    with zipfile.ZipFile(last) as file:
        return file.read("manifest.npy")


@pytest.mark.parametrize(
    "array",
    [
        header("(1000000000000,)"),
        header("(2, 3000000000)"),
        header("(-1,)"),
        header("(10,)", "|O"),
        header("(4,)", "|V1000000000"),
        header("(4,)") + b"x" * 8,
    ],
    ids=["a terabyte", "two axes", "negative", "pickled objects", "a giant type", "too few bytes"],
)
def test_arrays_that_claim_what_is_not_there(seeds: Path, tmp_path: Path, array: bytes) -> None:
    path = tmp_path / "step_0000000001.npz"
    path.write_bytes(archive(manifest=good_manifest(seeds), **{"fields/y": array}))
    with bounded(), pytest.raises(SubgridError, match="damaged checkpoint"):
        checkpoint.read(path)


def test_a_bomb_of_zeros_is_not_unpacked(seeds: Path, tmp_path: Path) -> None:
    path = tmp_path / "step_0000000001.npz"
    zeros = header("(50000000,)") + bytes(400_000_000)
    path.write_bytes(archive(manifest=good_manifest(seeds), **{"fields/y": zeros}))
    assert path.stat().st_size < 1e6
    del zeros
    with bounded(), pytest.raises(SubgridError, match="damaged checkpoint"):
        checkpoint.read(path)


class Payload:
    """Executes when a pickle of it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("executed").touch, ())


def test_nothing_that_a_checkpoint_says_is_executed(
    seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "step_0000000001.npz"
    with path.open("wb") as file:
        np.savez(file, manifest=np.array([Payload()], dtype=object))
    with pytest.raises(SubgridError, match="damaged checkpoint"):
        checkpoint.read(path)
    assert not (tmp_path / "executed").exists()


def test_a_trajectory_that_claims_a_terabyte(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text("")
    with h5py.File(tmp_path / "trajectory.h5", "w") as file:
        file.attrs["version"] = 1
        table = file.create_group("series").create_group("energy")
        table.create_dataset("committed", data=np.int64(10**11))
        for name in ("time", "step", "energy"):
            table.create_dataset(name, shape=(10**11,), chunks=(1024,), dtype="f8")
    with bounded(), pytest.raises(SubgridError, match="energy"):
        RunFolder(tmp_path).series("energy")


def test_a_chunk_that_is_larger_than_the_file_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text("")
    chunk = (2**21, 8)
    with h5py.File(tmp_path / "trajectory.h5", "w") as file:
        file.attrs["version"] = 1
        file.create_group("series")
        table = file.create_group("frames")
        table["committed"] = np.int64(2)
        table["time"], table["step"] = np.arange(2.0), np.arange(2)
        # two small rows in a chunk of 134 MB that compression has made small
        data = table.create_dataset("u", shape=(2, 8), maxshape=(None, 8), chunks=chunk, dtype="f8", compression="gzip")
        data[...] = 1.0
        data.attrs.update({"dims": ["time", "x"], "units": "", "location": "cell", "description": ""})
    stored = RunFolder(tmp_path)
    assert stored.path.joinpath("trajectory.h5").stat().st_size < 2**20
    release_free_memory()
    reset_peak_memory()
    before = peak_memory()
    for read in (lambda: stored.frame("u", 0), lambda: stored.rows("u", slice(0, 2))):
        with pytest.raises(SubgridError, match="claims more than the file holds"):
            read()
    assert peak_memory() - before < 30 * 2**20
