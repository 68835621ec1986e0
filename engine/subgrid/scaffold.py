"""The files of a new plugin package: manifest, component, scenario or none, and a conformance test that passes.

What is generated works and computes something small and true, so that an author changes one line at a time.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from subgrid.component import API_VERSION
from subgrid.errors import RunFolderError, ScenarioError

_HEAD = '''"""$title"""

from __future__ import annotations

'''

_CLOSURE = (
    _HEAD
    + '''from collections.abc import Mapping

from pydantic import Field

from subgrid.api import Array, Fields, Options, Setup, Slot, StateSpec


class ${Name}Config(Options):
    coefficient: float = Field(0.17, ge=0, description="dimensionless; 0.1 to 0.2 is usual")


class $Name:
    """nu_e = (c delta)^2 |S|, |S| = sqrt(2 S_ij S_ij) (Smagorinsky 1963). Replace it by your own."""

    slots = ("eddy_viscosity",)
    inputs = ("velocity_gradient",)

    def __init__(self, config: ${Name}Config) -> None:
        self.coefficient = config.coefficient

    def __repr__(self) -> str:
        return f"$Name(coefficient={self.coefficient})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        dy, dx = setup.mesh.spacing
        self.length_sq, self.xp = self.coefficient**2 * dy * dx, setup.backend.xp
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return nu_e [m2/s] over the cells. Write into neither of the arguments."""
        (u_x, u_y), (v_x, v_y) = inputs["velocity_gradient"]
        return self.length_sq * self.xp.sqrt(2.0 * (u_x**2 + v_y**2) + (u_y + v_x) ** 2)
'''
)

_SOLVER = (
    _HEAD
    + '''from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Integrator,
    Options,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
)


class ${Name}Config(Options):
    diffusivity: float = Field(1e-2, gt=0, description="in [m2/s]")


class $Name:
    """u' = diffusivity * (u_xx + u_yy) by second-order differences in a periodic box. Replace it by your own."""

    slots: Mapping[str, Slot] = {}
    quantities: Mapping[str, Quantity] = {"u": Quantity(("y", "x"), description="what diffuses")}
    linear: ClassVar[Fields] = {}

    def __init__(self, config: ${Name}Config) -> None:
        self.diffusivity = config.diffusivity

    def __repr__(self) -> str:
        return f"$Name(diffusivity={self.diffusivity:g})"

    def setup(self, setup: Setup) -> StateSpec:
        if setup.mesh.ndim != 2 or not setup.mesh.periodic:
            raise ScenarioError(
                f"mesh: '$name' needs two periodic axes, got shape = {list(setup.mesh.shape)} "
                f"with boundaries = {list(setup.mesh.boundaries)}"
            )
        self.spacing, self.xp = setup.mesh.spacing, setup.backend.xp
        return StateSpec(fields={"u": ArraySpec(setup.mesh.shape, location="cell")})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        return {"u": backend.asarray(physical["u"], "real")}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        raise KeyError(slot)  # this solver asks no closure

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        u, rate = fields["u"], 0.0
        for axis, h in enumerate(self.spacing):
            neighbours = self.xp.roll(u, 1, axis=axis) + self.xp.roll(u, -1, axis=axis)
            rate = rate + self.diffusivity / h**2 * (neighbours - 2.0 * u)
        if out is None:
            return {"u": rate}
        out["u"][...] = rate
        return out

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        return fields[name]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """The largest rate is 4 diffusivity sum(1/h^2)."""
        return integrator.real_extent / (4.0 * self.diffusivity * sum(1.0 / h**2 for h in self.spacing))
'''
)

_CORRECTOR = (
    _HEAD
    + '''from pydantic import Field

from subgrid.api import Correction, Fields, Options, Setup, Solver, State, StateSpec, Streams


class ${Name}Config(Options):
    rate: float = Field(0.1, ge=0, description="of the decay, in [1/s]")


class $Name:
    """Damps every field by 1 / (1 + rate dt) after each step. Replace it by your own."""

    def __init__(self, config: ${Name}Config) -> None:
        self.rate = config.rate

    def __repr__(self) -> str:
        return f"$Name(rate={self.rate:g})"

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        """Return changed fields, or Correction(refused="why"). The state itself stays as it is."""
        return Correction({name: values / (1.0 + self.rate * dt) for name, values in state.fields.items()})
'''
)

_OBSERVER = (
    _HEAD
    + '''from collections.abc import Mapping
