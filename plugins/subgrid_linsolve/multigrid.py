"""Geometric multigrid in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from subgrid.api import Array, Fields, GridOperator, ScenarioError, Setup, Solution, Streams, Wall, walls_of
from subgrid_linsolve.config import MultigridConfig
from subgrid_linsolve.systems import Attempt, IterativeSolver, Latest, Real, norm

LARGEST_COARSEST = 400
"""Most cells of a grid that is solved directly."""


@dataclass(frozen=True)
class Level:
    """Coefficients of one grid: faces across y (ny+1, nx) and x (ny, nx+1) over squared spacing, and the diagonal."""

    operator: GridOperator
    faces_y: Real
    faces_x: Real
    diagonal: Real
    periodic: tuple[bool, bool]


class Multigrid(IterativeSolver):
    """V-cycles with red-black Gauss-Seidel, on grids with values at nodes or at centres.

    Nodes (``dirichlet_node``, n = 2^k - 1 along both axes): full weighting and bilinear interpolation. Centres (all
    other boundary types, even n): mean of four cells, and bilinear interpolation. Coarse grids take the mean of the
    fine faces; the coarsest is solved directly. Error factor of a V(1,1)-cycle for Poisson's equation at nodes: 0.05 to
    0.1 (U. Trottenberg, C. Oosterlee, A. Schuller, Multigrid, 2001). Without a shift and a held value, right-hand side
    and solution are taken without their mean. ``setup`` raises ScenarioError for grids that cannot be halved often
    enough.
    """

    def __init__(self, config: MultigridConfig) -> None:
        super().__init__(config)
        self.options = config
        self._levels = Latest(_hierarchy)

    def __repr__(self) -> str:
        return f"Multigrid(V({self.options.pre_sweeps},{self.options.post_sweeps}), rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        self._levels(operator)

    def iterate(self, operator: GridOperator, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Cycle until the true residual is below the tolerance."""
        levels, coarsest = self._levels(operator)
        if operator.singular:
            rhs, guess = rhs - np.mean(rhs), guess - np.mean(guess)
        attempt = Attempt(self.config, operator, rhs)
        x, iterations = np.array(guess, dtype=np.float64), 0
        residual = attempt.residual(x)
        while norm(residual) > attempt.tolerance and iterations < self.config.max_iterations:
            x += self._cycle(levels, coarsest, 0, residual)
            residual = attempt.residual(x)
            iterations += 1
        return attempt.report(x - np.mean(x) if operator.singular else x, iterations)

    def _cycle(self, levels: list[Level], coarsest: Real, depth: int, rhs: Real) -> Real:
        if depth == len(levels) - 1:
            return (coarsest @ rhs.ravel()).reshape(rhs.shape)
        level, x = levels[depth], np.zeros_like(rhs)
        self._smooth(level, rhs, x, self.options.pre_sweeps)
        residual = rhs - level.operator.apply(x)
        nodes = level.operator.boundaries[0] == "dirichlet_node"
        restricted = _full_weighting(residual) if nodes else _mean_of_four(residual)
        correction = self._cycle(levels, coarsest, depth + 1, restricted)
        x += _interpolate(correction, level.operator)
        self._smooth(level, rhs, x, self.options.post_sweeps)
        return x

    def _smooth(self, level: Level, rhs: Real, x: Real, sweeps: int) -> None:
        for _ in range(sweeps):
            _red_black(level.faces_y, level.faces_x, level.diagonal, *level.periodic, rhs, x)


@numba.njit(cache=True)
def _red_black(faces_y: Any, faces_x: Any, diagonal: Any, periodic_y: bool, periodic_x: bool, rhs: Any, x: Any) -> None:
    ny, nx = x.shape
    for colour in range(2):
        for j in range(ny):
            for i in range((j + colour) % 2, nx, 2):
                total = rhs[j, i]
                if j > 0:
                    total += faces_y[j, i] * x[j - 1, i]
                elif periodic_y:
                    total += faces_y[0, i] * x[ny - 1, i]
                if j < ny - 1:
                    total += faces_y[j + 1, i] * x[j + 1, i]
                elif periodic_y:
                    total += faces_y[ny, i] * x[0, i]
                if i > 0:
                    total += faces_x[j, i] * x[j, i - 1]
                elif periodic_x:
                    total += faces_x[j, 0] * x[j, nx - 1]
                if i < nx - 1:
                    total += faces_x[j, i + 1] * x[j, i + 1]
                elif periodic_x:
                    total += faces_x[j, nx] * x[j, 0]
                x[j, i] = total / diagonal[j, i]


