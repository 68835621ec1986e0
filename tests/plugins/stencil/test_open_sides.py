"""Orders of accuracy of flow through inflow and outflow sides, by a manufactured solution."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench

NU, SPEED, LENGTH, A = 0.1, 1.0, 1.5, 0.4


@pytest.fixture(scope="module")
def bench() -> RegistryWorkbench:
    return RegistryWorkbench(Registry.load())


class Manufactured:
    """u = U + T(t) X(x) k cos(k y), v = -T X' sin(k y), p = T (L - x) cos(k y), with X = X' = 0 where the flow enters
    and X' = X'' = 0 where it leaves: the inflow is uniform, and neither component changes across the outflow."""

    def __init__(self) -> None:
        self.k = np.pi
        # X' = x (L - x)^2, which fits both ends
        self.x = np.polynomial.Polynomial([0.0, LENGTH**2, -2.0 * LENGTH, 1.0]).integ()

    def time(self, t: float) -> tuple[float, float]:
        return A * (1.0 + 0.5 * np.sin(3.0 * t)), 1.5 * A * np.cos(3.0 * t)

    def u(self, x: Any, y: Any, t: float) -> Any:
        return SPEED + self.time(t)[0] * self.k * self.x(x) * np.cos(self.k * y)

    def v(self, x: Any, y: Any, t: float) -> Any:
        return -self.time(t)[0] * self.x.deriv()(x) * np.sin(self.k * y)

    def forces(self, x: Any, y: Any, t: float) -> tuple[Any, Any]:
        """What must be added to both components."""
        k, (amplitude, rate) = self.k, self.time(t)
        f, f1, f2, f3 = self.x(x), self.x.deriv()(x), self.x.deriv(2)(x), self.x.deriv(3)(x)
        cos, sin = np.cos(k * y), np.sin(k * y)
        u, v = self.u(x, y, t), self.v(x, y, t)
        u_x, u_y = amplitude * k * f1 * cos, -amplitude * k * k * f * sin
        v_x, v_y = -amplitude * f2 * sin, -amplitude * k * f1 * cos
        lap_u = amplitude * k * (f2 - k * k * f) * cos
        lap_v = -amplitude * (f3 - k * k * f1) * sin
        p_x, p_y = -amplitude * cos, -amplitude * k * (LENGTH - x) * sin
        return (
            rate * k * f * cos + u * u_x + v * u_y + p_x - NU * lap_u,
            -rate * f1 * sin + u * v_x + v * v_y + p_y - NU * lap_v,
        )


def error(bench: RegistryWorkbench, n: int, mirrored: bool) -> tuple[float, float]:
    """Root mean square errors of both components at the end; mirrored, the flow enters at the upper end."""
    exact, sign = Manufactured(), -1.0 if mirrored else 1.0
    ends = {"type": "inflow", "velocity": [sign * SPEED, 0.0]}, {"type": "outflow"}
    low, high = reversed(ends) if mirrored else ends
    data = {
        "mesh": {
            "type": "grid",
            "shape": [n, n + n // 2],
            "length": [1.0, LENGTH],
            "offset": "cell",
            "boundaries": {"x": "wall", "y": "wall"},
        },
        "initial": {"type": "fluid_at_rest"},
        "solver": {
            "type": "incompressible_navier_stokes",
            "viscosity": NU,
            "boundaries": {
                "x": {"low": low, "high": high},
                "y": {"low": {"type": "slip"}, "high": {"type": "slip"}},
            },
        },
        "integrator": {"type": "rk4"},
        "time": {"end": 0.2, "dt": 1e-3},
    }
    simulation = bench.simulation(data)
    solver, mesh = simulation.solver, simulation.mesh
    dy, dx = mesh.spacing
    y_faces, x_faces = np.arange(n + 1) * dy, np.arange(mesh.shape[1] + 1) * dx
    y, x = (np.arange(n) + 0.5) * dy, (np.arange(mesh.shape[1]) + 0.5) * dx
    if mirrored:
        x_faces, x = LENGTH - x_faces, LENGTH - x

    def components(t: float) -> dict[str, Any]:
        return {"u": sign * exact.u(x_faces, y[:, None], t), "v": exact.v(x, y_faces[:, None], t)}

    plain = solver._momentum
    now = [0.0]

    def forced(padded: Any, axis: int) -> Any:
        rate = plain(padded, axis)
        if axis == 2:
            return rate + sign * exact.forces(x_faces, y[:, None], now[0])[0]
        return rate + exact.forces(x, y_faces[:, None], now[0])[1]

    solver._momentum = forced

    def rhs(fields: dict[str, Any], t: float) -> dict[str, Any]:
        now[0] = t
        return simulation.rhs.explicit(fields, t, None)

    fields, t = components(0.0), 0.0
    steps = int(np.ceil(0.2 / (0.2 * min(dx, dy) ** 2 / NU)))
    dt = 0.2 / steps
    for _ in range(steps):
        # the midpoint rule: its error is of fourth order in the spacing
        k1 = rhs(fields, t)
        middle = {name: values + 0.5 * dt * k1[name] for name, values in fields.items()}
        k2 = rhs(middle, t + 0.5 * dt)
        fields = {name: values + dt * k2[name] for name, values in fields.items()}
        t += dt
    wanted = components(t)
    return tuple(float(np.sqrt(np.mean((fields[name] - wanted[name]) ** 2))) for name in ("u", "v"))  # type: ignore[return-value]


@pytest.mark.parametrize("mirrored", [False, True])
def test_flow_through_open_sides_has_second_order(bench: RegistryWorkbench, mirrored: bool) -> None:
    errors = [error(bench, n, mirrored) for n in (16, 32, 64)]
    orders = [[float(np.log2(a / b)) for a, b in zip(*pair, strict=True)] for pair in itertools.pairwise(errors)]
    print(errors, orders)
    assert orders[-1] == pytest.approx([2.0, 2.0], rel=0.03)