from typing import Any

from pydantic import Field

from subgrid.api import Array, Clock, Options, Quantity, Setup


class ${Name}Config(Options):
    power: int = Field(2, ge=1, le=8, description="of the moment")


class $Name:
    """The domain mean of |vorticity|^power. Replace it by your own."""

    needs = ("vorticity",)

    def __init__(self, config: ${Name}Config) -> None:
        self.power = config.power

    def __repr__(self) -> str:
        return f"$Name(power={self.power})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        return {"moment": Quantity((), f"1/s{self.power}", "none", description="domain mean of |vorticity|^power")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        return {"moment": (abs(view["vorticity"]) ** self.power).mean()}
'''
)

_INITIAL = (
    _HEAD
    + '''import numpy as np
from pydantic import Field

from subgrid.api import Fields, Options, Setup


class ${Name}Config(Options):
    amplitude: float = Field(1.0, gt=0, description="largest vorticity of a wave, in [1/s]")
    waves: int = Field(3, ge=1, le=32, description="waves along each axis")


class $Name:
    """Vorticity as a sum of waves with random phases. Replace it by your own."""

    def __init__(self, config: ${Name}Config) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"$Name(amplitude={self.config.amplitude:g}, waves={self.config.waves})"

    def fill(self, setup: Setup) -> Fields:
        """Return NumPy arrays over the mesh by the name of the quantity. Random numbers come from the setup only."""
        (ny, nx), phases = setup.mesh.shape, setup.rng.generator("phases")
        y, x = np.arange(ny)[:, np.newaxis] / ny, np.arange(nx) / nx
        vorticity = np.zeros((ny, nx))
        for wave in range(1, self.config.waves + 1):
            one, other = phases.uniform(0.0, 2.0 * np.pi, 2)
            vorticity += np.cos(2.0 * np.pi * wave * x + one) * np.cos(2.0 * np.pi * wave * y + other)
        return {"vorticity": self.config.amplitude * vorticity}
'''
)

_LINSOLVE = (
    _HEAD
    + '''from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field

from subgrid.api import Array, Fields, GridOperator, Options, Setup, Solution, StateSpec, Streams


class ${Name}Config(Options):
    rtol: float = Field(1e-8, gt=0, lt=1, description="of the residual, relative to the right-hand side")
    max_iterations: int = Field(10_000, ge=1, description="then it gives up")


class $Name:
    """Conjugate gradients with the diagonal as preconditioner (Hestenes and Stiefel 1952). Replace it by your own."""

    parameters = ()

    def __init__(self, config: ${Name}Config) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"$Name(rtol={self.config.rtol:g})"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        return StateSpec()

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Stop on the true residual. Write into none of the arguments."""
        start = perf_counter()
        matrix = operator.to_sparse() if isinstance(operator, GridOperator) else operator
        b, x, diagonal = rhs.ravel(), np.array(guess, dtype=np.float64).ravel(), matrix.diagonal()
        tolerance, iterations = self.config.rtol * float(np.linalg.norm(b)), 0
        residual = b - matrix @ x
        while float(np.linalg.norm(residual)) > tolerance and iterations < self.config.max_iterations:
            scaled = residual / diagonal
            direction, product = scaled.copy(), float(residual @ scaled)
            # the recurrence drifts off: after it meets the tolerance, the true residual is looked at
            while float(np.linalg.norm(residual)) > 0.5 * tolerance and iterations < self.config.max_iterations:
                image = matrix @ direction
                step = product / float(direction @ image)
                x += step * direction
                residual = residual - step * image
                scaled = residual / diagonal
                before, product = product, float(residual @ scaled)
                direction = scaled + product / before * direction
                iterations += 1
            residual = b - matrix @ x
        size = float(np.linalg.norm(residual))
        return Solution(x.reshape(rhs.shape), iterations, size, tolerance, perf_counter() - start)
'''
)

_TEST = '''"""$title"""

${extra}from subgrid.testing import ${suite}


class Test$Name(${suite}):
    name = "$name"
$body'''

_SOLVER_SCENARIO = """    scenario: ClassVar[dict[str, Any]] = {
        "mesh": {"type": "grid", "shape": [16, 12], "length": [1.0, 0.75]},
        "initial": {"type": "gaussian"},
        "solver": {"type": "$name"},
        "integrator": {"type": "rk4"},
        "time": {"end": 0.08, "dt": 0.01},
    }

    @pytest.mark.parametrize(
        "mesh",
        [
            {"shape": [16], "length": [1.0]},
            {"shape": [6, 5, 4], "length": [1.0, 1.0, 1.0]},
            {"shape": [16, 12], "length": [1.0, 0.75], "offset": "cell", "boundaries": {"y": "wall"}},
        ],
    )
    def test_meshes_that_it_cannot_do_are_refused(
        self, mesh: dict[str, Any], registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(self), "scenario", {**self.scenario, "mesh": {"type": "grid", **mesh}})
        with pytest.raises(ScenarioError, match="mesh: '$name' needs two periodic axes, got shape"):
            self.simulate(registry, tmp_path)
