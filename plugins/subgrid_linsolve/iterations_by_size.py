"""Iterations of an implicit diffusion step and of Poisson's equation on finer and finer grids.

``python -m subgrid_linsolve.iterations_by_size`` prints them for multigrid cycles, for conjugate gradients
preconditioned by algebraic multigrid and by IC(0), and for plain conjugate gradients.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subgrid.api import Backend, Grid, GridOperator, Setup, Streams
from subgrid_linsolve.config import CgConfig, MultigridConfig, PcgConfig
from subgrid_linsolve.krylov import Cg, Pcg
from subgrid_linsolve.multigrid import Multigrid

LARGEST_WITHOUT_MULTIGRID = 256


def systems(n: int) -> dict[str, GridOperator]:
    """A step of dt = 0.01 of diffusion between cold walls, the steady problem, and a step in a log-normal medium of
    unit variance with two insulated sides."""
    h = (1.0 / n, 1.0 / n)
    held = ("dirichlet", "dirichlet")
    waves = np.meshgrid(*[2.0 * np.pi * np.fft.fftfreq(n, 1.0 / n)] * 2, indexing="ij", sparse=True)
    noise = np.fft.fftn(np.random.default_rng(1).standard_normal((n, n)))
    logarithm = np.fft.ifftn(np.exp(-0.25 * 0.05**2 * (waves[0] ** 2 + waves[1] ** 2)) * noise).real
    cells = np.exp(logarithm / logarithm.std())
    faces = []
    for axis in range(2):
        along = np.moveaxis(cells, axis, 0)
        inner = 2.0 * along[1:] * along[:-1] / (along[1:] + along[:-1])
        faces.append(np.moveaxis(np.concatenate([along[:1], inner, along[-1:]]), 0, axis) * 0.01)
    return {
        "heat step": GridOperator((n, n), h, held, 0.01, 1.0),
        "poisson": GridOperator((n, n), h, held),
        "medium": GridOperator((n, n), h, ("neumann", "dirichlet"), (faces[0], faces[1]), 1.0),
    }


def solvers(n: int) -> dict[str, Any]:
    """By what the table calls them."""
    every: dict[str, Any] = {
        "amg-PCG": Pcg(PcgConfig(preconditioner="amg")),
        "multigrid": Multigrid(MultigridConfig()),
        "ic0-PCG": Pcg(PcgConfig(preconditioner="ic0")),
        "CG": Cg(CgConfig()),
    }
    return every if n <= LARGEST_WITHOUT_MULTIGRID else dict(list(every.items())[:2])


def iterations(solver: Any, operator: GridOperator) -> int:
    """From zero to 1e-8 of a random right-hand side."""
    rhs = np.random.default_rng(0).standard_normal(operator.shape)
    setup = Setup(Grid(operator.shape, (1.0, 1.0)), Backend(threads=1), "solver", Streams(0, "solver"), 0.0, Path())
    solver.setup(setup, operator)
    solution = solver.solve(operator, rhs, np.zeros_like(rhs), {}, Streams(0, "solver"))
    assert solution.converged
    return int(solution.iterations)


def main(arguments: Sequence[str] | None = None) -> None:
    """Iterations to 1e-8 by solver, system and size."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_linsolve.iterations_by_size", description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 512, 1024], help="cells along each axis")
    given = parser.parse_args(arguments)
    for n in given.sizes:
        for name, operator in systems(n).items():
            counts = (f"{solver} {iterations(made, operator)}" for solver, made in solvers(n).items())
            print(f"{n:5d}^2  {name:10s} {', '.join(counts)}", flush=True)


if __name__ == "__main__":
    main()
