"""Where the loop's series, frames and checkpoints go: the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid import checkpoint
from subgrid.assembly import Simulation
from subgrid.backend import Array
from subgrid.errors import PluginError
from subgrid.output import OBSTACLES, Trajectory
from subgrid.protocols import Obstructed, Quantity

SERIES_ROWS = 512
"""Observer rows kept in memory before they are written, so that observing every step stays cheap."""


class FolderRecorder:
    """Writes what the loop sees into the run folder."""

    def __init__(self, simulation: Simulation, folder: Path, mode: str) -> None:
        self._simulation = simulation
        self._trajectory = Trajectory(folder / "trajectory.h5", mode)
        scenario = simulation.scenario
        components = [f"{choice.kind}/{choice.type}/{choice.label}" for choice in scenario.choices()]
        self._checkpoints = checkpoint.CheckpointWriter(
            folder / "checkpoints", scenario.checkpoint.keep, components, checkpoint.binding(scenario)
        )

    def series(self, label: str, values: Mapping[str, Any]) -> None:
        clock, table = self._simulation.state.clock, f"series/{label}"
        # copied, because a view of the state would change with it before the row is written
        row = {name: np.array(self._simulation.backend.to_numpy(value)) for name, value in values.items()}
        if table not in self._trajectory:
            shapes = {name: value.shape for name, value in row.items()}
            self._trajectory.declare(table, self._placed(self._simulation.observed[label]), shapes)
        self._check_shapes(label, row)
        self._trajectory.add(table, clock.time, clock.step, row)
        if self._trajectory.pending_rows >= SERIES_ROWS:
            self._trajectory.commit()

    def _check_shapes(self, label: str, row: Mapping[str, NDArray[Any]]) -> None:
        """Raise PluginError when an observer's values changed their shape: every row of a table has the same."""
        shapes = self._trajectory.row_shapes(f"series/{label}")
        for name, shape in shapes.items():
            if name in row and row[name].shape != shape:
                raise PluginError(
                    f"{self._simulation.owners[label]}: returns {name!r} of shape {row[name].shape} at step "
                    f"{self._simulation.state.clock.step}, it was {shape}"
                )

    def _placed(self, quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
        """Quantities that tell where their values stand."""
        return {name: quantity.on(self._simulation.mesh) for name, quantity in quantities.items()}

    def frame(self, view: Mapping[str, Array]) -> None:
        simulation, clock = self._simulation, self._simulation.state.clock
        wanted = simulation.scenario.output.quantities
        row = {name: simulation.backend.to_numpy(view[name]) for name in wanted}
        if "frames" not in self._trajectory:
            shapes = {name: values.shape for name, values in row.items()}
            precision = simulation.scenario.output.precision
            self._trajectory.declare("frames", self._placed(simulation.quantities), shapes, precision)
        self._obstacles()
        self._trajectory.add("frames", clock.time, clock.step, row)
        self._trajectory.commit()

    def _obstacles(self) -> None:
        """Remember what stands in the way of the medium, where that is not what the last row says."""
        simulation, solver = self._simulation, self._simulation.solver
        if not isinstance(solver, Obstructed):
            return
        clock, label = simulation.state.clock, simulation.scenario.solver.label
        with simulation.blame(label):
            answer = solver.obstacles(simulation.state.prognostic(), clock.time)
        taken = {name: np.asarray(simulation.backend.to_numpy(share), np.float32) for name, share in answer.items()}
        wrong = [name for name, share in taken.items() if share.shape != simulation.mesh.shape]
        if wrong:
            raise PluginError(
                f"{simulation.owners[label]}: obstacles gives {wrong[0]!r} of shape {taken[wrong[0]].shape}, "
                f"the mesh has {simulation.mesh.shape}"
            )
        last = self._trajectory.last(OBSTACLES)
        if all(name in last and np.array_equal(share, last[name]) for name, share in taken.items()):
            return
        share_of_cell = Quantity(simulation.mesh.axes, "", "cell", description="share of the cell that is taken")
        shapes = {name: share.shape for name, share in taken.items()}
        self._trajectory.declare(OBSTACLES, dict.fromkeys(taken, share_of_cell), shapes, "float32")
        self._trajectory.add(OBSTACLES, clock.time, clock.step, taken)

    def checkpoint(self) -> None:
        self._trajectory.commit()
        self._checkpoints.write(
            self._simulation.state, self._simulation.backend, self._trajectory.counts(), self._trajectory.sync
        )

    def go_back(self, counts: Mapping[str, int]) -> None:
        self._trajectory.truncate(counts)

    def settle(self) -> None:
        """Commit what is pending and wait for the disk."""
        self._trajectory.commit()
        self._checkpoints.wait()

    def close(self) -> None:
        try:
            self.settle()
        finally:
            self._trajectory.close()
