"""What a component promises inside a run: the same bits again, after a restart, and on another array library."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.assembly import Simulation, assemble, initialise
from subgrid.backend import Array
from subgrid.loop import Ledger, advance
from subgrid.mesh import Grid
from subgrid.output import RunFolder
from subgrid.protocols import Quantity
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import LISTED_KINDS, SINGLE_KINDS, parse
from subgrid.testing.bits import Copies, assert_close, assert_same_bits, copied
from subgrid.testing.component import ComponentConformance
from subgrid.testing.hosts import FLOW_2D

SUBJECT = "subject"
"""Label of the component under test."""

TORCH_TOLERANCE = 1e-10
"""Relative to the largest value. Libraries sum in different orders, a few roundings for each of the few steps."""


class NoRecorder:
    """Keeps nothing of a run."""

    def series(self, label: str, values: Mapping[str, Any]) -> None: ...

    def frame(self, view: Mapping[str, Array]) -> None: ...

    def checkpoint(self) -> None: ...


class RunConformance(ComponentConformance):
    """Tests for a component that takes part in runs.

    Attributes
    ----------
    scenario
        Plain data of a small run that can host the component, which is put into it by the tests.
    keys
        The engine's keys in the component's table, such as ``{"slot": "eddy_viscosity"}``.
    backends
        What the component claims to support, from "numpy-float64", "numpy-float32" and "torch-float64".
    """

    scenario: ClassVar[Mapping[str, Any]] = FLOW_2D
    keys: ClassVar[Mapping[str, Any]] = {}
    backends: ClassVar[tuple[str, ...]] = ("numpy-float64", "numpy-float32", "torch-float64")

    def prepare(self, folder: Path, registry: Registry) -> None:
        """Write files that the options name, relative to ``folder``. Nothing by default."""

    def data(self, backend: str = "numpy-float64") -> dict[str, Any]:
        """The scenario with the component in it, as plain data."""
        library, precision = backend.split("-")
        data = copy.deepcopy(dict(self.scenario))
        data["backend"] = {"name": library, "precision": precision, "threads": 1}
        table = {"type": self.name, "label": SUBJECT, **self.keys, **self.options}
        if self.kind in SINGLE_KINDS:
            return {**data, self.kind: table}
        plural = next(key for key, kind in LISTED_KINDS.items() if kind == self.kind)
        return {**data, plural: [*data.get(plural, []), table]}

    def simulate(self, registry: Registry, folder: Path, backend: str = "numpy-float64") -> Simulation:
        """A simulation at its initial state, with new instances of all components."""
        simulation = assemble(parse(self.data(backend), registry, folder), registry)
        initialise(simulation, registry)
        return simulation

    def last_fields(self, registry: Registry, folder: Path, backend: str) -> Copies:
        """The fields at the end of the scenario."""
        simulation = self.simulate(registry, folder, backend)
        advance(simulation, NoRecorder(), Ledger())
        return copied(simulation.state.fields, simulation.backend)

    @pytest.fixture(params=["numpy-float64", "numpy-float32", "torch-float64"])
    def backend(self, request: pytest.FixtureRequest) -> str:
        """One backend after the other, of those that the component claims and that are installed."""
        backend: str = request.param
        skip_unless_possible(backend, self.backends)
        return backend

    @pytest.fixture
    def folder(self, tmp_path: Path, registry: Registry) -> Path:
        """Where relative paths in options start from."""
        self.prepare(tmp_path, registry)
        return tmp_path

    @pytest.fixture
    def simulation(self, registry: Registry, folder: Path, backend: str) -> Simulation:
        return self.simulate(registry, folder, backend)

    @pytest.fixture
    def twin(self, registry: Registry, folder: Path, backend: str) -> Simulation:
        """The same simulation again, of other instances."""
        return self.simulate(registry, folder, backend)

    def test_runs_repeat_and_resume_to_the_same_bits(self, registry: Registry, folder: Path) -> None:
        scenario = parse(self.data(), registry, folder)
        steps = run(scenario, folder / "whole", registry).steps
        assert steps >= 2, "the scenario is too short to be stopped half-way"
        run(scenario, folder / "again", registry)
        run(scenario, folder / "parts", registry, stop_after=steps // 2)
        resume(folder / "parts", registry)
        whole = stored_bits(folder / "whole")
        assert_same_bits(whole, stored_bits(folder / "again"), "the same run gives other numbers")
        assert_same_bits(whole, stored_bits(folder / "parts"), "a resumed run gives other numbers")

    def test_torch_agrees_with_numpy(self, registry: Registry, folder: Path) -> None:
        skip_unless_possible("torch-float64", self.backends)
        expected = self.last_fields(registry, folder, "numpy-float64")
        assert_close(expected, self.last_fields(registry, folder, "torch-float64"), TORCH_TOLERANCE)

    def test_global_random_numbers_stay_untouched(self, registry: Registry, folder: Path) -> None:
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002  it is what must not be used
        advance(self.simulate(registry, folder), NoRecorder(), Ledger())
        assert before == (random.getstate(), repr(np.random.get_state())), "draw from the streams of the run"  # noqa: NPY002


def skip_unless_possible(backend: str, claimed: tuple[str, ...]) -> None:
    """Skip a test on a backend that is not claimed, or whose library is not installed."""
    if backend not in claimed:
        pytest.skip(f"{backend} is not claimed")
    if find_spec(backend.partition("-")[0]) is None:
        pytest.skip(f"{backend} is not installed")


def stored_bits(folder: Path) -> Copies:
    """Last checkpoint, series and frame times of a run folder."""
    stored = RunFolder(folder)
    bits = dict(checkpoint.latest(folder / "checkpoints")[0].arrays)
    for label in stored.labels():
        bits |= {f"series/{label}/{name}": values for name, values in stored.series(label).items()}
    return {**bits, "frames/time": stored.frame_times()}


def broadcasts(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether an array of this shape can stand for one of the expected shape."""
    try:
        return np.broadcast_shapes(shape, expected) == expected
    except ValueError:
        return False


def assert_fits(values: Array, quantity: Quantity, mesh: Grid, name: str) -> None:
    """Fail when an array does not have the declared dims: mesh axes and coordinates have the sizes that they name."""
    shape = tuple(np.shape(values))
    assert len(shape) == len(quantity.dims), f"{name} has shape {shape}, declared are dims {quantity.dims}"
    sizes = dict(zip(mesh.axes, mesh.shape, strict=True))
    sizes |= {dim: len(quantity.coordinates[dim]) for dim in quantity.dims if dim in quantity.coordinates}
    for dim, size in zip(quantity.dims, shape, strict=True):
        assert size == sizes.get(dim, size), f"{name} has {size} entries along {dim}, expected {sizes[dim]}"


def scaled(simulation: Simulation, factor: float) -> dict[str, Array]:
    """Another state: the fields times a factor, and the particles as they are."""
    return {
        **{name: factor * values for name, values in simulation.state.fields.items()},
        **simulation.state.particles,
    }
