"""A stranger's trainable closure, and short runs whose answers it can learn exactly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse

STRANGER = '''
import numpy as np

from subgrid.api import API_VERSION, Component, Options, StateSpec, hookimpl
from subgrid.kernels.fourier import FourierBasis
from subgrid_ml.weights import Weights


class Config(Options):
    weights: str = ""
    unknowns: int = 1
    start: float = -3.0


class LearnedViscosity:
    """Pi = nu lap w with nu = exp(p): not local, as a network with convolutions is not."""

    slots = ("subgrid_forcing",)
    inputs = ("vorticity",)

    def __init__(self, config):
        self.config = config

    def __repr__(self):
        return f"LearnedViscosity(weights={self.config.weights!r})"

    def setup(self, setup, slot):
        self.basis, self.backend = FourierBasis(setup.mesh, setup.backend), setup.backend
        self.parameters = {"log_viscosity": setup.backend.asarray([0.0], "real")}
        self.constants = {}
        if self.config.weights:
            weights = Weights.load(setup.folder / self.config.weights)
            weights.require(architecture=self.architecture, slot="subgrid_forcing")
            self.parameters = {name: setup.backend.asarray(v, "real") for name, v in weights.arrays.items()}
        return StateSpec()

    @property
    def architecture(self):
        return {"kind": "viscosity", "unknowns": self.config.unknowns}

    def begin(self, samples, rng):
        count = sum(part["vorticity"].shape[-3] for part in samples)
        start = np.asarray([self.config.start + 0.1 * rng.standard_normal()])
        frames = self.backend.asarray([1.0 * count])
        self.adopt({"log_viscosity": self.backend.asarray(start, "real")}, {"frames": frames})

    def adopt(self, parameters, constants):
        self.parameters, self.constants = dict(parameters), dict(constants)

    def evaluate(self, inputs, memory):
        spectrum = self.basis.forward(inputs["vorticity"])
        nu = self.backend.xp.exp(self.parameters["log_viscosity"][0])
        return nu * self.basis.backward(-self.basis.k_sq * spectrum)


@hookimpl
def components():
    return [
        Component("closure", "learned_viscosity", "stranger:LearnedViscosity", "stranger:Config", "learns a viscosity"),
    ]
'''

VISCOSITY = 0.03


def flow(**changes: Any) -> dict[str, Any]:
    """Decaying flow with a constant eddy viscosity, which the stranger's closure is to find."""
    return {
        "backend": {"threads": 1},
        "mesh": {"type": "grid", "shape": [16, 12], "length": ["2 pi", "1.5 pi"]},
        "initial": {"type": "mcwilliams", "peak_wavenumber": 3.0},
        "solver": {"type": "navier_stokes_2d", "viscosity": 1e-3},
        "closures": [{"type": "constant_viscosity", "viscosity": VISCOSITY}],
        "integrator": {"type": "rk4"},
        "time": {"end": 1.6, "dt": 0.02},
        "output": {"every": {"time": 0.1}, "quantities": ["vorticity", "subgrid_forcing"]},
        **changes,
    }


TRAINING = """
name = "viscosity"
seed = 3
scenario = "flow.toml"
closure = { type = "learned_viscosity" }
baselines = [{ type = "none", label = "nothing" }]
[data]
training = ["runs/train_*"]
validation = ["runs/check"]
[[stages]]
loss = "pointwise"
steps = 40
rate = 0.05
frames = 2
points = 0
refresh = 5
check_every = 10
"""

SCENARIO = """
mesh = { type = "grid", shape = [16, 12], length = ["2 pi", "1.5 pi"] }
initial = { type = "mcwilliams", peak_wavenumber = 3.0 }
solver = { type = "navier_stokes_2d", viscosity = 1e-3 }
integrator = { type = "rk4" }
time = { end = 1.6, dt = 0.02 }
"""


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs to learn from and one to check with, made once."""
    folder = tmp_path_factory.mktemp("stored")
    registry = Registry.load()
    for seed, name in enumerate(("train_a", "train_b", "train_c", "check"), 1):
        run(parse(flow(seed=seed), registry, folder), folder / name, registry)
    return folder


@pytest.fixture
def work(tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a training file, its scenario and the runs; the stranger's plugin is installed."""
    pytest.importorskip("torch")
    site = tmp_path / "site"
    info = site / "stranger-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "stranger.py").write_text(STRANGER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[subgrid]\nstranger = stranger\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    (tmp_path / "runs").symlink_to(stored)
    (tmp_path / "flow.toml").write_text(SCENARIO)
    (tmp_path / "training.toml").write_text(TRAINING)
    return tmp_path