def _hierarchy(operator: Any) -> tuple[list[Level], Real]:
    """Operators from fine to coarse, and the (pseudo-)inverse of the coarsest. Raises ScenarioError."""
    if not (isinstance(operator, GridOperator) and len(operator.shape) == 2):
        raise ScenarioError("linear_solver: 'multigrid' needs an operator on a grid with two axes; try 'amg' or 'pcg'")
    nodes = [name == "dirichlet_node" for name in operator.boundaries]
    if any(nodes) and not all(nodes):
        raise ScenarioError("linear_solver: 'multigrid' takes values at nodes along both axes or along none")
    operators = [operator]
    while _can_halve(operators[-1].shape, all(nodes)):
        operators.append(_coarsened(operators[-1], all(nodes)))
    last = operators[-1]
    if last.shape[0] * last.shape[1] > LARGEST_COARSEST:
        sizes = "one less than a power of two" if all(nodes) else "a power of two times a small number"
        raise ScenarioError(
            f"linear_solver: 'multigrid' cannot halve the grid {operator.shape} below {last.shape}; use {sizes} cells"
        )
    return [_level(entry) for entry in operators], np.linalg.pinv(last.to_sparse().toarray(), hermitian=True)


def _level(operator: GridOperator) -> Level:
    periodic_y, periodic_x = (name == "periodic" for name in operator.boundaries)
    return Level(operator, operator.faces(0), operator.faces(1), operator.diagonal(), (periodic_y, periodic_x))


def _can_halve(shape: tuple[int, ...], nodes: bool) -> bool:
    return all(n % 2 == 1 and n >= 5 for n in shape) if nodes else all(n % 2 == 0 and n >= 4 for n in shape)


def _coarsened(operator: GridOperator, nodes: bool) -> GridOperator:
    shape = tuple(n // 2 for n in operator.shape)
    spacing = tuple(2.0 * h for h in operator.spacing)
    diffusivity, shift = operator.diffusivity, operator.shift
    if isinstance(diffusivity, tuple):
        diffusivity = tuple(_coarse_faces(faces, axis, nodes) for axis, faces in enumerate(diffusivity))
    if np.ndim(shift):
        shift = _full_weighting(np.asarray(shift)) if nodes else _mean_of_four(np.asarray(shift))
    return GridOperator(shape, spacing, operator.boundaries, diffusivity, shift)


def _coarse_faces(faces: Real, axis: int, nodes: bool) -> Real:
    """Fluxes across the faces of the coarser grid: between nodes two faces in a row, between cells two side by side."""
    along = np.moveaxis(faces, axis, 0)
    if nodes:
        # a coarse link consists of two fine ones in a row, at the coarse nodes across
        return np.moveaxis(0.5 * (along[0::2, 1::2] + along[1::2, 1::2]), 0, axis)
    return np.moveaxis(0.5 * (along[::2, 0::2] + along[::2, 1::2]), 0, axis)


def _mean_of_four(fine: Real) -> Real:
    return 0.25 * (fine[0::2, 0::2] + fine[1::2, 0::2] + fine[0::2, 1::2] + fine[1::2, 1::2])


def _full_weighting(fine: Real) -> Real:
    rows = 0.25 * (fine[0:-2:2] + 2.0 * fine[1:-1:2] + fine[2::2])
    return 0.25 * (rows[:, 0:-2:2] + 2.0 * rows[:, 1:-1:2] + rows[:, 2::2])


def _interpolate(coarse: Real, fine_operator: GridOperator) -> Real:
    """Bilinear interpolation, one axis after the other."""
    for axis, name in enumerate(fine_operator.boundaries):
        values = np.moveaxis(coarse, axis, 0)
        lower, upper = _ghosts(values, name, 2.0 * fine_operator.spacing[axis])
        padded = np.concatenate([lower, values, upper])
        if name == "dirichlet_node":
            fine = np.empty((2 * values.shape[0] + 1, *values.shape[1:]))
            fine[1::2] = values
            fine[0::2] = 0.5 * (padded[:-1] + padded[1:])
        else:
            fine = np.empty((2 * values.shape[0], *values.shape[1:]))
            fine[0::2] = 0.75 * values + 0.25 * padded[:-2]
            fine[1::2] = 0.75 * values + 0.25 * padded[2:]
        coarse = np.moveaxis(fine, 0, axis)
    return coarse


def _ghosts(values: Real, boundary: str | tuple[Wall, Wall], spacing: float) -> tuple[Real, Real]:
    """Values beyond the two ends of the first axis."""
    if boundary == "periodic":
        return values[-1:], values[:1]
    if boundary == "dirichlet_node":
        return 0.0 * values[:1], 0.0 * values[-1:]
    low, high = walls_of(boundary)
    return low.mirror(spacing) * values[:1], high.mirror(spacing) * values[-1:]