"""

_SOLVER_IMPORTS = """from pathlib import Path
from typing import Any, ClassVar

import pytest

from subgrid.api import ScenarioError
"""

KINDS: dict[str, tuple[str, str, str, str]] = {
    "closure": (_CLOSURE, "ClosureConformance", "", "eddy viscosity from the resolved strain"),
    "solver": (
        _SOLVER,
        "SolverConformance",
        _SOLVER_SCENARIO,
        "diffusion in a periodic box",
    ),
    "corrector": (_CORRECTOR, "CorrectorConformance", "", "damps every field after each step"),
    "observer": (_OBSERVER, "ObserverConformance", "", "a moment of the vorticity"),
    "initial": (_INITIAL, "InitialConformance", "", "waves of vorticity with random phases"),
    "linsolve": (_LINSOLVE, "LinsolveConformance", "", "conjugate gradients, preconditioned by the diagonal"),
}
"""For each kind: implementation, conformance suite, body of the test, summary."""

_MANIFEST = '''"""What this package offers. Imports nothing heavy: it is read whenever subgrid lists its plugins."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


@hookimpl
def components() -> list[Component]:
    here, summary = "$package.$name", "$summary"
    return [Component("$kind", "$name", f"{here}:$Name", f"{here}:${Name}Config", summary)]
'''

_PROJECT = """[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "$Summary: a $kind for subgrid."
requires-python = ">=3.11"
dependencies = ["subgrid>=0.1"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points.subgrid]
$name = "$package.plugin"

[tool.hatch.build.targets.wheel]
packages = ["$package"]
"""

_README = """# $distribution

$Summary: a $kind for subgrid, written for its plugin API $api.

    pip install --editable '.[test]'
    subgrid plugins show $name
    pytest

`$package/$name.py` is the $kind with its options, `$package/plugin.py` says what the package offers, and
`tests/test_$name.py` holds it to what a $kind promises.
"""


def write_plugin(name: str, kind: str, folder: Path) -> list[Path]:
    """Write a plugin package called ``subgrid-NAME`` into ``folder`` and return its files.

    Raises ScenarioError for a name that Python cannot use or an unknown kind, RunFolderError when the folder holds
    something or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or keyword.iskeyword(name):
        raise ScenarioError(
            f"{name[:60]!r} is no name for a plugin: lower-case letters, digits and '_', a letter first"
        )
    if kind not in KINDS:
        raise ScenarioError(f"--kind {kind[:60]!r}: choose from {', '.join(KINDS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunFolderError(f"{folder}: is not empty; choose another --out")
    implementation, suite, body, summary = KINDS[kind]
    package = f"subgrid_{name}"
    words = {
        "name": name,
        "Name": "".join(word.capitalize() for word in name.split("_")),
        "kind": kind,
        "package": package,
        "distribution": f"subgrid-{name.replace('_', '-')}",
        "summary": summary,
        "Summary": summary[0].upper() + summary[1:],
        "suite": suite,
        "extra": _SOLVER_IMPORTS if kind == "solver" else "",
        "api": str(API_VERSION),
    }
    title = f"{words['Summary']}."
    files = {
        "pyproject.toml": _PROJECT,
        "README.md": _README,
        f"{package}/__init__.py": "",
        f"{package}/plugin.py": _MANIFEST,
        f"{package}/{name}.py": implementation,
        f"tests/test_{name}.py": _TEST.replace("$body", body),
    }
    written = []
    try:
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            told = f"What a {kind} promises, held to." if file.startswith("tests/") else title
            path.write_text(Template(text).substitute({**words, "title": told}), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise RunFolderError(f"{error.filename or folder}: {error.strerror}") from error
    return written
