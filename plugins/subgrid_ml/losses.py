"""What training minimises: the error of answers, or the error of what follows from them in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subgrid.api import Array, Backend, ScenarioError
from subgrid.kernels.resample import SpectralResampling
from subgrid.tasks import Registry, Rollout, parse
from subgrid_ml.data import Arrays, StoredRun
from subgrid_ml.trainable import MeasuredClosure

__all__ = ["LABEL", "RunRollout", "pointwise_loss", "relative_error", "scenario_data", "windows"]

LABEL = "trained"
"""Label of the closure that is trained in its scenario."""
FLOOR = 1e-2
"""Frames with less than this part of a batch's mean square count less than others: they hold little but noise."""
SAME_TIME = 1e-6
"""Part of a step by which the times of a frame and of a step may differ."""


def squares(closure: Any, arrays: Arrays, target: str, axes: int, backend: Backend) -> tuple[Array, Array]:
    """Mean square error of the answers to stored inputs and mean square of the target, (component, frame).

    The last ``axes`` axes of the arrays are those of one frame. A closure that measures its answers is judged by that.
    """
    xp = backend.xp
    given = {name: backend.asarray(arrays[name], "real") for name in closure.inputs}
    true, made = backend.asarray(arrays[target], "real"), closure.evaluate(given, {})
    if isinstance(closure, MeasuredClosure):
        true, made = closure.measure(given, true), closure.measure(given, made)
    over = tuple(range(-axes, 0))
    error, size = xp.mean((made - true) ** 2, axis=over), xp.mean(true**2 + 0.0 * made, axis=over)
    return xp.reshape(error, (-1, error.shape[-1])), xp.reshape(size, (-1, size.shape[-1]))


def pointwise_loss(closure: Any, arrays: Arrays, target: str, axes: int, backend: Backend) -> Array:
    """Relative mean square error, mean over components and frames, (): ``arrays`` by name hold the closure's inputs and
    the ``target``, (component, frame, ...) with ``axes`` axes of the mesh or of points at the end."""
    error, size = squares(closure, arrays, target, axes, backend)
    return backend.xp.mean(error / (size + FLOOR * backend.xp.mean(size, axis=1, keepdims=True)))


def relative_error(closure: Any, run: StoredRun, target: str, mesh_axes: int, backend: Backend) -> float:
    """Mean over components of mean square error over mean square, all frames of a run together."""
    error: Any = 0.0
    size: Any = 0.0
    for chunk in run.chunks((*closure.inputs, target)):
        arrays = {name: np.moveaxis(values, 0, -1 - mesh_axes) for name, values in chunk.items()}
        wrong, true = squares(closure, arrays, target, mesh_axes, backend)
        error, size = error + backend.to_numpy(wrong).sum(axis=1), size + backend.to_numpy(true).sum(axis=1)
    return float(np.mean(error / size))


def scenario_data(
    data: Mapping[str, Any], closure: Mapping[str, Any], run: StoredRun, take: Sequence[str], threads: int
) -> dict[str, Any]:
    """The scenario that a closure is for, on torch, with that closure only and a run's own values of ``take``."""
    backend = {**data.get("backend", {}), "name": "torch", "threads": threads}
    changed: dict[str, Any] = {**data, "backend": backend, "closures": [{**closure, "label": LABEL}]}
    changed.pop("expect", None)
    for path in take:
        table: dict[str, Any] = changed
        *tables, key = path.split(".")
        for name in tables:
            table[name] = dict(table.get(name, {}))
            table = table[name]
        table[key] = run.option(path)
    return changed


class RunRollout:
    """Windows of a stored run, computed again by the solver with the closure in it.

    Frames are put onto the mesh of the scenario by a sharp spectral filter where they come from a finer one.
    """

    def __init__(self, run: StoredRun, data: Mapping[str, Any], registry: Registry, folder: Path) -> None:
        self.run = run
        self.rollout = Rollout(parse(data, registry, folder), registry)
        self.backend = self.rollout.simulation.backend
        self.closure: Any = self.rollout.closure(LABEL)
        self._starts: dict[int, list[int]] = {}
        try:
            self._resample = SpectralResampling(run.folder.mesh(), self.rollout.simulation.mesh)
        except ValueError as error:
            raise ScenarioError(f"{run.path}: its grid does not fit the scenario: {error}") from error

    def starts(self, horizon: int) -> list[int]:
        """Frames from which the run goes on for that many steps. Raises ScenarioError when there are none."""
        if horizon not in self._starts:
            end = self.run.times[self.run.last - 1] + SAME_TIME * self.rollout.dt
            self._starts[horizon] = [
                index
                for index in range(self.run.first, self.run.last)
                if self.run.times[index] + horizon * self.rollout.dt <= end and self._frames(index, horizon)
            ]
        starts = self._starts[horizon]
        if not starts:
            raise ScenarioError(
                f"{self.run.path}: no two frames are {horizon} steps of {self.rollout.dt:g} or less apart; "
                "horizons count steps of the scenario's integrator"
            )
        return starts

    def _frames(self, start: int, horizon: int) -> dict[int, int]:
        """Frame that each step of a window falls on, for those that fall on one."""
        times, dt = self.run.times, self.rollout.dt
        found = {}
        for step in range(1, horizon + 1):
            wanted = times[start] + step * dt
            index = int(np.searchsorted(times, wanted - SAME_TIME * dt))
            if index < self.run.last and abs(times[index] - wanted) <= SAME_TIME * dt:
                found[step] = index
        return found

    def loss(self, start: int, horizon: int, compare: Sequence[str]) -> Array:
        """Relative square error of the compared quantities, mean over the frames of a window, (); differentiable with
        respect to the closure's parameters."""
        xp, held = self.backend.xp, tuple(self.run.folder.quantities())
        self.rollout.start(self._frame(held, start), float(self.run.times[start]))
        frames = self._frames(start, horizon)
        errors = [
            self._error(view[name], true, xp)
            for step, view in enumerate(self.rollout.steps(max(frames)), 1)
            if step in frames
            for name, true in self._frame(compare, frames[step]).items()
        ]
        return sum(errors[1:], errors[0]) / len(errors)

    def _frame(self, names: Sequence[str], index: int) -> dict[str, Any]:
        stored = self.run.frame(names, index)
        return {name: self._resample(np.asarray(values, dtype=np.float64)) for name, values in stored.items()}

    def _error(self, made: Array, true: Any, xp: Any) -> Array:
        wanted = self.backend.asarray(true, "real")
        return xp.sum((made - wanted) ** 2) / xp.sum(wanted**2)


def windows(
    rollouts: Sequence[RunRollout], horizon: int, rng: np.random.Generator, count: int
) -> Iterator[tuple[RunRollout, int]]:
    """Random windows: every run as likely as another, and every start in it."""
    for which in rng.integers(0, len(rollouts), size=count):
        starts = rollouts[which].starts(horizon)
        yield rollouts[which], starts[int(rng.integers(0, len(starts)))]
